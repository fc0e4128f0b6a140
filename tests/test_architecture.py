"""The direction of the arrows: pages know core, core knows no page; torch stays with the trainer."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = ("start", "corrupt", "train", "guess", "sweep", "teacher", "present")
WITHOUT_TORCH = (
    *("config", "records", "cifar10", "corruption", "charts", "store", "results"),
    *("captions", "comparison", "estimate", "gallery", "download", "processes"),
    *("grids", "fidelity", "export", "policy", "classroom", "serving"),
)


def imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("path", sorted((ROOT / "core").glob("*.py")), ids=lambda path: path.name)
def test_core_never_imports_streamlit_or_pages(path):
    assert not imports(path) & {"streamlit", "pages"}


@pytest.mark.parametrize("path", sorted((ROOT / "pages").rglob("*.py")), ids=lambda path: path.name)
def test_pages_never_import_torch(path):
    assert not imports(path) & {"torch", "torchvision"}


def test_nothing_but_pages_lies_directly_in_pages():
    found = {path.name for path in (ROOT / "pages").iterdir() if path.name != "__pycache__"}
    assert found == {*(f"{name}.py" for name in PAGES), "shared"}


def test_core_serves_a_page_without_torch():
    code = f"import sys; import core.{', core.'.join(WITHOUT_TORCH)}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


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


def test_every_core_module_has_its_tests():
    names = {path.stem for path in (ROOT / "core").glob("*.py")} - {"__init__", "errors"}
    together = {"__main__": "cli", "comparison": "captions", "estimate": "captions"}
    together |= {"progress": "cli"}
    together |= {
        "checkpoint": "training",
        "processes": "trainer",
        "devices": "training",
        "graphs": "training",
    }
    tested = {path.stem.removeprefix("test_") for path in (ROOT / "tests").glob("test_*.py")}
    assert {together.get(name, name) for name in names} <= tested
