"""The pages there are, and the bar that leads to them."""

from pathlib import Path

import streamlit as st

FOLDER = Path(__file__).parent.parent


def navigation():
    """Show the bar; returns the page that was asked for."""
    st.session_state.navigated = True
    return st.navigation(
        [
            st.Page(FOLDER / "start.py", title="Start", icon=":material/home:", default=True),
            st.Page(FOLDER / "corrupt.py", title="Corrupt the labels", icon=":material/shuffle:"),
            st.Page(FOLDER / "train.py", title="Train live", icon=":material/show_chart:"),
            st.Page(FOLDER / "sweep.py", title="The sweep", icon=":material/stacked_line_chart:"),
        ],
        position="top",
    )
