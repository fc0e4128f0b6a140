"""Showing charts without building them again.

Building a layered chart and checking it against its schema takes 30 to 150 ms, more than the
rest of a page; forty live curves per second leave 20 ms each. So a specification is made once,
and changes are sent as its data. This also keeps live curves from flickering.
"""

from collections.abc import Callable, Hashable
from typing import Any

import altair as alt
import pandas as pd
import pyarrow as pa
import streamlit as st

from core.sweep import results
from core.view.style import enlarged
from pages.shared.server.cache import cached

TALLER = 1.6  # height factor of a chart for a projector
# Streamlit's own style, except that words have the color of the page's text: Streamlit's gray has a
# contrast of 3.7 on white. With theme=None, Streamlit sets only colors and fonts.
WORDS = {
    "labelFontSize": {"expr": "width > 1000 ? 16 : 13"},
    "titleFontSize": {"expr": "width > 1000 ? 17 : 14"},
    "titleFontWeight": "normal",
}
LOOK = {
    "axis": {
        **WORDS,
        "ticks": False,
        "domain": False,
        "labelPadding": 8,
        "titlePadding": 12,
        "labelFlush": True,
        "labelFlushOffset": 1,
        "labelOverlap": True,
        "labelSeparation": 4,
    },
    "axisDiscrete": {"grid": False},
    "axisXBand": {"grid": False},
    "legend": {
        **WORDS,
        "labelPadding": 8,
        "columnPadding": 12,
        "rowPadding": 4,
        "symbolStrokeWidth": 2,
    },
    "text": {"font": '"Source Sans", sans-serif'},
    "view": {"strokeWidth": 0, "stroke": "transparent"},
}


def draw(
    name: str,
    state: tuple[Hashable, ...],
    make: Callable[[], alt.LayerChart],
    is_large: bool = False,
    **options,
):
    """Show a chart of the sweep, whose data change only when a sweep adds runs.

    name: identifies its place on the page; state: all that the chart depends on except the sweep.
    is_large: draw it for a projector even without `?large` in the address.
    """
    spec = _sized(_specification((name, results.stamp(), *state), make), is_large)
    return _show(None, spec, name, options)


def draw_live(
    name: str,
    state: tuple[Hashable, ...],
    make: Callable[[], alt.LayerChart],
    rows: pd.DataFrame | pa.Table,
    is_large: bool = False,
    **options,
):
    """Show a chart whose data change; all its layers draw the same rows.

    make: makes the chart, with any rows; state: all that it depends on except the rows.
    """
    spec = dict(_sized(_specification((name, *state), make), is_large))
    spec.pop("data", None)
    spec.pop("datasets", None)
    return _show(rows, spec, name, options)


def draw_new(chart: alt.LayerChart | alt.Chart, name: str, is_large: bool = False, **options):
    """Show a chart that is built again every time."""
    return _show(None, _sized(_spec_of(chart), is_large), name, options)


def _show(rows: pd.DataFrame | pa.Table | None, spec: dict, name: str, options: dict[str, Any]):
    config = {**LOOK, **spec.get("config", {})}
    return st.vega_lite_chart(rows, {**spec, "config": config}, key=name, theme=None, **options)


def _sized(spec: dict, is_large: bool = False) -> dict:
    """Enlarge the chart if the page is shown large, to be read from the last row of a hall."""
    if not is_large and "large" not in st.query_params:
        return spec
    height = spec.get("height")
    taller = {"height": TALLER * height} if isinstance(height, (int, float)) else {}
    return {**enlarged(spec), **taller}


@cached(512)
def _specification(state: tuple, _make: Callable[[], alt.LayerChart]) -> dict:
    return _spec_of(_make())


def _spec_of(chart: alt.LayerChart | alt.Chart) -> dict:
    with alt.theme.enable("none"):  # Streamlit adds the theme of the page
        return _without_named_marks(chart.to_dict(validate=False))


def _without_named_marks(part: Any) -> Any:
    """Hide the single marks from screen readers, which read the chart's name and the data's table."""
    if isinstance(part, list):
        return [_without_named_marks(each) for each in part]
    if not isinstance(part, dict):
        return part
    plain = {
        name: each if name in ("data", "datasets") else _without_named_marks(each)
        for name, each in part.items()
    }
    if "mark" in plain:
        mark = plain["mark"]
        plain["mark"] = {**(mark if isinstance(mark, dict) else {"type": mark}), "aria": False}
    return plain
