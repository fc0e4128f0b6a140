"""Where the lab is reached: its address for others, as text and as a QR code."""

import io
import os
import socket
import struct
import subprocess
import sys
from contextlib import suppress
from urllib.parse import urlsplit

import segno

from core.errors import ConfigError
from core.paths import ROOT

PORT = 8501
SIOCGIFADDR = 0x8915  # Linux: the address of an interface
EXPOSED = """\
Everybody in this network can open the pages, start training within the limits of lab.toml
and see every run. Nobody can read files or run programs on this machine. The teacher's page
({address}/teacher) is {door}. Traffic is not encrypted: choose a password of its own for it."""


def given_address() -> str:
    """Where others reach the lab, as `serve` or the environment says; empty: nobody has said."""
    return os.environ.get("LAB_ADDRESS", "").rstrip("/")


def check_address(text: str) -> str:
    """An address to hand out, without a slash at its end. Raises ConfigError."""
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ConfigError(f"{text!r} is no address: write one like http://lab.school.example:8501.")
    return text.rstrip("/")


def address(opened: str | None, base_path: str = "") -> str:
    """The address to hand out: the one that was given, else where the page itself was opened.

    base_path: under which the lab lies there, as Streamlit's server.baseUrlPath says.
    """
    if given_address():
        return given_address()
    parts = urlsplit(opened or f"http://localhost:{PORT}")
    return f"{parts.scheme}://{parts.netloc}/{base_path.strip('/')}".rstrip("/")


def is_for_others(address: str) -> bool:
    """Whether another machine can open it, as far as the address tells."""
    host = urlsplit(address).hostname or ""
    return host not in ("localhost", "::1") and not host.startswith("127.")


def qr_code(link: str) -> bytes:
    """A link as a PNG to project."""
    picture = io.BytesIO()
    segno.make(link, error="m").save(picture, kind="png", scale=12, border=3)
    return picture.getvalue()


def network_addresses() -> list[str]:
    """This machine's own addresses as others see them, the likeliest first; nothing is sent."""
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        with suppress(OSError):  # there is no way out of this machine
            probe.connect(("192.0.2.1", 9))  # kept for documentation: nobody answers there
            found.append(probe.getsockname()[0])
        found += _interface_addresses(probe)
    with suppress(OSError):
        found += socket.gethostbyname_ex(socket.gethostname())[2]
    return [each for each in dict.fromkeys(found) if is_for_others(f"http://{each}")]


def _interface_addresses(probe: socket.socket) -> list[str]:
    """Of each interface, where the system tells."""
    try:
        import fcntl
    except ImportError:  # Windows
        return []
    found = []
    for _, name in socket.if_nameindex():
        with suppress(OSError):  # this one has none
            request = struct.pack("256s", name.encode()[:15])
            found.append(socket.inet_ntoa(fcntl.ioctl(probe.fileno(), SIOCGIFADDR, request)[20:24]))
    return found


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


def serve(has_teacher: bool, port: int = PORT, given: str = "") -> int:
    """Serve the app to the network until it is stopped; say where, and what that exposes.

    given: the address to hand out, where this machine does not know it (behind a proxy, say).
    """
    found = [f"http://{each}:{port}" for each in network_addresses()]
    base_url, *others = [each for each in (given, *found) if each] or [f"http://localhost:{port}"]
    print(f"The lab is at {base_url}\n")
    if is_for_others(base_url):
        segno.make(base_url, error="m").terminal(compact=True)
    else:
        print("No other machine can open that: this one is in no network. Join one, and start again.")
    if others and not given:
        print(f"\nWhere that does not open, try {' or '.join(others)}, and start with --address.")
    door = "open to its password" if has_teacher else "closed: no password is set"
    print("\n" + EXPOSED.format(address=base_url, door=door) + "\n", flush=True)
    command = [sys.executable, "-m", "streamlit", "run", "app.py"]
    command += ["--server.address=0.0.0.0", f"--server.port={port}"]
    return subprocess.call(command, cwd=ROOT, env={**os.environ, "LAB_ADDRESS": base_url})
