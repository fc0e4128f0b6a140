"""One run of the sweep: its whole history, where it comes from, and a live run beside it."""

import pandas as pd
import streamlit as st

from core.config import run_name
from core.live.store import LiveRun
from core.sweep.results import config_of
from core.view import captions, charts
from pages.shared import resources
from pages.shared.drawing import draw
from pages.shared.navigation import the_page


def choose_clicked() -> None:
    """A click on a point of the figure chooses its level here."""
    chosen = st.session_state.sweep.selection.get("chosen", [])
    if chosen and "level" in chosen[0]:
        st.session_state.run_level = round(chosen[0]["level"], 6)


def show(runs: pd.DataFrame, own: list[LiveRun]) -> None:
    """runs: of one network, in the sweep; own: the visitor's, to put one beside it."""
    st.subheader("One run, epoch by epoch", anchor=False)
    with st.container(horizontal=True, gap="medium"):
        levels = sorted(runs.level.round(6).unique())
        level = _choice("Level", levels, "run_level", lambda value: f"{value:.0%}")
        at_level = runs[runs.level.round(6) == level]
        seed = _choice("Seed", sorted(at_level.seed), "run_seed", lambda value: f"seed {value}")
    run = at_level[at_level.seed == seed].iloc[0]
    config, records = config_of(run), resources.sweep_records(run.run_id)
    beside = _live_run(own)
    st.markdown(f"**{captions.of_errors(config, records)}**")
    if beside:
        _side_by_side(config, records, beside)
    else:
        _history(config, records)
    st.caption(captions.of_provenance(run))
    st.code(captions.command_of(config), language="bash", wrap_lines=True)


def _choice(label: str, options: list, key: str, text):
    if st.session_state.get(key) not in options:
        st.session_state[key] = options[0] if key == "run_seed" else options[len(options) // 2]
    return st.segmented_control(
        label, options, format_func=text, required=True, wrap=True, key=key,
        label_visibility="collapsed",
    )  # fmt: skip


def _live_run(own: list[LiveRun]) -> LiveRun | None:
    if not own:
        st.page_link(the_page("train"), label="Train a run of your own to put it beside this one")
        return None
    runs = {run.run_id: run for run in own}
    chosen = st.selectbox(
        "Put a live run beside it",
        list(runs),
        index=None,
        format_func=lambda run_id: run_name(runs[run_id].config),
        placeholder="Choose one of your runs",
        key="beside",
    )
    return runs.get(chosen)


def _history(config, records) -> None:
    left, right = st.columns([3, 2])
    with left:
        draw(
            "stored-errors",
            (config.run_id,),
            lambda: charts.error_history(records, config),
            alt="Errors of the stored run against epoch",
        )
    with right:
        if config.level:
            draw(
                "stored-lies",
                (config.run_id,),
                lambda: charts.lies_history(records, config, height=320),
                alt="Share of the wrong labels memorized and recovered against epoch",
            )
        else:
            draw(
                "stored-losses",
                (config.run_id,),
                lambda: charts.loss_history(records, config, height=320),
                alt="Training and test loss against epoch",
            )
    st.caption(captions.of_lies(config, records))


def _side_by_side(config, records, beside: LiveRun) -> None:
    live = resources.store().records(beside.run_id)
    lines = [
        ("the sweep's: " + run_name(config), config, records),
        ("live: " + run_name(beside.config), beside.config, live),
    ]
    measures = ["test_error", "memorized" if config.level and beside.config.level else "train_error"]
    for column, measure in zip(st.columns(2), measures, strict=True):
        with column:
            st.altair_chart(
                charts.compared(lines, measure),
                key=f"beside-{measure}",
                alt=f"{measure} of the stored and the live run against epoch",
            )
