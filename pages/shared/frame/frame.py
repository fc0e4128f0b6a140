"""The frame of every page: its title, errors as one sentence each, the link to the next page."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import LabError, RefusedError, StoreError
from core.view.words import without_links
from pages.shared.components.component import run_script
from pages.shared.frame.navigation import ICON, place, place_after
from pages.shared.frame.session import session
from pages.shared.frame.visitor import recognize, teacher_key
from pages.shared.server import resources

STYLE = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")
COLOURS = {
    "light": {"quiet": "#5b5f66", "on-primary": "#ffffff", "focus": "#0072B2"},
    "dark": {"quiet": "#b3b7be", "on-primary": "#06121c", "focus": "#9bd4f5"},
}
PRINTED_FROM_DARK = """
@media print {
  .stApp { filter: invert(1) hue-rotate(180deg) }
  .stApp img, .stApp [role=img]:not(svg) { filter: invert(1) hue-rotate(180deg) }
}"""
TRY_AGAIN_SECONDS = 3.0
FROM_THE_TOP = Path(__file__).parent / "on_page" / "showFromTop.js"
LARGE = ":root { font-size: clamp(20px, 1.45vw, 40px) }"  # for ?large: to be read from the last row


@contextmanager
def page(name: str, question: str = "", title: str = "") -> Iterator[DeltaGenerator]:
    """Draw the frame of a page: its title and question, any failure as one sentence, the next page.

    name: the name of its Place; title: a title that differs from the navigation bar. Yields the
    container next to the title.
    """
    title = title or place(name).title
    st.set_page_config(page_title=f"{title} · Label Corruption Lab", page_icon=ICON, layout="wide")
    recognize()
    st.html(_style())
    with st.container(horizontal=True, vertical_alignment="center", key="head"):
        st.title(title, anchor=False, width="content")
        head = st.container(width="content")
    shown = f"{name} {session().views}"
    run_script(FROM_THE_TOP, shown=shown)
    if question:
        st.markdown(question)
    with plain_errors():
        try:
            yield head
        except StoreError:
            session().broken_since = time.monotonic()
            st.fragment(_try_again, run_every=TRY_AGAIN_SECONDS)()
            raise
    if following := place_after(name):
        in_room = session().room
        st.page_link(
            following.page(),
            label=f"Next: **{following.title}** · {following.does}",
            icon=":material/arrow_forward:",
            query_params={"room": in_room} if in_room else None,
        )


def show_from_the_top() -> None:
    """Scroll to the top at the next run of the page, as if a new page were opened."""
    session().views += 1


def _try_again() -> None:
    """Retry after a temporary store error, so that no reload is needed."""
    if time.monotonic() - session().broken_since > TRY_AGAIN_SECONDS / 2:
        st.rerun()


def _style() -> str:
    """The style sheet of every page, with the colors of the visitor's theme."""
    theme = COLOURS["dark" if is_dark() else "light"]
    colours = "; ".join(f"--{name}: {value}" for name, value in theme.items())
    # In print a dark page would be black: invert it, and invert the pictures back.
    turned = "" if not is_dark() else PRINTED_FROM_DARK
    large = LARGE if "large" in st.query_params else ""
    return f"<style>:root {{ {colours} }}\n{STYLE}{turned}{large}</style>"


def is_dark() -> bool:
    """Whether the visitor uses the dark theme."""
    return st.context.theme.type == "dark"


@contextmanager
def plain_errors() -> Iterator[None]:
    """Show errors as one sentence: the error of the last action, and a LabError of the body.

    Fragments also need it, because they rerun without their page.
    """
    if refusal := session().refusal:
        session().refusal = ""
        st.error(without_links(refusal), icon=":material/error:")
    try:
        yield
    except LabError as error:
        st.error(without_links(str(error)), icon=":material/error:")


def action(act: Callable[..., object]) -> Callable[..., None]:
    """Return the callback of a button: if `act` fails, the page stays and shows one sentence.

    Streamlit calls it before the page is drawn, outside the page's own handling of errors.
    """

    @wraps(act)
    def do(*arguments: Any, **named: Any) -> None:
        try:
            act(*arguments, **named)
        except LabError as error:
            session().refusal = str(error)
        except Exception:
            logging.exception("%s failed.", getattr(act, "__name__", act))
            session().refusal = "That did not work: try again. If it fails again, tell the person who runs the server: its terminal says why."

    return do


def is_teacher() -> bool:
    """Whether this browser has opened the teacher's page and not locked it since.

    The store remembers it, so that a lost connection does not lock the teacher out.
    """
    key = teacher_key()
    return bool(key) and resources.classroom().is_teacher(key)


def teachers_action(act: Callable[..., object]) -> Callable[..., None]:
    """Return the callback of a button that only the teacher may press.

    It checks at the press, because a message of the protocol can press a button that was drawn
    before the page was locked.
    """

    @wraps(act)
    def do(*arguments: Any, **named: Any) -> None:
        if not is_teacher():
            raise RefusedError("The teacher's page is locked: open it with its password first.")
        act(*arguments, **named)

    return action(do)
