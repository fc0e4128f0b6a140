"""The teacher's console: lessons and rooms, the queue, everybody's guesses."""

from typing import Any
from urllib.parse import urlsplit

import pandas as pd
import streamlit as st

from core.config import MODELS, RunConfig, run_name
from core.errors import ConfigError, RefusedError
from core.live import serving
from core.live.classroom import HIDEABLE, Lesson
from core.live.store import TEACHER, Status
from core.sweep import comparison
from core.view.captions.classroom import (
    describe_guesses,
    describe_owners,
    describe_queue,
    describe_storage,
)
from core.view.charts import by_level
from pages.shared import resources
from pages.shared.copying import copy_link
from pages.shared.frame import action, is_teacher, page, plain_errors, teachers_action
from pages.shared.links import link
from pages.shared.visitor import is_known_by_cookie, network_address, visitor

CLOSED = """
The teacher's page is closed: nobody has set a password. On the machine that serves the lab, run

```
.venv/bin/python -m core password
```

put the line that it prints into `lab.toml` beside `app.py`, and start the server again.
"""


def unlock() -> None:
    password, st.session_state.password = st.session_state.password, ""
    is_known = st.session_state.get("was_teacher", False) or is_at_the_server()
    name = st.session_state.visitor
    if not resources.login().is_right(password, name, network_address(), is_known):
        raise RefusedError("That is not the password.")
    st.session_state.is_teacher = st.session_state.was_teacher = True
    if is_known_by_cookie():
        resources.classroom().let_in(name)


def is_at_the_server() -> bool:
    """Whether this browser runs on the server's own machine, and not behind a proxy there."""
    host = urlsplit(st.context.url or "").hostname
    return st.context.ip_address is None and host in ("localhost", "127.0.0.1", "::1")


def lock() -> None:
    st.session_state.is_teacher = False
    resources.classroom().lock_out(st.session_state.visitor)


def show_door() -> None:
    with st.form("door", border=False, width=420):
        st.text_input("Password", type="password", key="password", max_chars=200)
        st.form_submit_button("Open", type="primary", on_click=action(unlock))


def show_rooms() -> None:
    """A lesson is made, a room opened; its code and QR code to project."""
    rooms = resources.classroom().rooms()
    left, right = st.columns([1, 1], gap="large")
    with left:
        with st.form("lesson"):
            title = st.text_input("Title", "Can a network learn from lies?", max_chars=80)
            level = st.slider("Corruption level", 0.0, 1.0, 0.5, 0.05, format="percent")
            first, second = st.columns(2)
            model = first.selectbox("Network", MODELS)
            most = resources.settings().limits.epochs
            epochs = second.number_input("Epochs", 1, most, min(40, most))
            hidden = st.multiselect(
                "Hide from the class", list(HIDEABLE), format_func=HIDEABLE.__getitem__
            )
            guess_first = st.toggle("The sweep opens after a guess")
            opened = st.form_submit_button("Open a room", type="primary")
        if opened:
            try:
                config = RunConfig(model=model, level=level, epochs=int(epochs))
                lesson = Lesson(title, config, tuple(hidden), guess_first)
                code = resources.classroom().open_room(lesson)
            except ConfigError as error:
                st.error(str(error))
            else:
                rooms = {code: lesson, **rooms}
                st.session_state.shown_room = code
    with right:
        if not rooms:
            st.caption("A room's code and its QR code for the projector appear here.")
            return
        code = st.selectbox(
            "Room",
            list(rooms),
            format_func=lambda code: f"{code} · {rooms[code].title}",
            key="shown_room",
        )
        address = link("guess" if rooms[code].guess_first else "lab", room=code)
        st.html(f'<p style="font-size:3.2rem;letter-spacing:.2em;margin:0"><b>{code}</b></p>')
        if serving.is_for_others(address):
            st.image(serving.qr_code(address), width=280, alt=f"QR code of {address}")
        else:
            st.info(
                "You have opened the lab on its own machine, where no phone finds it: open this page at "
                "the address that `make serve` prints, and its QR code appears here."
            )
        copy_link(address)


def show_queue() -> None:
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
                "Clear the queue",
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
                "Visitor": places[run.owner],  # a number of the moment, no name
                "Address": run.address or "this machine",
                "Run": run_name(run.config),
                "State": run.status.value,
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
            format_func=lambda run_id: run_name(runs[run_id].config),
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
    with plain_errors():
        code = st.session_state.get("shown_room", "")
        guesses = resources.classroom().guesses(code)
        st.markdown(f"**{describe_guesses(guesses)}**")
        reveal = st.toggle("Show the truth as well", key="reveal-truth")
        runs = comparison.label_runs(resources.sweep())
        ours = runs[runs.model == MODELS[0]] if reveal else None
        st.altair_chart(
            by_level.guess_bands(guesses, ours),
            key="guesses",
            alt="The guesses of the room shown above",
        )


with page("Teacher", "Set up a lesson, manage the queue, show the class its guesses."):
    visitor()
    if not resources.settings().teacher_password:
        st.markdown(CLOSED)
    elif not is_teacher():
        show_door()
    else:
        rooms, queue, guesses = st.tabs(["Lesson and room", "Queue", "Guesses"])
        with rooms:
            show_rooms()
        with queue:
            st.fragment(show_queue, run_every=2.0)()
        with guesses:
            st.fragment(show_guesses, run_every=2.0)()
        st.button("Lock this page", on_click=action(lock), icon=":material/lock:")
