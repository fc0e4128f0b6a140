"""The teacher's page: lessons and rooms, the queue, the guesses of the class."""

import secrets
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
import streamlit as st

from core.choices import NETWORKS, USUAL_NETWORK, words_of
from core.config import RunConfig, parse
from core.errors import RefusedError
from core.live.classroom.classroom import HIDEABLE, Lesson
from core.live.runs.store import TEACHER, Status
from core.live.server import serving
from core.sweep import protocol
from core.view.classroom.captions import (
    GUESSES_EXPLAINED,
    describe_guesses,
    describe_owners,
    describe_queue,
    describe_storage,
)
from core.view.sweep import charts
from core.view.words import name_of_run
from pages.shared.components.copy_link import copy_link
from pages.shared.controls.run_form import FIELDS, number_text
from pages.shared.figures.drawing import draw_new
from pages.shared.frame.frame import action, is_teacher, page, plain_errors, teachers_action
from pages.shared.frame.links import link
from pages.shared.frame.navigation import the_page
from pages.shared.frame.session import session
from pages.shared.frame.visitor import network_address, remember_key, teacher_key, visitor
from pages.shared.server import resources

CLOSED = """
The teacher's page is closed, because no password is set. On the machine that serves the lab, run

```
.venv/bin/python -m core password
```

put the line that it prints into `lab.toml` next to `app.py`, and restart the server.
"""


CODE_STYLE = """<style>
.room-code { font-size: clamp(3.2rem, 7vw, 9rem); line-height: 1.1; letter-spacing: .15em; font-weight: 700; margin: 0 }
.room-code.large { font-size: 11vw }
</style>"""
ATTENDANCE = {
    "joined": "have joined",
    "guessed": "have made their guess",
    "training": "are training",
    "done": "have trained a network",
}


def unlock() -> None:
    """Open the page if the password is right. Raises RefusedError."""
    password, st.session_state.password = st.session_state.password, ""
    is_known = session().was_teacher or is_at_the_server()
    if not resources.login().is_right(password, visitor(), network_address(), is_known):
        raise RefusedError("That is not the password.")
    session().was_teacher = True
    session().teacher_key = secrets.token_hex(8)
    resources.classroom().let_in(session().teacher_key)


def is_at_the_server() -> bool:
    """Whether this browser runs on the server's machine and is not behind a proxy there."""
    host = urlsplit(st.context.url or "").hostname
    return st.context.ip_address is None and host in ("localhost", "127.0.0.1", "::1")


def lock() -> None:
    """Lock the page in this browser."""
    resources.classroom().lock_out(teacher_key())
    session().teacher_key = ""


def show_door() -> None:
    """Show the field for the password."""
    with st.form("door", border=False, width=420):
        st.text_input("Password", type="password", key="password", max_chars=200)
        st.form_submit_button("Open", type="primary", on_click=action(unlock))


def open_room() -> None:
    """Open a room with the lesson in the form and show it."""
    state = st.session_state
    epochs = parse(FIELDS["epochs"], state["lesson-epochs"])
    config = RunConfig(model=state["lesson-model"], level=state["lesson-level"], epochs=epochs)
    resources.settings().limits.check(config, 0)  # the class must be allowed to train it
    lesson = Lesson(
        state["lesson-title"], config, tuple(state["lesson-hidden"]), state["lesson-guess-first"]
    )
    state.shown_room = resources.classroom().open_room(lesson)
    state.tab = "Now"


def show_set_up() -> None:
    """Show the form that makes a lesson and opens a room."""
    with st.form("lesson", width=720):
        st.text_input("Title", "Can a network learn from lies?", max_chars=80, key="lesson-title")
        st.slider("Corruption level", 0.0, 1.0, 0.5, 0.05, format="percent", key="lesson-level")
        first, second = st.columns(2)
        first.selectbox(
            "Network", list(NETWORKS), format_func=words_of(NETWORKS).__getitem__, key="lesson-model"
        )
        usual = min(40, resources.settings().limits.epochs)
        second.text_input("Epochs", number_text(usual), key="lesson-epochs", max_chars=40)
        st.multiselect(
            "Hide from the class",
            list(HIDEABLE),
            format_func=HIDEABLE.__getitem__,
            key="lesson-hidden",
        )
        st.toggle("The sweep opens after a guess", key="lesson-guess-first")
        st.form_submit_button("Open a room", type="primary", on_click=teachers_action(open_room))


def show_now(rooms: dict[str, Lesson]) -> None:
    """Show the room's code to project, its attendance, and the queue."""
    if not rooms:
        st.caption(
            "Open a room under “Set up”: its code and its QR code for the projector appear here."
        )
    else:
        left, right = st.columns([1, 1], gap="large")
        with left:
            code = st.selectbox(
                "Room",
                list(rooms),
                format_func=lambda code: f"{code} · {rooms[code].title}",
                key="shown_room",
            )
            address = link("guess" if rooms[code].guess_first else "lab", room=code)
            st.html(f'<p class="room-code">{code}</p>{CODE_STYLE}')
            if serving.is_for_others(address):
                st.image(serving.qr_code(address), width=260, alt=f"QR code of {address}")
                if st.button("Show it large", icon=":material/fullscreen:", key="large-code"):
                    show_large(code, address)
            else:
                st.info(
                    "You have opened the lab at an address that works only on its own machine. Open this page at the "
                    "address that `make serve` prints, and its QR code appears here."
                )
            copy_link(address)
        with right:
            st.fragment(show_attendance, run_every=2.0)(code)
            show_sharing(code, rooms[code])
    st.fragment(show_queue, run_every=2.0)()


@st.dialog("Join the room", width="large")
def show_large(code: str, address: str) -> None:
    """Show the room's code and QR code large, for a projector."""
    st.html(f'<p class="room-code large">{code}</p>{CODE_STYLE}')
    st.image(serving.qr_code(address), width=640, alt=f"QR code of {address}")
    st.markdown(address)


def show_sharing(code: str, lesson: Lesson) -> None:
    """Show the buttons that give out the levels to the class, and the link to its figure."""
    shared = resources.shared_levels()
    if resources.has_class_figure(code):
        st.page_link(
            the_page("curve"),
            label="The class's figure, for the projector",
            icon=":material/show_chart:",
            query_params={"room": code, "large": "", "shared": ""},
        )
    if not shared.is_open(code):
        st.button(
            "Share out the levels",
            on_click=teachers_action(shared.share_out),
            args=(code, lesson.config),
            icon=":material/group_work:",
            help="Every student in the Lab trains one level, and the whole curve grows on the projector.",
        )
        return
    st.button("End the sharing", on_click=teachers_action(shared.end), args=(code,))


def show_attendance(code: str) -> None:
    """Show how many visitors of the room have joined, guessed and trained."""
    with plain_errors():
        for name, count in resources.classroom().attendance(code)._asdict().items():
            st.metric(ATTENDANCE[name], count)


def show_queue() -> None:
    """Show all runs that have not ended, with buttons to pause, resume and cancel them."""
    with plain_errors():
        classroom, store = resources.classroom(), resources.store()
        waiting = classroom.waiting()
        if damage := store.database.state().damage:
            st.warning(damage)
            st.button("Dismiss", on_click=teachers_action(store.database.dismiss_damage))
        st.markdown(f"**{describe_queue(waiting, classroom.is_paused)}**")
        with st.container(horizontal=True, key="queue-buttons"):
            if classroom.is_paused:
                st.button(
                    "Resume all",
                    type="primary",
                    on_click=teachers_action(classroom.pause_all),
                    args=(False,),
                )
            else:
                st.button("Pause all", on_click=teachers_action(classroom.pause_all), args=(True,))
            st.button(
                "Cancel all runs",
                on_click=teachers_action(resources.classroom().clear_queue),
                disabled=not waiting,
            )
        if not waiting:
            return
        places = {
            owner: place for place, owner in enumerate(dict.fromkeys(r.owner for r in waiting), 1)
        }
        rows = [
            {
                "Visitor": places[run.owner],  # a number for this table, not a name
                "Address": run.address or "this machine",
                "Run": name_of_run(run.config),
                "State": "held" if classroom.is_paused and run.is_active else run.status.value,
                "Epochs": f"{run.epochs_done} of {run.config.epochs}",
            }
            for run in waiting
        ]
        st.caption(f"{describe_owners(waiting)} {describe_storage(*resources.storage())}")
        st.dataframe(pd.DataFrame(rows), hide_index=True)
        runs = {run.run_id: run for run in waiting}
        chosen = st.selectbox(
            "A run",
            list(runs),
            format_func=lambda run_id: name_of_run(runs[run_id].config),
            key="chosen-run",
        )
        if chosen in runs:
            as_teacher: Any = {"args": (chosen,), "kwargs": {"by": TEACHER}}
            with st.container(horizontal=True, key="one-run"):
                if runs[chosen].status is Status.PAUSED:
                    st.button("Resume it", on_click=teachers_action(store.resume), **as_teacher)
                else:
                    st.button("Pause it", on_click=teachers_action(store.pause), **as_teacher)
                st.button("Cancel it", on_click=teachers_action(store.cancel), **as_teacher)


def show_guesses() -> None:
    """Show the guesses of the room and, on request, the truth."""
    with plain_errors():
        code = st.session_state.get("shown_room", "")
        guesses = resources.classroom().guesses(code)
        st.markdown(f"**{describe_guesses(guesses)}**")
        reveal = st.toggle("Show the truth as well", key="reveal-truth")
        runs = protocol.label_runs(resources.sweep())
        ours = runs[runs.model == USUAL_NETWORK] if reveal else None
        draw_new(
            charts.guess_bands(guesses, ours),
            name="guesses",
            alt="The guesses of the room shown above",
        )
        st.caption(GUESSES_EXPLAINED)


with page("teacher", "Set up a lesson, manage the queue, show the class its guesses."):
    if not resources.settings().teacher_password:
        st.markdown(CLOSED)
    elif not is_teacher():
        show_door()
    else:
        remember_key()
        rooms = resources.classroom().rooms()
        now, set_up, guesses = st.tabs(
            ["Now", "Set up", "Guesses"],
            default="Now" if rooms else "Set up",
            key="tab",
            on_change="rerun",
        )
        with now:
            show_now(rooms)
        with set_up:
            show_set_up()
        with guesses:
            st.fragment(show_guesses, run_every=2.0)()
        st.button("Lock this page", on_click=action(lock), icon=":material/lock:")
