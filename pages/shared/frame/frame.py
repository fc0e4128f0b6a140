"""What every page starts with: its title, and one clear sentence where something is broken."""

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
LARGE = ":root { font-size: clamp(20px, 1.45vw, 40px) }"  # ?large: to be read from the last row


@contextmanager
def page(name: str, question: str = "", title: str = "") -> Iterator[DeltaGenerator]:
    """The frame of a page: its title and question, any failure as one sentence, the next page.

    name: of its Place; title: another one than in the navigation bar. Yields the container
    next to the title.
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
    """What a button begins on the page that it stands on is seen as a new page is."""
    session().views += 1


def _try_again() -> None:
    """Where the store was locked, or its disk away for a moment, nobody has to reload the page."""
    if time.monotonic() - session().broken_since > TRY_AGAIN_SECONDS / 2:
        st.rerun()


def _style() -> str:
    """The style sheet of every page, with the colours of the theme that the visitor has."""
    theme = COLOURS["dark" if is_dark() else "light"]
    colours = "; ".join(f"--{name}: {value}" for name, value in theme.items())
    # On paper a dark page would be black: turned over, and the pictures turned back.
    turned = "" if not is_dark() else PRINTED_FROM_DARK
    large = LARGE if "large" in st.query_params else ""
    return f"<style>:root {{ {colours} }}\n{STYLE}{turned}{large}</style>"


def is_dark() -> bool:
    return st.context.theme.type == "dark"


@contextmanager
def plain_errors() -> Iterator[None]:
    """Show errors as one sentence: the refusal of the last press, and a LabError of the body.

    Fragments, which rerun without their page, need it, too.
    """
    if refusal := session().refusal:
        session().refusal = ""
        st.error(without_links(refusal), icon=":material/error:")
    try:
        yield
    except LabError as error:
        st.error(without_links(str(error)), icon=":material/error:")


def action(act: Callable[..., object]) -> Callable[..., None]:
    """What a button does: where it fails, its one sentence stands on the page, which stays as it is.

    Streamlit calls it before the page is drawn, outside of the page's own frame for errors.
    """

    @wraps(act)
    def do(*arguments: Any, **named: Any) -> None:
        try:
            act(*arguments, **named)
        except LabError as error:
            session().refusal = str(error)
        except Exception:
            logging.exception("%s failed.", getattr(act, "__name__", act))
            session().refusal = "That did not work: try again. If it fails again, tell whoever runs the server; its terminal says why."

    return do


def is_teacher() -> bool:
    """Whether this browser has opened the teacher's page, and not locked it since.

    Kept with the store, so that a lost connection locks nobody out.
    """
    key = teacher_key()
    return bool(key) and resources.classroom().is_teacher(key)


def teachers_action(act: Callable[..., object]) -> Callable[..., None]:
    """An action of the teacher alone.

    Asked where it acts: a button that was drawn once can be pressed again by a message of the
    protocol, also after the page has been locked.
    """

    @wraps(act)
    def do(*arguments: Any, **named: Any) -> None:
        if not is_teacher():
            raise RefusedError("The teacher's page is locked: open it with its password first.")
        act(*arguments, **named)

    return action(do)
