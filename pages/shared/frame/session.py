"""The state of a session that lasts from one run of a page to the next, besides widget values.

Streamlit keeps the values of widgets by their keys and drops them with the page. This state lasts
until the browser's connection is gone for good.
"""

from dataclasses import dataclass, field

import streamlit as st

from core.config import RunConfig
from core.live.classroom.classroom import Lesson


@dataclass
class Session:
    """The state of one session."""

    visitor: str = ""  # the name of this browser
    teacher_key: str = ""  # opens the teacher's page; empty: locked
    was_teacher: bool = False  # gave the password before
    # The room
    room: str = ""  # its code; empty: no room
    lesson: Lesson | None = None  # the one whose settings the controls have taken
    own_level: tuple[str, str] = ("", "")  # room, and id of the run that was opened for the visitor
    # The form of a run
    fields_of: str = ""  # id of the run whose settings the controls have taken
    takes_fields: bool = False  # the next run's settings replace those in the address
    matrix_table_of: tuple[str, str] = ("", "")  # the table's first and current noise matrix
    # What the last press did
    refusal: str = ""  # why it failed; shown once
    views: int = 0  # grows when a press shows something new, which scrolls to the top
    replays: int = 0  # grows when a finished run is to be replayed
    run_to_open: str = ""  # id of a run that was just submitted on another page than the Lab
    annotated_runs: dict[str, RunConfig] = field(default_factory=dict)  # submitted on Annotate, by name
    step: int | None = None  # step of the story; None: as in the address
    is_theorem_built: bool = False
    is_kernel_solved: bool = False
    are_influences_known: bool = False
    broken_since: float = 0.0  # time of the store's last failure, on the monotonic clock


def session() -> Session:
    """Return the session that runs this script."""
    return st.session_state.setdefault("session", Session())
