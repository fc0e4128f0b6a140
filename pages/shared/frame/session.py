"""What a session remembers from one run of a page to the next, besides the values of its widgets.

Streamlit keeps widgets' values itself, by their keys, and drops them with the page; this stays
until the browser's connection is gone for good.
"""

from dataclasses import dataclass, field

import streamlit as st

from core.config import RunConfig
from core.live.classroom.classroom import Lesson


@dataclass
class Session:
    visitor: str = ""  # the name of this browser
    teacher_key: str = ""  # opens the teacher's page; empty: locked
    was_teacher: bool = False  # has given the password before
    # The room
    room: str = ""  # its code; empty: in none
    lesson: Lesson | None = None  # whose settings the controls have taken
    own_level: tuple[str, str] = ("", "")  # room and run that the visitor was brought to
    # The form of a run
    fields_of: str = ""  # id of the run whose settings the controls have taken
    takes_fields: bool = False  # the next run's settings replace what the address says
    matrix_table_of: tuple[str, str] = ("", "")  # noise matrix that the table began with, and now has
    # What the last press did
    refusal: str = ""  # why it failed: shown once
    views: int = 0  # grows where a press shows something new, to be seen from its top
    replays: int = 0  # grows where a finished run is to be played again
    run_to_open: str = ""  # id of a run that was just begun elsewhere than in the Lab
    annotated_runs: dict[str, RunConfig] = field(default_factory=dict)  # pressed on Annotate, by name
    step: int | None = None  # of the story; None: as the address says
    is_theorem_built: bool = False
    is_kernel_solved: bool = False
    broken_since: float = 0.0  # on the monotonic clock: when the store failed last


def session() -> Session:
    """The session that runs this script."""
    return st.session_state.setdefault("session", Session())
