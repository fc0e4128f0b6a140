"""The documentation's tables: written from what is stored, and stale when it changes."""

import pytest

from core.sweep.protocol import label_runs
from core.sweep.results import load_runs
from tools import tables
from tools.__main__ import main


@pytest.fixture
def documents(tmp_path, monkeypatch):
    """One document with two tables, one of them out of date."""
    path = tmp_path / "results.md"
    text = "# Title\n<!-- table: {} -->\n{}<!-- end of table -->\nafter\n"
    path.write_text(text.format("first", "") + text.format("second", "| old |\n"))
    monkeypatch.setattr(tables, "ROOT", tmp_path)
    monkeypatch.setattr(tables, "FILES", (path,))
    rows = {"first": lambda: "| a |\n", "second": lambda: "| b |\n"}
    monkeypatch.setattr(tables, "TABLES", rows)
    return path


def test_tables_are_written_between_their_comments_and_nowhere_else(documents):
    assert main(["tables"]) == 0
    assert documents.read_text() == (
        "# Title\n<!-- table: first -->\n| a |\n<!-- end of table -->\nafter\n"
        "# Title\n<!-- table: second -->\n| b |\n<!-- end of table -->\nafter\n"
    )
    assert main(["tables", "--check"]) == 0


def test_a_stale_table_fails_the_check_and_is_left_as_it_is(documents, capsys):
    before = documents.read_text()
    assert main(["tables", "--check"]) == 1
    assert "results.md are stale: run `make tables`" in capsys.readouterr().err
    assert documents.read_text() == before


def test_every_table_of_the_documentation_has_its_maker():
    named = {name for path in tables.FILES for _, name, _ in tables.TABLE.findall(path.read_text())}
    assert named <= set(tables.TABLES) and {"coverage", "speed", "load", "mini"} <= named


def test_full_scale_says_what_is_stored():
    runs = label_runs(load_runs())
    half = runs[(runs.model == "mlp-1x512") & (runs.level == 0.5)]
    row = next(line for line in tables.full_scale("mlp-1x512").splitlines() if line.startswith("| 50%"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1] == str(half.seed.nunique())
    assert cells[4] == f"{100 * half.final_test_error.mean():.2f}"
    assert cells[-1] == "79.61"  # figure 1c


def test_what_is_not_computed_is_said_to_be_missing(monkeypatch):
    nothing = load_runs().head(0)
    monkeypatch.setattr(tables, "load_runs", lambda: nothing)
    assert tables.full_scale("inception").count("not computed yet") == 11 * 4
    assert "0 of 33" in tables.coverage()


def test_what_was_trained_without_bfloat16_is_said(monkeypatch):
    runs = load_runs()
    without = runs.assign(device="2 CPU threads (AVX512, bfloat16)")
    monkeypatch.setattr(tables.cure_tables, "load_runs", lambda: without)
    assert tables.cure_tables.in_float32() == ""
    is_one = (runs.model == "alexnet") & (runs.loss == "generalized") & (runs.level == 0.4)
    one = without.assign(device=without.device.mask(is_one, "1 CPU thread (AVX2, float32)"))
    monkeypatch.setattr(tables.cure_tables, "load_runs", lambda: one)
    assert tables.cure_tables.in_float32().endswith(": `alexnet` at 40% (generalized cross-entropy).\n")
