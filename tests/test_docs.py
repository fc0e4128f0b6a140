"""What README and the documentation name is there: commands, flags, files, and the example in Python."""

import argparse
import re
import subprocess
import sys

import pytest

import core.__main__
import tools.__main__
from core.paths import ROOT

TEXTS = {
    path.name: path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
}
PROGRAMS = {"core": core.__main__.build_parser(), "tools": tools.__main__.build_parser()}


@pytest.mark.slow
def test_the_example_in_python_runs():
    (example,) = re.findall(r"```python\n(.*?)```", TEXTS["README.md"], re.DOTALL)
    assert len([line for line in example.splitlines() if line.strip()]) <= 15
    done = subprocess.run([sys.executable, "-c", example], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    memorized = re.search(r"(\d+)% of the wrong labels are memorized", done.stdout)
    found = re.search(r"Of the 100 most suspicious labels (\d+)% are wrong", done.stdout)
    assert int(memorized[1]) > 90 and int(found[1]) > 36  # of labels drawn blindly 36% are wrong


def test_every_make_target_that_is_named_is_there():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for name, text in TEXTS.items():
        for target in re.findall(r"(?:`|^)make ([a-z-]+)", text, re.MULTILINE):
            assert target in targets, f"{name}: make {target}"


def test_every_command_that_is_named_takes_its_flags():
    for name, text in TEXTS.items():
        for program, rest in re.findall(r"python -m (core|tools) ([^`\n#]+)", text):
            words = rest.split()
            if not words[0].isalpha():  # "python -m core ...": any command
                continue
            commands = next(
                action.choices
                for action in PROGRAMS[program]._actions
                if isinstance(action, argparse._SubParsersAction)
            )
            assert words[0] in commands, f"{name}: {program} {words[0]}"
            known = commands[words[0]]._option_string_actions
            for flag in (word for word in words if word.startswith("--")):
                assert flag in known, f"{name}: {program} {words[0]} {flag}"


def test_every_file_that_is_named_is_there():
    for name, text in TEXTS.items():
        for path in re.findall(
            r"`((?:core|pages|tools|tests|docs|assets|notebooks)/[\w./-]*\w)`", text
        ):
            if "NAME" not in path:
                assert (ROOT / path).exists(), f"{name}: {path}"
