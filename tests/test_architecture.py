"""What import-linter does not see: the folder of the pages, and what they load when they run."""

import os
import subprocess
import sys

import pytest

from core.paths import ROOT
from tests.pages.opened import TITLES

PAGES = tuple(TITLES)


def test_nothing_but_pages_lies_directly_in_pages():
    found = {path.name for path in (ROOT / "pages").iterdir() if path.name != "__pycache__"}
    assert found == {*(f"{name}.py" for name in PAGES), "shared"}


@pytest.mark.slow
def test_every_page_leaves_torch_unloaded():
    """All pages in one process, run for real."""
    code = """
import sys
from streamlit.testing.v1 import AppTest
for name in sys.argv[1:]:
    page = AppTest.from_file(f"pages/{name}.py", default_timeout=60).run()
    assert not page.exception, page.exception
sys.exit("torch" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, *PAGES], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert done.returncode == 0
