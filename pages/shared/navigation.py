"""The pages there are, and the bar that leads to them."""

from pathlib import Path

import streamlit as st

FOLDER = Path(__file__).parent.parent


def pages() -> list:
    """Start first; then what each does, for its link on the start page."""
    return [
        st.Page(FOLDER / "start.py", title="Start", icon=":material/home:", default=True),
        st.Page(
            FOLDER / "corrupt.py",
            title="Corrupt the labels",
            icon=":material/shuffle:",
            help="Set a level and see which images now lie.",
        ),
        st.Page(
            FOLDER / "train.py",
            title="Train live",
            icon=":material/show_chart:",
            help="Watch a network find the pattern, then learn the lies.",
        ),
        st.Page(
            FOLDER / "sweep.py",
            title="The sweep",
            icon=":material/stacked_line_chart:",
            help="Every level at once, beside the paper's points.",
        ),
    ]


def navigation():
    """Show the bar; returns the page that was asked for."""
    st.session_state.navigated = True
    return st.navigation(pages(), position="top")
