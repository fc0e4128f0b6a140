"""Train live: start a run, watch it learn and memorize, hold it against the paper."""

import streamlit as st

from core.errors import ConfigError
from core.live.estimate import estimate
from core.view.captions.run import describe_start
from pages.shared import live, resources
from pages.shared.frame import action, page
from pages.shared.full_data import data_at_hand
from pages.shared.room import room
from pages.shared.run_form import (
    config_of_form,
    form_values,
    level_slider,
    more_settings,
    preset_choice,
)
from pages.shared.visitor import network_address, visitor


def start(hidden: tuple[str, ...], visitor_name: str) -> None:
    run = resources.store().submit(config_of_form(hidden), visitor_name, network_address())
    st.query_params["run"] = run.run_id


with page(
    "Train live", "Watch a network find mostly the pattern first, then learn the wrong labels by heart."
):
    visitor_name = visitor()
    in_room = room()
    store = resources.store()
    if failure := resources.trainer().failure:
        st.error(failure)
    if damage := store.database.state().damage:
        st.warning(damage)
    with st.container(horizontal=True, vertical_alignment="bottom", key="controls"):
        if not in_room.hides("preset"):
            preset_choice()
        if not in_room.hides("level"):
            level_slider()
        if not in_room.hides("more"):
            with st.popover("More settings", icon=":material/tune:"):
                more_settings()
        start_button = st.empty()
    config, problem = None, ""
    try:
        config = config_of_form(in_room.hidden)
    except ConfigError as error:
        problem = f"This cannot be trained: {error}"
    data_at_hand(form_values(in_room.hidden)["data"])
    start_button.button(
        "Start training",
        type="primary",
        icon=":material/play_arrow:",
        shortcut="Shift+Enter",
        on_click=action(start),
        args=(in_room.hidden, visitor_name),
        disabled=config is None,
        key="start",
    )
    if config is None:
        st.error(problem)
    else:
        board = resources.board()  # and not the store itself: one look for all who come at once
        others = [run for run in board.active if run.run_id != config.run_id]
        needed = estimate(config, board.speeds, others, visitor_name)
        st.caption(describe_start(config, store.run(config.run_id), needed, len(others)))

    run_id = st.query_params.get("run")
    run = store.run(run_id) if run_id else None
    if run_id and run is None:
        st.warning(f"There is no run of this name here: {run_id[:12]!r}. Start one above.")
    if run:
        store.note_view(run.run_id)
        live.show(run, resources.sweep())
    elif config is not None:
        live.show_nothing(config)

    runs = store.runs_of(visitor_name)
    live.show_table(runs)
    live.show_comparison(runs)
