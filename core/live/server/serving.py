"""The address at which others reach the lab, as text and as a QR code; and serving it there."""

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
({address}/teacher) is {door}. Traffic is not encrypted: use this password nowhere else."""


def given_address() -> str:
    """Return the address that `serve` or the environment (LAB_ADDRESS) gives, or an empty string."""
    return os.environ.get("LAB_ADDRESS", "").rstrip("/")


def check_address(text: str) -> str:
    """Return the address without a slash at its end. Raises ConfigError if it is not an address."""
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ConfigError(f"{text!r} is not an address: write one like http://lab.school.example:8501.")
    return text.rstrip("/")


def address(opened: str | None, base_path: str = "") -> str:
    """Return the address to hand out: the given one, or else where the page itself was opened.

    base_path: the path of the lab at that host (Streamlit's server.baseUrlPath).
    """
    if given_address():
        return given_address()
    parts = urlsplit(opened or f"http://localhost:{PORT}")
    return f"{parts.scheme}://{parts.netloc}/{base_path.strip('/')}".rstrip("/")


def is_for_others(address: str) -> bool:
    """Whether other machines can open this address: it is not the machine's own loopback address."""
    host = urlsplit(address).hostname or ""
    return host not in ("localhost", "::1") and not host.startswith("127.")


def qr_code(link: str) -> bytes:
    """Return a QR code of the link as a PNG, large enough to project."""
    picture = io.BytesIO()
    segno.make(link, error="m").save(picture, kind="png", scale=12, border=3)
    return picture.getvalue()


def network_addresses() -> list[str]:
    """Return this machine's network addresses, likeliest first. Sends nothing."""
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        with suppress(OSError):  # this machine has no network
            probe.connect(("192.0.2.1", 9))  # an address reserved for documentation: nobody answers
            found.append(probe.getsockname()[0])
        found += _interface_addresses(probe)
    with suppress(OSError):
        found += socket.gethostbyname_ex(socket.gethostname())[2]
    return [each for each in dict.fromkeys(found) if is_for_others(f"http://{each}")]


def _interface_addresses(probe: socket.socket) -> list[str]:
    """The address of each network interface, if the system lists them."""
    try:
        import fcntl
    except ImportError:  # Windows
        return []
    found = []
    for _, name in socket.if_nameindex():
        with suppress(OSError):  # this interface has no address
            request = struct.pack("256s", name.encode()[:15])
            found.append(socket.inet_ntoa(fcntl.ioctl(probe.fileno(), SIOCGIFADDR, request)[20:24]))
    return found


def check_port(port: int) -> None:
    """Raise ConfigError if the port is in use, before an address is printed that does not work."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))
        except OSError as error:
            raise ConfigError(
                f"port {port} cannot be used ({error.strerror}): is the lab already running? "
                f"`serve --port {port + 1 if port < 65535 else 8501}` uses another."
            ) from None


def serve(has_teacher: bool, port: int = PORT, given: str = "") -> int:
    """Serve the app to the network until it is stopped; print its address and what others can do there.

    given: the address to hand out, if this machine cannot find it (for example, behind a proxy).
    """
    found = [f"http://{each}:{port}" for each in network_addresses()]
    base_url, *others = [each for each in (given, *found) if each] or [f"http://localhost:{port}"]
    print(f"The lab is at {base_url}\n")
    if is_for_others(base_url):
        with suppress(UnicodeEncodeError):  # a terminal that shows no blocks: the address is enough
            segno.make(base_url, error="m").terminal(compact=True)
    else:
        print(
            "No other machine can open that: this one has no network. Join a network and start again."
        )
    if others and not given:
        print(f"\nIf that does not open, try {' or '.join(others)}, and start with --address.")
    door = "open to its password" if has_teacher else "closed: no password is set"
    print("\n" + EXPOSED.format(address=base_url, door=door) + "\n", flush=True)
    command = [sys.executable, "-m", "streamlit", "run", "app.py"]
    command += ["--server.address=0.0.0.0", f"--server.port={port}"]
    return subprocess.call(command, cwd=ROOT, env={**os.environ, "LAB_ADDRESS": base_url})
