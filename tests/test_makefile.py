"""make: an environment that cannot work is made again instead of failing on an import."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from core.paths import ROOT

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")


@pytest.fixture
def folder(tmp_path) -> Path:
    """A copy of the project's Makefile, in a path with blanks."""
    folder = tmp_path / "with blanks" / "lab"
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", folder)
    return folder


def environment(folder: Path, python: str) -> None:
    """A virtual environment as far as make looks at it; python: a program in sh."""
    program = folder / ".venv" / "bin" / "python"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\n{python}\n")
    program.chmod(0o755)
    command = f"command = /usr/bin/python3 -m venv {folder / '.venv'}\n"
    (folder / ".venv" / "pyvenv.cfg").write_text(command)
    for name in ("requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
        os.utime(folder / name, (0, 0))  # older than the environment


def make(folder: Path, *arguments: str) -> str:
    # The make that runs these tests hands its own variables on.
    own = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "SOUND")}
    done = subprocess.run(["make", *arguments], cwd=folder, capture_output=True, text=True, env=own)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_help_lists_the_commands_with_what_they_do(folder):
    shown = make(folder, "help")
    for command in ("run", "serve", "dev", "check", "test", "format", "tables"):
        assert f"make {command} " in shown
    assert make(folder) == shown  # `make` alone


def test_a_sound_environment_is_used_as_it_is(folder):
    environment(folder, "exit 0")
    (folder / ".venv" / "installed").touch()
    commands = make(folder, "run", "--dry-run")
    assert "streamlit run" in commands and "venv" not in commands.replace(".venv/bin/python -m", "")


@pytest.mark.parametrize("what", ["its Python has other packages", "its Python is gone", "moved"])
def test_an_environment_that_cannot_work_is_made_again_and_that_is_said(folder, what):
    environment(folder, "exit 1" if what == "its Python has other packages" else "exit 0")
    (folder / ".venv" / "installed").touch()
    if what == "its Python is gone":
        (folder / ".venv" / "bin" / "python").unlink()
    if what == "moved":
        folder = folder.rename(folder.with_name("moved"))
    commands = make(folder, "run", "--dry-run")
    steps = ("made again", "rm -rf .venv", "-m venv .venv", "pip install", "streamlit run")
    places = [commands.index(step) for step in steps]
    assert places == sorted(places)
    assert (folder / ".venv").exists()  # nothing is removed by looking
    assert "made again" not in make(folder, "help")
