"""The app's own server, on a data folder of its own."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Page, expect

from core.live.classroom.login import hash_password
from core.paths import ROOT

PASSWORD = "correct horse"  # of the teacher

# In every Python process of the server: what leaves this machine is written down.
WATCH = """
import os, socket

connect, lookup = socket.socket.connect, socket.getaddrinfo

def note(what):
    with open(os.environ["LAB_CALLS"], "a") as log:
        log.write(f"{what}\\n")

def watched_connect(self, address):
    is_far = self.family in (socket.AF_INET, socket.AF_INET6) and self.type == socket.SOCK_STREAM
    if is_far and not str(address[0]).startswith(("127.", "::1", "localhost")):
        note(address)
    return connect(self, address)

def watched_lookup(host, *arguments, **named):
    if host not in (None, "", "localhost", "127.0.0.1", "::1", "0.0.0.0"):
        note(host)
    return lookup(host, *arguments, **named)

socket.socket.connect, socket.getaddrinfo = watched_connect, watched_lookup
"""


class Server:
    """`streamlit run app.py` on a free port of this machine, on a data folder of its own."""

    def __init__(self, folder: Path, host: str = "localhost", **environment: str):
        """host: a name ending in .localhost is this machine, too, but looks like one for others."""
        self.folder, self.environment = folder, environment
        (folder / "sitecustomize.py").write_text(WATCH)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.address = f"http://{host}:{self.port}"
        if host != "localhost":
            self.environment["LAB_ADDRESS"] = self.address
        self.process = None

    def start(self) -> None:
        with open(self.folder / "server.log", "a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={self.port}"],
                cwd=ROOT,
                env={
                    **os.environ,
                    "LAB_DATA": str(self.folder),
                    "PYTHONPATH": str(self.folder),  # of its sitecustomize.py
                    "LAB_CALLS": str(self.folder / "calls.log"),
                    **self.environment,
                },
                stdout=log,
                stderr=log,
            )
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                with urllib.request.urlopen(f"http://localhost:{self.port}/_stcore/health", timeout=2):
                    return
            except OSError:
                time.sleep(0.1)
        raise AssertionError((self.folder / "server.log").read_text())

    def calls(self) -> str:
        """Where the server, or a process that it started, asked for a name or connected to."""
        log = self.folder / "calls.log"
        return log.read_text() if log.exists() else ""

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


def with_teacher(folder: Path) -> dict[str, str]:
    """The environment of a server whose teacher's page opens to PASSWORD."""
    settings = folder / "lab.toml"
    settings.write_text(f'teacher_password = "{hash_password(PASSWORD)}"\n')
    return {"LAB_CONFIG": str(settings)}


def open_page(page: Page, server: Server, address: str, title: str) -> None:
    page.goto(server.address + address)
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
