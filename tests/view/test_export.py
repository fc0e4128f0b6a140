"""Figures and data as files, opened again and read."""

import io
import xml.etree.ElementTree as ElementTree

import pandas as pd
import pypdf
import pytest
from PIL import Image

from core.sweep.reference import paper
from core.sweep.results import load_runs
from core.view import export
from core.view.sweep import charts

TITLE, CAPTION = "What rises, and what stays at zero", "The test error of a small network. " * 6
SOURCE = "Label Corruption Lab. Figure after Zhang et al., arXiv 1611.03530, figure 1."


@pytest.fixture(scope="module")
def chart():
    runs = load_runs()
    return charts.error_against_level(runs[runs.data == "full"], paper(), "mlp-1x512", selectable=True)


def said_by(texts) -> str:
    return " ".join(" ".join(texts).split())


@pytest.mark.slow
def test_svg_says_it_all_in_text(chart):
    root = ElementTree.fromstring(export.figure(chart, "svg", TITLE, CAPTION, SOURCE))
    said = said_by(text for text in root.itertext() if text.strip())
    for part in (TITLE, "The test error of a small network.", SOURCE, "Corruption level p", "100%"):
        assert part in said
    assert "training error" in said and "0.9 p" in said


@pytest.mark.slow
def test_pdf_says_it_all_in_text(chart):
    file = pypdf.PdfReader(io.BytesIO(export.figure(chart, "pdf", TITLE, CAPTION, SOURCE)))
    (page,) = file.pages
    said = said_by(page.extract_text().splitlines())
    for part in (TITLE, "The test error of a small network.", SOURCE, "Corruption level p"):
        assert part in said
    assert page.mediabox.width > 800


@pytest.mark.slow
def test_png_is_big_enough_for_a_poster(chart):
    picture = Image.open(io.BytesIO(export.figure(chart, "png", TITLE, CAPTION, SOURCE)))
    assert picture.width >= 4400 and picture.height >= 2500


def test_other_kinds_are_refused(chart):
    with pytest.raises(ValueError, match="png or svg or pdf"):
        export.figure(chart, "gif", TITLE, CAPTION, SOURCE)


def test_data_comes_back_as_it_was():
    rows = pd.DataFrame({"level": [0.0, 0.5], "error": [0.1, 0.25], "model": ["a", "b"]})
    pd.testing.assert_frame_equal(pd.read_csv(io.BytesIO(export.csv(rows))), rows, check_dtype=False)
    pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(export.parquet(rows))), rows)


@pytest.mark.slow
def test_a_long_title_is_broken_and_the_figure_keeps_its_width(chart):
    short, long = (
        ElementTree.fromstring(export.figure(chart, "svg", title, CAPTION, SOURCE)).get("width")
        for title in (TITLE, "A sentence that goes on. " * 20)
    )
    assert float(long) == pytest.approx(float(short), rel=0.05)
