"""The page of the whole curve, live: every level at once, trained by one visitor or by a class."""

from dataclasses import replace

import streamlit as st

from core.choices import NETWORKS
from core.config import LEVELS, PRESETS, RunConfig
from core.live.classroom.level_sweep import LevelPoint, all_levels
from core.live.runs.store import LiveRun
from core.live.training.estimate import epoch_seconds, run_seconds
from core.view.classroom import charts, level_sweep
from core.view.words import about, without_links
from pages.shared.classroom.room import Room, room
from pages.shared.components.copy_link import copy_link
from pages.shared.controls.choosing import choice, chosen
from pages.shared.figures.downloads import downloads
from pages.shared.figures.level_figure import class_levels, draw_levels, highest, points_of, rows_of
from pages.shared.frame.frame import action, page, plain_errors
from pages.shared.frame.links import link
from pages.shared.frame.visitor import network_address, visitor
from pages.shared.server import resources
from pages.shared.server.polling import measured, seconds_between

TICK_SECONDS = 0.8
NAMES = {model: NETWORKS[model].short for model in NETWORKS}

STYLE = """<style>
.st-key-figure-area [data-testid=stVegaLiteChart], .st-key-figure-area .st-key-whole-curve,
.st-key-figure-area .st-key-whole-curve div:has([data-testid=stVegaLiteChart]) {
  height: clamp(17rem, 60vh, 60rem) !important }
</style>"""


def named_run() -> RunConfig | None:
    """Return the config of the run that the address names, or None."""
    run_id = st.query_params.get("run")
    run = resources.store().run(run_id) if run_id else None
    if run_id and run is None:
        sentence = f"There is no run {run_id[:12]!r} here. Choose a network instead."
        st.warning(without_links(sentence))
    return run.config if run else None


def base(named: RunConfig | None) -> RunConfig:
    """Return the run to train at every level; this also works within a button's action."""
    if named is not None:
        return named
    model = chosen(NAMES, "network")
    usual = resources.offered(PRESETS[0].config)
    return replace(usual, model=model, learning_rate=NETWORKS[model].learning_rate)


def train_all(named: RunConfig | None, visitor_name: str) -> None:
    """Submit the runs at all levels."""
    resources.store().submit_all_levels(all_levels(base(named)), visitor_name, network_address())


def cancel_all(run_ids: tuple[str, ...], visitor_name: str) -> None:
    """Cancel these runs of the visitor."""
    for run_id in run_ids:
        resources.store().cancel(run_id, by=visitor_name)


def seconds_between_polls(visitor_name: str) -> float:
    """Return the seconds between two polls; this page counts separately from the visitor's Lab."""
    return max(TICK_SECONDS, seconds_between(visitor_name, "curve"))


def show_figure(configs: tuple[RunConfig, ...], points: list[LevelPoint], name: str) -> None:
    """Show the figure of a level sweep; name: its title in downloads."""
    config = highest(configs)
    with st.container(key="figure-area"):
        place = st.container()
        with st.container(horizontal=True):
            stored = st.toggle("The stored runs", key="stored", bind="query-params")
            paper = st.toggle("The paper's, on 50,000 images", key="paper", bind="query-params")
            exports = st.container(width="content")
    rows = rows_of(points, config, stored, paper)
    with place:
        title = level_sweep.describe_levels(points, config.noise)
        st.markdown(f"**{title}**")
        draw_levels(rows)
    st.caption(level_sweep.describe_seeds(points, stored, paper))
    if points:
        with exports:
            downloads(
                "whole-curve",
                lambda: charts.all_levels().properties(data=rows.frame),
                name,
                f"{level_sweep.level_sweep_title(config)}. {title}",
                rows.of_runs,
            )


def seconds_left(active: list[LiveRun]) -> float:
    """Return the seconds until these runs are finished, if no others take turns with them."""
    speeds = resources.board().speeds
    epochs = {run: run.config.epochs - run.epochs_done for run in active}
    return sum(left * epoch_seconds(run.config, speeds) for run, left in epochs.items())


def show_own(named: RunConfig | None, config: RunConfig, visitor_name: str) -> None:
    """Show the visitor's own level sweep, redrawn while it trains."""
    configs = tuple(all_levels(config))
    runs = resources.store().runs_named([each.run_id for each in configs])
    is_active = any(run.is_active for run in runs)
    every = seconds_between_polls(visitor_name) if is_active else None
    st.fragment(_show_own, run_every=every)(named, configs, visitor_name, is_active)


def _show_own(
    named: RunConfig | None, configs: tuple[RunConfig, ...], visitor_name: str, was_active: bool
) -> None:
    with plain_errors(), measured():
        seconds_between_polls(visitor_name)
        runs = resources.store().runs_named([each.run_id for each in configs])
        active = [run for run in runs if run.is_active]
        if bool(active) != was_active:
            st.rerun()  # the whole page: starts or ends the timer
        with st.container(horizontal=True, vertical_alignment="center", key="curve-line"):
            if active:
                done = sum(run.epochs_done for run in runs) / sum(each.epochs for each in configs)
                left = seconds_left(active)
                text = f"{len(runs) - len(active)} of {len(configs)} finished · {about(left)} left"
                st.progress(min(1.0, done), text)
                own = tuple(run.run_id for run in active if run.owner == visitor_name)
                if own:
                    st.button("Cancel", on_click=action(cancel_all), args=(own, visitor_name))
            elif not all(run.epochs_done == run.config.epochs for run in runs) or len(runs) < len(
                LEVELS
            ):
                st.button(
                    "Train the whole curve",
                    type="primary",
                    icon=":material/play_arrow:",
                    on_click=action(train_all),
                    args=(named, visitor_name),
                )
                speeds = resources.board().speeds
                seconds = sum(run_seconds(each, speeds) for each in configs)
                st.caption(level_sweep.describe_whole(configs[0], seconds))
        for message in dict.fromkeys(run.message for run in runs if run.message):
            st.error(message)
        show_figure(configs, points_of(configs), level_sweep.level_sweep_title(highest(configs)))


def shows_class(in_room: Room) -> bool:
    """Whether to show the class's figure: while levels are given out, and later for `?shared`."""
    return resources.is_shared_out(in_room.code) or (
        "shared" in st.query_params and resources.has_class_figure(in_room.code)
    )


def show_class(in_room: Room, visitor_name: str) -> None:
    """Show the figure that the room trains together, redrawn as it grows."""
    with plain_errors(), measured():
        curve = class_levels(in_room.code)
        if curve is None or not shows_class(in_room):
            st.rerun()  # the teacher has ended it
        seconds_between_polls(visitor_name)
        st.markdown(level_sweep.describe_lacking(curve.points, curve.attendance))
        title = in_room.lesson.title if in_room.lesson else "The class's figure"
        show_figure(curve.configs, curve.points, title)


with page("curve") as head:
    st.html(STYLE)
    visitor_name = visitor()
    in_room = room(head)
    if failure := resources.trainer().failure:
        st.error(failure)
    if shows_class(in_room):
        st.fragment(show_class, run_every=seconds_between_polls(visitor_name))(in_room, visitor_name)
    else:
        named = named_run()
        if named is None:
            choice("Network", NAMES, "network")
        else:
            st.caption(level_sweep.level_sweep_title(named))
        show_own(named, base(named), visitor_name)
        with st.popover("Share", icon=":material/link:"):
            copy_link(
                link("curve", **({"run": named.run_id} if named else {"network": base(None).model}))
            )
