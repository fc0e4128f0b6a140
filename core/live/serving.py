"""Where the lab is reached: its address for others, as text and as a QR code."""

import io
import os
import socket
import subprocess
import sys
from urllib.parse import urlsplit

import segno

from core.errors import ConfigError
from core.paths import ROOT

PORT = 8501
EXPOSED = """\
Everybody in this network can open the pages, start training within the limits of lab.toml
and see every run. Nobody can read files or run programs on this machine. The teacher's page
({address}/teacher) is {door}. Traffic is not encrypted: choose a password of its own for it."""


def address(opened: str | None) -> str:
    """The address to hand out: what `serve` announced, else where the page itself was opened."""
    if os.environ.get("LAB_ADDRESS"):
        return os.environ["LAB_ADDRESS"]
    parts = urlsplit(opened or f"http://localhost:{PORT}")
    return f"{parts.scheme}://{parts.netloc}"


def qr_code(link: str) -> bytes:
    """A link as a PNG to project."""
    picture = io.BytesIO()
    segno.make(link, error="m").save(picture, kind="png", scale=12, border=3)
    return picture.getvalue()


def network_address() -> str:
    """This machine's own address as others see it; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # kept for documentation: nobody answers there
            return probe.getsockname()[0]
        except OSError:
            return "127.0.0.1"


def check_port(port: int) -> None:
    """Whether it is free; raises ConfigError, before the address is printed that leads nowhere."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))
        except OSError as error:
            raise ConfigError(
                f"port {port} cannot be used ({error.strerror}): is the lab running already? "
                f"`serve --port {port + 1 if port < 65535 else 8501}` takes another."
            ) from None


def serve(has_teacher: bool, port: int = PORT) -> int:
    """Serve the app to the network until it is stopped; say where, and what that exposes."""
    base_url = f"http://{network_address()}:{port}"
    print(f"The lab is at {base_url}\n")
    segno.make(base_url, error="m").terminal(compact=True)
    door = "open to its password" if has_teacher else "closed: no password is set"
    print("\n" + EXPOSED.format(address=base_url, door=door) + "\n", flush=True)
    command = [sys.executable, "-m", "streamlit", "run", "app.py"]
    command += ["--server.address=0.0.0.0", f"--server.port={port}"]
    return subprocess.call(command, cwd=ROOT, env={**os.environ, "LAB_ADDRESS": base_url})
