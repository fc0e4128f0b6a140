"""The visitor's room: its lesson sets the controls once and hides some of them."""

from typing import NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import ConfigError
from core.live.classroom.classroom import Lesson, room_code
from core.view.words import without_links
from pages.shared.controls.run_form import set_all
from pages.shared.frame.frame import action, is_teacher
from pages.shared.frame.session import session
from pages.shared.frame.visitor import visitor
from pages.shared.server import resources


class Room(NamedTuple):
    """The room that the visitor is in, if any."""

    code: str  # empty: in no room
    lesson: Lesson | None

    def hides(self, control: str) -> bool:
        """Whether the lesson hides this control, a key of classroom.HIDEABLE."""
        return control in self.hidden

    @property
    def hidden(self) -> tuple[str, ...]:
        """The controls that the lesson hides, keys of classroom.HIDEABLE."""
        return self.lesson.hidden if self.lesson else ()

    @property
    def waits_for_guess(self) -> bool:
        """Whether the sweep stays closed because this visitor has not drawn a guess yet."""
        return (
            self.lesson is not None
            and self.lesson.guess_first
            and resources.classroom().guess_of(self.code, visitor()) is None
        )


def room(head: DeltaGenerator) -> Room:
    """Enter the room of the address or the session, and show it in `head`, or a field for its code.

    Call this before any control is drawn. The room stays with the session from page to page.
    head: the container next to the page's title.
    """
    code = room_code(st.query_params.get("room", session().room))
    lesson = resources.classroom().lesson(code) if code else None
    if lesson is None:
        if code:
            _forget()
            st.warning(without_links(_unknown(code)))
        with head.popover("Join a room", icon=":material/meeting_room:", key="join-popover"):
            code_field()
        return Room("", None)
    state = session()
    if (state.room, state.lesson) != (code, lesson):  # entered just now, or the lesson has changed
        state.lesson = lesson
        set_all(lesson.config)
    has_come = state.room != code
    if has_come and not is_teacher():  # the projector is no student
        resources.classroom().join(code, visitor())
    state.room = code
    if st.query_params.get("room") != code:  # for a reload or a copied link
        st.query_params["room"] = code
    with head.popover(f"Room {code} · {_plain(lesson.title)}", icon=":material/meeting_room:"):
        st.caption("Your teacher has chosen these settings.")
        st.button("Leave this room", on_click=action(_leave), key="leave-room")
    return Room(code, lesson)


def code_field() -> None:
    """Show the field for the room code that the projector shows."""
    st.text_input(
        "Room code",
        key="room_code",
        max_chars=20,
        placeholder="as the projector shows it",
        on_change=action(_join),
    )


def _join() -> None:
    code = room_code(st.session_state.room_code)
    if not code:
        return
    if resources.classroom().lesson(code) is None:
        raise ConfigError(_unknown(code))
    st.query_params["room"] = code


def _leave() -> None:
    _forget()
    st.query_params.pop("room", None)


def _forget() -> None:
    session().room, session().lesson = "", None


def _unknown(code: str) -> str:
    return f"There is no room {code[:8]!r} here: ask your teacher for its code."


def _plain(text: str) -> str:
    """Escape a title so that it contains no Markdown."""
    return "".join(f"\\{char}" if char in "\\`*_{}[]()<>#+-.!|$:~" else char for char in text)
