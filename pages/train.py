"""Train live: start a run, watch it learn and memorize, hold it against the paper."""

from dataclasses import asdict

import streamlit as st

from core.config import RunConfig
from core.errors import ConfigError, RefusedError
from core.live.estimate import estimate
from core.sweep import results
from core.view import captions
from pages.shared import live, resources
from pages.shared.frame import page
from pages.shared.full_data import data_at_hand
from pages.shared.room import room
from pages.shared.run_form import level_slider, more_settings, preset_choice
from pages.shared.visitor import visitor


def start(config: RunConfig) -> None:
    try:
        run = resources.store().ask_for(config, visitor_name)
    except RefusedError as refusal:
        st.session_state.refusal = str(refusal)
    else:
        st.query_params["run"] = run.run_id


with page("Train live", "Watch a network learn the pattern first, and the lies after it."):
    visitor_name = visitor()
    here = room()
    store = resources.store()
    if failure := resources.trainer().failure:
        st.error(failure)
    if damage := store.note("damaged"):
        st.warning(damage)
    with st.container(horizontal=True, vertical_alignment="bottom", key="controls"):
        if not here.hides("preset"):
            preset_choice()
        level = here.lesson.config.level if here.hides("level") else level_slider()
        if here.hides("more"):
            settings = asdict(here.lesson.config)
            del settings["level"]
        else:
            with st.popover("More settings", icon=":material/tune:"):
                settings = more_settings()
        start_button = st.empty()
    if "refusal" in st.session_state:
        st.warning(st.session_state.pop("refusal"))
    settings["data"] = data_at_hand(settings["data"])
    if settings["corruption"] != "labels":
        level = 0.0
    try:
        config, problem = RunConfig(**settings, level=level), ""
    except ConfigError as error:
        config, problem = None, f"This cannot be trained: {error}"
    start_button.button(
        "Start training",
        type="primary",
        icon=":material/play_arrow:",
        shortcut="Shift+Enter",
        on_click=start,
        args=(config,),
        disabled=config is None,
        key="start",
    )
    if problem:
        st.error(problem)
    else:
        others = [run for run in store.active_runs() if run.run_id != config.run_id]
        needed = estimate(config, store.speeds(), others, visitor_name)
        st.caption(captions.of_start(config, store.run(config.run_id), needed, len(others)))

    asked = st.query_params.get("run")
    run = store.run(asked) if asked else None
    if asked and run is None:
        st.warning(f"There is no run of this name here: {asked[:12]!r}. Start one above.")
    if run:
        live.show(run, resources.sweep())
    elif config:
        live.show_nothing(config, results.paper())

    runs = store.runs_of(visitor_name)
    live.show_table(runs)
    live.show_comparison(runs)
