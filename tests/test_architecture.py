"""What import-linter does not see: the folder of the pages, and what they load when they run."""

import os
import subprocess
import sys

import pytest

from core.paths import ROOT
from pages.shared.frame.navigation import script
from tests.pages.opened import TITLES

PAGES = tuple(TITLES)


def test_the_folder_of_the_pages_shows_the_pages():
    found = {path.stem for path in (ROOT / "pages").iterdir() if not path.name.startswith("__")}
    assert found == {*PAGES, "shared"}
    assert all(script(name).is_file() for name in PAGES)


@pytest.mark.slow
def test_every_page_leaves_torch_unloaded():
    """All pages in one process, run for real."""
    code = """
import sys
from streamlit.testing.v1 import AppTest
for path in sys.argv[1:]:
    page = AppTest.from_file(path, default_timeout=60).run()
    assert not page.exception, page.exception
sys.exit("torch" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, *(str(script(name)) for name in PAGES)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0


def test_scripts_are_files_that_are_checked():
    """Not strings in Python, which no linter reads."""
    for path in (ROOT / "pages").rglob("*.py"):
        if path.name != "component.py":
            assert "unsafe_allow_javascript" not in path.read_text(encoding="utf-8"), path
    for path in (ROOT / "pages").rglob("on_page/*.js"):
        assert f"function {path.stem}(" in path.read_text(encoding="utf-8"), path
