"""The pages there are, and the bar that leads to them."""

import streamlit as st

from core.paths import ASSETS, ROOT

FOLDER = ROOT / "pages"
ICON = str(ASSETS / "icon.png")  # one of Streamlit's own would be fetched from the internet


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
            FOLDER / "guess.py",
            title="Guess first",
            icon=":material/draw:",
            help="Draw what you expect; then see the truth over it.",
        ),
        st.Page(
            FOLDER / "sweep.py",
            title="The sweep",
            icon=":material/stacked_line_chart:",
            help="Every level at once, beside the paper's points.",
        ),
        st.Page(FOLDER / "teacher.py", title="Teacher", visibility="hidden"),
        st.Page(FOLDER / "present.py", title="Present", visibility="hidden"),
    ]


def the_page(name: str):
    """The page of the file pages/NAME.py, for a link to it."""
    return next(page for page in pages() if page.url_path == name)


def navigation():
    """Show the bar; returns the page that was asked for."""
    return st.navigation(pages(), position="top")
