"""The notebook, run from its first cell to its last in a kernel of its own."""

import nbclient
import nbformat
import pytest

from core.paths import ROOT

PATH = ROOT / "notebooks" / "sweep.ipynb"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the kernel's libraries
def test_the_notebook_runs_and_draws_its_figures(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # this checkout, wherever the environment is from
    notebook = nbformat.read(PATH, as_version=4)
    nbclient.NotebookClient(
        notebook, timeout=120, resources={"metadata": {"path": PATH.parent}}
    ).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert not [output for output in outputs if output.output_type == "error"]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(pictures) == 2
    said = "".join(output.text for output in outputs if output.output_type == "stream")
    assert "has memorized" in said and "correctly" in said
    tables = [output.data["text/html"] for output in outputs if "text/html" in output.get("data", {})]
    assert "Figure 1c" in tables[-1] and "final_test_error" in tables[0]
