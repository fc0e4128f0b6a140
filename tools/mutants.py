"""Do the tests notice small faults? Puts one at a time into a copy of the project: make mutants.

A mutant is a small deliberate fault. The tests named for it should fail: then it is killed. One
that lives shows what no test holds. The list is in tools/mutant_table.py.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from core.paths import ROOT
from tools.mutant_table import MUTANTS, Mutant

COPIED = (
    "core",
    "pages",
    "tools",
    "tests",
    "docs",
    ".streamlit",
    "app.py",
    "pyproject.toml",
    "Makefile",
)
CHOSEN = "not browser and not cluster and not gpu"
LONGEST_SECONDS = 600.0  # of the tests for one mutant: a fault that makes them hang is noticed, too
PASSED, FAILED, INTERRUPTED = (
    0,
    1,
    2,
)  # what pytest exits with; interrupted: a module cannot be imported


def faulty(mutant: Mutant, text: str) -> str:
    """The text of its file with the fault. Raises ValueError where it does not fit exactly once."""
    if (count := text.count(mutant.old)) != 1:
        raise ValueError(
            f"{mutant.name}: its text occurs {count} times in {mutant.file}, but must once."
        )
    return text.replace(mutant.old, mutant.new)


def copy_project(folder: Path) -> None:
    """What the tests need, without the environment; the assets are linked, for they are large."""
    for name in COPIED:
        source, target = ROOT / name, folder / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "browser"))
        else:
            shutil.copy(source, target)
    (folder / "assets").symlink_to(ROOT / "assets")


def is_noticed(folder: Path, tests: tuple[str, ...]) -> bool:
    """Whether one of these tests fails in this copy. Raises RuntimeError where pytest runs none."""
    # No bytecode: a file that is changed twice within a second would be taken for the same.
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", "-m", CHOSEN, *tests]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LONGEST_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return True
    if done.returncode not in (PASSED, FAILED, INTERRUPTED):
        raise RuntimeError(f"pytest could not run {' '.join(tests)}:\n{done.stdout}{done.stderr}")
    return done.returncode != PASSED


def survives(folder: Path, mutant: Mutant) -> bool:
    """Put the fault into the copy, run its tests, and take it out again."""
    path = folder / mutant.file
    sound = path.read_text(encoding="utf-8")
    path.write_text(faulty(mutant, sound), encoding="utf-8")
    try:
        return not is_noticed(folder, mutant.tests)
    finally:
        path.write_text(sound, encoding="utf-8")


def main(names: list[str]) -> int:
    """Exit status 1 if a mutant lives without a reason. names: of those to try; none: all."""
    if unknown := set(names) - {mutant.name for mutant in MUTANTS}:
        print(f"There is no mutant {sorted(unknown)[0]!r}.", file=sys.stderr)
        return 2
    chosen = [mutant for mutant in MUTANTS if not names or mutant.name in names]
    alive = []
    with tempfile.TemporaryDirectory(prefix="mutants-") as name:
        folder = Path(name)
        copy_project(folder)
        # Where a test fails without any fault, it tells nothing of one.
        if is_noticed(folder, tuple(dict.fromkeys(test for each in chosen for test in each.tests))):
            print("A test fails without any fault: run make check first.", file=sys.stderr)
            return 2
        for mutant in chosen:
            started = time.monotonic()
            if survives(folder, mutant):
                alive.append(mutant)
            state = "ALIVE " if mutant in alive else "killed"
            print(f"{state} {time.monotonic() - started:4.0f} s  {mutant.name}", flush=True)
    print(f"{len(chosen) - len(alive)} of {len(chosen)} killed")
    for mutant in alive:
        print(f"alive: {mutant.name} ({mutant.file}): {mutant.reason or 'no test notices it'}")
    return int(any(not mutant.reason for mutant in alive))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
