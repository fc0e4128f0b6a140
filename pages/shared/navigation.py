"""The pages there are, and the bar that leads to them."""

import streamlit as st

from core.paths import ASSETS, ROOT

FOLDER = ROOT / "pages"
ICON = str(ASSETS / "icon.png")  # one of Streamlit's own would be fetched from the internet
FORMER_NAMES = ("train", "corrupt")  # of the lab, in addresses that are out there


def pages() -> list:
    """Start first; then what each does, for its link on the start page."""
    return [
        st.Page(FOLDER / "start.py", title="Start", icon=":material/home:", default=True),
        st.Page(
            FOLDER / "guess.py",
            title="Guess first",
            icon=":material/draw:",
            help="Say what you expect; then see what happened.",
        ),
        st.Page(
            FOLDER / "lab.py",
            title="Lab",
            icon=":material/science:",
            help="Put wrong labels into real photographs, train a network on them, and watch.",
        ),
        st.Page(
            FOLDER / "curve.py",
            title="The whole curve",
            icon=":material/show_chart:",
            help="Train a network at every level at once, alone or with a class, and watch the figure grow.",
        ),
        st.Page(
            FOLDER / "sweep.py",
            title="The sweep",
            icon=":material/stacked_line_chart:",
            help="Every level at once, beside the paper's points.",
        ),
        st.Page(
            FOLDER / "annotate.py",
            title="Label them yourself",
            icon=":material/label:",
            help="Name twenty photographs, alone or with a class, and train a network on what you confuse.",
        ),
        st.Page(
            FOLDER / "stop.py",
            title="Stop in time",
            icon=":material/front_hand:",
            help="Stop a training before it memorizes the wrong labels.",
        ),
        st.Page(
            FOLDER / "find.py",
            title="Find the wrong labels",
            icon=":material/search:",
            help="Mark them yourself, let the machine rank them, mend them, train again.",
        ),
        st.Page(
            FOLDER / "defend.py",
            title="Defend",
            icon=":material/shield:",
            help="What keeps a network from memorizing wrong labels, and what it costs.",
        ),
        st.Page(
            FOLDER / "weights.py",
            title="How many weights?",
            icon=":material/stacks:",
            help="What a network needs to memorize, built by hand, and without any network.",
        ),
        st.Page(
            FOLDER / "present.py",
            title="The story",
            icon=":material/slideshow:",
            visibility="hidden",
            help="Told by itself, for a poster or a projector.",
        ),
        st.Page(FOLDER / "teacher.py", title="Teacher", visibility="hidden"),
        *(
            st.Page(_to_the_lab, title="Lab", url_path=name, visibility="hidden")
            for name in FORMER_NAMES
        ),
    ]


def _to_the_lab() -> None:
    st.switch_page(the_page("lab"), query_params=st.query_params.to_dict())


def the_page(name: str):
    """The page of the file pages/NAME.py, for a link to it."""
    return next(page for page in pages() if page.url_path == name)


def page_after(title: str):
    """The next of those that the start page leads to; None after the last, and after other pages."""
    ways = [page for page in pages() if page.help]
    places = {page.title: place for place, page in enumerate(ways)}
    place = places.get(title, len(ways)) + 1
    return ways[place] if place < len(ways) else None


def navigation():
    """Show the bar; returns the page that was asked for."""
    return st.navigation(pages(), position="top")
