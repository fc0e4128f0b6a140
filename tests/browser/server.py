"""The app's own server, on a data folder of its own."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Page, expect

from core.paths import ROOT


class Server:
    """`streamlit run app.py` on a free port of this machine, on a data folder of its own."""

    def __init__(self, folder: Path, **environment: str):
        self.folder, self.environment = folder, environment
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.address = f"http://localhost:{self.port}"
        self.process = None

    def start(self) -> None:
        with open(self.folder / "server.log", "a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={self.port}"],
                cwd=ROOT,
                env={**os.environ, "LAB_DATA": str(self.folder), **self.environment},
                stdout=log,
                stderr=log,
            )
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                with urllib.request.urlopen(f"{self.address}/_stcore/health", timeout=2):
                    return
            except OSError:
                time.sleep(0.1)
        raise AssertionError((self.folder / "server.log").read_text())

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


def open_page(page: Page, server: Server, address: str, title: str) -> None:
    page.goto(server.address + address)
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
