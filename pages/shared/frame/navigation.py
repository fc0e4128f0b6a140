"""The list of pages and the navigation bar."""

import base64
from copy import copy
from functools import cache
from pathlib import Path
from typing import NamedTuple

import streamlit as st

from core.paths import ASSETS, ROOT

FOLDER = ROOT / "pages"
# A data URL, because Streamlit would open a file again at every run of a page, and the lock of its
# file store makes a full lecture hall wait. Streamlit's own icons would be fetched from the internet.
ICON = "data:image/png;base64," + base64.b64encode((ASSETS / "icon.png").read_bytes()).decode()
FORMER_NAMES = ("train", "corrupt")  # the Lab's names in old addresses that are still in use


class Place(NamedTuple):
    """One page and its entry in the navigation bar."""

    name: str  # in its address; its script is pages/NAME.py or pages/NAME/page.py
    title: str
    icon: str = ""  # a name of Material Symbols
    does: str = ""  # text of its card on the start page and of the link to it; empty: no card
    is_in_bar: bool = True

    def page(self):
        """Return Streamlit's page: a copy for each run, because st.navigation marks one of them."""
        return copy(_page(self))


@cache
def _page(of: Place):
    """Streamlit's page, cached because creating it checks the file. Needs a running script."""
    return st.Page(
        script(of.name),
        title=of.title,
        url_path=of.name,
        icon=f":material/{of.icon}:" if of.icon else None,
        help=of.does or None,
        default=of.name == "start",
        visibility="visible" if of.is_in_bar else "hidden",
    )


PLACES = (  # in the order of the story
    Place("start", "Start", "home"),
    Place("guess", "Guess first", "draw", "Say what you expect, then see what happened."),
    Place(
        "lab",
        "Lab",
        "science",
        "Put wrong labels into real photographs, train a network on them, and watch.",
    ),
    Place(
        "curve",
        "The whole curve",
        "show_chart",
        "Train a network at every level at once, alone or with a class, and watch the figure grow.",
    ),
    Place(
        "sweep",
        "The sweep",
        "stacked_line_chart",
        "Networks trained in advance at every level, compared with a paper of 2017.",
    ),
    Place(
        "annotate",
        "Label them yourself",
        "label",
        "Name twenty photographs, alone or with a class, and train a network on your mistakes.",
    ),
    Place(
        "stop",
        "Stop in time",
        "front_hand",
        "Stop the training when the network reads new photographs best.",
    ),
    Place(
        "find",
        "Find the wrong labels",
        "search",
        "Mark them yourself, let the machine rank them, fix them, and train again.",
    ),
    Place(
        "defend",
        "Defend",
        "shield",
        "What keeps a network from memorizing wrong labels, and what it costs.",
    ),
    Place(
        "weights",
        "How many weights?",
        "stacks",
        "How large a network must be to memorize any labels.",
    ),
    Place(
        "present",
        "The story",
        "slideshow",
        "It plays by itself, for a poster or a projector.",
        is_in_bar=False,
    ),
    Place("teacher", "Teacher", is_in_bar=False),
)


def story() -> list[Place]:
    """Return the pages that the start page leads to, in their order."""
    return [each for each in PLACES if each.does]


def place(name: str) -> Place:
    """Return the place of this name."""
    return next(each for each in PLACES if each.name == name)


def script(name: str) -> Path:
    """Return the file that Streamlit runs for a page: pages/NAME.py or pages/NAME/page.py."""
    folder = FOLDER / name
    return folder / "page.py" if folder.is_dir() else folder.with_suffix(".py")


def _to_the_lab() -> None:
    st.switch_page(the_page("lab"), query_params=st.query_params.to_dict())


def the_page(name: str):
    """Return Streamlit's page of this name, for a link to it."""
    return place(name).page()


def place_after(name: str) -> Place | None:
    """Return the next page of the story; None after the last and after pages outside the story."""
    names = [each.name for each in story()]
    following = names.index(name) + 1 if name in names else len(names)
    return story()[following] if following < len(names) else None


def navigation():
    """Show the navigation bar and return the requested page."""
    former = (
        st.Page(_to_the_lab, title="Lab", url_path=name, visibility="hidden") for name in FORMER_NAMES
    )
    return st.navigation([*(each.page() for each in PLACES), *former], position="top")
