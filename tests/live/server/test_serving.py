import io
import socket
import subprocess
import sys

import pytest
from PIL import Image

from core.__main__ import main
from core.errors import ConfigError
from core.live.classroom.login import is_password
from core.live.server import serving
from core.paths import ROOT


def test_the_address_is_where_the_page_was_opened_or_what_serve_announced(monkeypatch):
    monkeypatch.delenv("LAB_ADDRESS", raising=False)
    assert serving.address("http://lab.example:8501/teacher?x=1") == "http://lab.example:8501"
    assert serving.address("http://lab.example/lab/teacher", "/lab/") == "http://lab.example/lab"
    monkeypatch.setenv("LAB_ADDRESS", "http://192.0.2.7:8501/")
    assert serving.address("http://localhost:8501/teacher") == "http://192.0.2.7:8501"


def test_a_qr_code_is_a_picture_to_project():
    picture = Image.open(io.BytesIO(serving.qr_code("http://192.0.2.7:8501/train?room=K7P2X")))
    assert picture.width == picture.height > 300


@pytest.mark.parametrize(("has_teacher", "door"), [(True, "open to its password"), (False, "closed")])
def test_serve_says_where_and_what_is_exposed(monkeypatch, capsys, has_teacher, door):
    called = []
    monkeypatch.setattr(
        subprocess, "call", lambda command, **options: called.append((command, options))
    )
    monkeypatch.setattr(serving, "network_addresses", lambda: ["192.0.2.7", "198.51.100.3"])
    serving.serve(has_teacher, 8600)
    said, (command, options) = capsys.readouterr().out, called[0]
    base_url = "http://192.0.2.7:8600"
    assert "try http://198.51.100.3:8600" in said
    assert f"The lab is at {base_url}" in said and door in said and "not encrypted" in said
    assert "--server.address=0.0.0.0" in command and options["env"]["LAB_ADDRESS"] == base_url


def test_run_stays_on_this_machine():
    config = (ROOT / ".streamlit" / "config.toml").read_text()
    assert 'address = "localhost"' in config


def test_the_password_command_prints_what_opens_the_gate(monkeypatch, capsys):
    monkeypatch.setattr("core.cli.password.getpass", lambda prompt: "correct horse")
    assert main(["password"]) == 2 and "be typed in a terminal" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    assert main(["password"]) == 0
    line = capsys.readouterr().out.strip()
    hashed = line.removeprefix('teacher_password = "').removesuffix('"')
    assert is_password("correct horse", hashed) and "horse" not in line
    answers = iter(["correct horse", "correct house"])
    monkeypatch.setattr("core.cli.password.getpass", lambda prompt: next(answers))
    assert main(["password"]) == 2 and "passwords differ" in capsys.readouterr().err


def test_serving_needs_no_torch():
    code = "import sys, core.live.server.serving; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


@pytest.mark.parametrize("port", ["0", "70000", "-1"])
def test_a_port_that_is_none_is_one_sentence(capsys, port):
    assert main(["serve", "--port", port]) == 2
    assert "must be from 1 to 65535" in capsys.readouterr().err


def test_a_port_that_is_taken_is_said_before_any_address(capsys):
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["serve", "--port", str(port)]) == 2
    printed = capsys.readouterr()
    assert f"port {port} cannot be used" in printed.err and "The lab is at" not in printed.out


def test_the_given_address_wins_and_one_of_this_machine_alone_is_no_code(monkeypatch, capsys):
    handed = []
    monkeypatch.setattr(
        subprocess, "call", lambda command, env, **_: handed.append(env["LAB_ADDRESS"]) or 0
    )
    monkeypatch.setattr(serving, "check_port", lambda port: None)
    monkeypatch.setattr(serving, "network_addresses", lambda: ["192.0.2.7"])
    monkeypatch.setenv("LAB_ADDRESS", "https://lab.school.example/lab/")
    assert main(["serve"]) == 0
    assert main(["serve", "--address", "http://192.0.2.8:8501"]) == 0
    monkeypatch.delenv("LAB_ADDRESS")
    assert main(["serve"]) == 0
    assert "No other machine" not in capsys.readouterr().out
    monkeypatch.setattr(serving, "network_addresses", lambda: [])
    assert main(["serve"]) == 0
    said = capsys.readouterr().out
    assert "No other machine can open that" in said and "\u2588" not in said and "\u2580" not in said
    assert handed == [
        *("https://lab.school.example/lab", "http://192.0.2.8:8501"),
        *("http://192.0.2.7:8501", "http://localhost:8501"),
    ]
    for wrong in ("lab.school.example", "ftp://x", "http://", "http://x?y"):
        assert main(["serve", "--address", wrong]) == 2
        assert "is not an address" in capsys.readouterr().err


def test_no_address_of_this_machine_alone_is_among_those_for_others():
    found = serving.network_addresses()
    assert len(set(found)) == len(found) and not any(each.startswith("127.") for each in found)
    assert not any(
        map(serving.is_for_others, ("http://localhost:1", "http://127.0.0.1", "http://[::1]:8"))
    )


def test_an_address_that_is_none_is_one_sentence():
    for text in ("http://[", "lab.example", "ftp://lab.example", "http://"):
        with pytest.raises(ConfigError, match="is not an address"):
            serving.check_address(text)


def test_a_terminal_that_cannot_show_the_code_still_gets_the_address(monkeypatch):
    """As with LANG=C on an old server: no block characters."""
    shown = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", shown)
    monkeypatch.setattr(serving, "network_addresses", lambda: ["10.0.0.7"])
    monkeypatch.setattr(subprocess, "call", lambda *_, **__: 0)
    assert serving.serve(has_teacher=False) == 0
    shown.flush()
    said = shown.buffer.getvalue().decode("ascii")
    assert "The lab is at http://10.0.0.7:8501" in said and "closed: no password is set" in said
