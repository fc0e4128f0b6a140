"""Charts of the precomputed sweep, made once and then sent as they are.

Building a layered chart and checking it against its schema takes 60 to 150 ms, more
than all the rest of the page; their data changes only when a sweep adds runs.
"""

from collections.abc import Callable, Hashable

import altair as alt
import streamlit as st

from core import results


def draw(name: str, state: tuple[Hashable, ...], make: Callable[[], alt.LayerChart], **options):
    """Show a chart; name: of its place on the page, state: all that it depends on but the sweep."""
    spec = _specification((name, *state), results.stamp(), make)
    return st.vega_lite_chart(spec, key=name, **options)


@st.cache_data(show_spinner=False, max_entries=256)
def _specification(state: tuple, stamp: int, _make: Callable[[], alt.LayerChart]) -> dict:
    with alt.theme.enable("none"):  # the page's own theme is put in by Streamlit
        return _make().to_dict(validate=False)
