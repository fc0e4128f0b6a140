"""The parts of the sweep page that show one stored run, and a live run next to it."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from core.config import RunConfig
from core.data.cifar10 import has_full
from core.live.runs.store import LiveRun
from core.records import EpochRecord
from core.sweep.results import config_of
from core.view.run import charts
from core.view.run.captions import (
    command_of,
    describe_errors,
    describe_evaluation,
    describe_fate,
    describe_provenance,
)
from core.view.run.floor import floor_of
from core.view.words import LABELS, name_of_run
from pages.shared.components.run_viewer import show_run, show_sprite
from pages.shared.figures.drawing import draw, draw_new
from pages.shared.figures.image_scores import show_image_scores
from pages.shared.frame.navigation import the_page
from pages.shared.server import resources


def choose_clicked() -> None:
    """Choose the level of the point of the figure that was clicked."""
    chosen = st.session_state.sweep.selection.get("chosen", [])
    if chosen and "level" in chosen[0]:
        st.session_state.run_level = chosen[0]["level"]


def choose_level(level: str) -> None:
    """Choose the level of a link in the text."""
    st.session_state.run_level = float(level)


def show_beside(runs: pd.DataFrame) -> None:
    """Show the chosen run next to the figure; runs: rows of the sweep, of one network."""
    run = _chosen(runs)
    config, records = config_of(run), resources.sweep_records(run.run_id)
    draw(
        "stored-errors",
        (config.run_id,),
        lambda: charts.error_history(records, config, floor_of(config), height=260, has_legend=False),
        alt="Errors of the stored run against epoch",
    )
    st.markdown(describe_errors(config, records))
    st.page_link(
        the_page("lab"),
        label=f"Train a small one at {config.level:.0%}",
        query_params={"level": f"{config.level:g}"},
        icon=":material/play_arrow:",
    )


def show_details(runs: pd.DataFrame, live_runs: list[LiveRun]) -> None:
    """Show the chosen run in full, with its origin; live_runs: the visitor's, to compare with."""
    st.header("The run next to the figure", anchor=False)
    run = runs[
        (runs.level == st.session_state.get("run_level", runs.level.iloc[0]))
        & (runs.seed == st.session_state.get("run_seed", runs.seed.iloc[0]))
    ]
    run = (run if len(run) else runs).iloc[0]
    config, records = config_of(run), resources.sweep_records(run.run_id)
    live = _live_run(live_runs)
    if live:
        _side_by_side(config, records, live)
    if config.data == "embedded" or has_full():
        show_sprite(config)
        show_run(config, records, key="stored")
        show_image_scores(config, records, "stored")
    elif not live:  # the photographs are not on this machine
        _fate(config, records)
    st.caption(f"{describe_provenance(run)} {describe_evaluation(records)}")
    st.code(command_of(config), language="bash", wrap_lines=True)


def _chosen(runs: pd.DataFrame) -> pd.Series:
    """The row of the chosen level and seed; a click on a point also chooses."""
    levels = sorted(runs.level.unique())
    with st.container(horizontal=True):
        level = _choice("The run at", levels, "run_level", lambda value: f"{value:.0%} corruption")
        at_level = runs[runs.level == level]
        seeds = sorted(at_level.seed)
        seed = _choice("Seed", seeds, "run_seed", str) if len(seeds) > 1 else seeds[0]
    return at_level[at_level.seed == seed].iloc[0]


def _choice(label: str, options: list, key: str, text: Callable[[Any], str]) -> Any:
    if st.session_state.get(key) not in options:
        st.session_state[key] = options[0] if key == "run_seed" else options[len(options) // 2]
    width = 110 if key == "run_seed" else 200
    return st.selectbox(label, options, format_func=text, key=key, width=width)


def _live_run(live_runs: list[LiveRun]) -> LiveRun | None:
    if not live_runs:
        st.page_link(the_page("lab"), label="Train your own run to compare it with this one")
        return None
    runs = {run.run_id: run for run in live_runs}
    chosen = st.selectbox(
        "Compare with a live run",
        list(runs),
        index=None,
        format_func=lambda run_id: name_of_run(runs[run_id].config),
        placeholder="Choose one of your runs",
        key="beside",
    )
    return runs.get(chosen or "")


def _fate(config: RunConfig, records: list[EpochRecord]) -> None:
    """Show what became of the wrong labels; without wrong labels, the losses."""
    if config.level:
        draw(
            "stored-fate",
            (config.run_id,),
            lambda: charts.fate_history(records, config, height=320),
            alt="Share of the images with a wrong label: label repeated, and predicted as their true class",
        )
    else:
        draw(
            "stored-losses",
            (config.run_id,),
            lambda: charts.loss_history(records, config, height=320),
            alt="Training and test loss against epoch",
        )
    st.caption(describe_fate(config, records))


def _side_by_side(config: RunConfig, records: list[EpochRecord], live: LiveRun) -> None:
    live_records = resources.store().records(live.run_id)
    lines = [
        ("the sweep's: " + name_of_run(config), config, records),
        ("live: " + name_of_run(live.config), live.config, live_records),
    ]
    metrics = ["test_error", "memorized" if config.level and live.config.level else "train_error"]
    for column, metric in zip(st.columns(2), metrics, strict=True):
        with column:
            draw_new(
                charts.compared(lines, metric),
                name=f"beside-{metric}",
                alt=f"{LABELS[metric]} of the stored and the live run against epoch",
            )
