"""The parts of the Lab that show live runs: one run as it trains, and this visitor's runs."""

from typing import Any, NamedTuple

import pandas as pd
import streamlit as st

from core.config import RunConfig
from core.errors import RefusedError
from core.live.runs.store import LiveRun, Status
from core.records import EpochRecord
from core.sweep import figures, reference, results
from core.view.run import charts
from core.view.run.captions import (
    describe_changes,
    describe_evaluation,
    describe_fate,
    describe_loss,
    describe_status,
    describe_turn,
    run_row,
)
from core.view.words import LABELS, name_of_run, per_cent
from pages.shared.components.run_viewer import Ghost, show_run
from pages.shared.figures.drawing import draw_live, draw_new
from pages.shared.figures.image_scores import show_image_scores
from pages.shared.frame.frame import action, plain_errors
from pages.shared.frame.links import link
from pages.shared.frame.session import session
from pages.shared.frame.visitor import visitor
from pages.shared.server import resources
from pages.shared.server.cache import cached
from pages.shared.server.polling import has_left, measured, needs_new_timer, seconds_between

REDRAW_SECONDS = 1.0
WAITING_SECONDS = 3.0  # for a run that somebody else can resume
OLD_SECONDS = 2.5  # a curve that is redrawn less often says so
PROGRESS_SECONDS = 0.25  # between polls of an epoch in training
MAX_COMPARED = 8  # runs in one chart
GHOSTS = 3  # earlier runs drawn behind the one shown
METRICS = {name: LABELS[name] for name in (*charts.ERRORS, *charts.FATES)}


class Snapshot(NamedTuple):
    """The properties of a run that decide how its page is drawn. A change redraws the whole page."""

    is_active: bool
    has_ended: bool
    has_epochs: bool
    is_slow: bool  # its progress line is updated within an epoch


def show(run: LiveRun, config: RunConfig | None, runs: list[LiveRun]) -> None:
    """Show a run, redrawn every second while it is active; its line more often if epochs are slow.

    config: the run that the controls describe; runs: the visitor's, the last of which are drawn
    behind this one.
    """
    others = tuple(other.run_id for other in runs if other.run_id != run.run_id and other.epochs_done)
    is_stale = config is not None and config != run.config
    seen, every = _snapshot(run), _redraw_seconds(run)
    # Siblings, not nested, so that each is redrawn by its own timer only.
    # The container stays without the line, or the curves below would be created again and replayed.
    with st.container():
        if seen.is_slow:
            line_every = _line_seconds()
            st.fragment(_show_line, run_every=line_every)(run.run_id, seen, line_every)
    st.fragment(_show, run_every=every)(run.run_id, is_stale, others[:GHOSTS], seen, every)


def _snapshot(run: LiveRun) -> Snapshot:
    records = resources.records(run.run_id, run.epochs_done)
    # Decided by the first epoch: by the latest ones, the line would change its place again and again,
    # and presses of its buttons would be lost.
    is_slow = not records or records[0].seconds > REDRAW_SECONDS
    return Snapshot(run.is_active, run.has_ended, bool(records), run.is_active and is_slow)


def _redraw_seconds(run: LiveRun) -> float | None:
    """The seconds between two redraws of the curve: more with more viewers; None: it cannot change."""
    if run.status is Status.FINISHED:
        return None
    usual = REDRAW_SECONDS if run.is_active else WAITING_SECONDS
    return max(usual, seconds_between(visitor(), "lab"))


def _line_seconds() -> float:
    """The seconds between two redraws of the progress line, for runs with slow epochs."""
    return max(PROGRESS_SECONDS, seconds_between(visitor(), "line"))


def _show(
    run_id: str,
    is_stale: bool,
    others: tuple[str, ...],
    seen: Snapshot,
    every: float | None,
) -> None:
    """Draw the run; seen: its snapshot when the page was drawn; every: the timer at that time."""
    with plain_errors(), measured():
        run = resources.store().run(run_id)
        if run is None:  # the database was damaged and replaced
            st.warning("This run is no longer here: start it again above.")
            return
        seconds = _redraw_seconds(run)  # also counts as a poll: this visitor has not left
        if _snapshot(run) != seen or needs_new_timer(every, seconds):
            st.rerun()  # the whole page: starts, changes or ends the timers
        if not seen.is_slow:
            _draw_line(run)
        if run.is_active and every and every > OLD_SECONDS:
            st.caption(f"Many are watching: this curve is up to {every:.0f} s old.")
        records = resources.records(run_id, run.epochs_done)
        show_run(
            run.config,
            records,
            key="viewer",
            showing=session().replays,
            is_live=run.is_active,
            replays=run.has_ended,
            is_stale=is_stale,
            ghosts=[ghost for other in others if (ghost := _ghost(other))],
        )
        with st.expander(
            "More about this run", key="more", on_change="rerun", bind="query-params"
        ) as more:
            if more.open:
                _details(run.config, records)


def _ghost(run_id: str) -> Ghost | None:
    """An earlier run of the visitor with its epochs so far."""
    run = resources.store().run(run_id)
    return Ghost(run.config, resources.records(run_id, run.epochs_done)) if run else None


def _details(config: RunConfig, records: list[EpochRecord]) -> None:
    with st.container(horizontal=True, key="metrics"):
        names = ("test_error", "train_error", *(charts.FATES if config.level else ()))
        for name in names:
            value = getattr(records[-1], name) if records else None
            st.metric(LABELS[name].capitalize(), per_cent(value))
        _reference(config, resources.sweep())
    draw_live(
        "losses",
        (config.epochs, config.level > 0),  # all that the chart without rows depends on
        lambda: charts.loss_history([], config, height=240),
        charts.loss_rows(records),
        alt="Training and test loss against epoch",
    )
    if len(records) > 1:
        draw_live(
            "changes",
            (config.epochs,),
            lambda: charts.changes_history([], config, height=240),
            charts.changes_rows(records),
            alt="Share of the training photographs whose answer changed, against epoch",
        )
        st.caption(describe_changes(records))
    texts = (describe_loss(records), describe_fate(config, records), describe_evaluation(records))
    st.caption(" ".join(texts))
    show_image_scores(config, records, "live")


def show_table(runs: list[LiveRun], shown: LiveRun | None) -> None:
    """Show the table of the visitor's runs, if there is any besides the one shown."""
    if all(shown and run.run_id == shown.run_id for run in runs):
        return
    st.header("Your runs", anchor=False)
    last = {run.run_id: record for run, record in resources.store().last_records(runs)}
    rows = [{"Open": link("lab", run=run.run_id), **run_row(run, last.get(run.run_id))} for run in runs]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config={"Open": st.column_config.LinkColumn(display_text="open")},
    )


def show_comparison(runs: list[LiveRun]) -> None:
    """Show several runs in one chart: the visitor's, and any that the address names."""
    store = resources.store()
    named = st.query_params.get_all("compare")[:MAX_COMPARED]
    choices = {run.run_id: run for run in (*runs, *map(store.run, named)) if run and run.epochs_done}
    if len(choices) < 2:
        return
    st.header("Runs side by side", anchor=False)

    def remember() -> None:
        st.query_params["compare"] = st.session_state.compared

    # The address gets the ids of the runs; a bound widget would put its labels there.
    chosen = st.multiselect(
        "Runs to compare",
        list(choices),
        default=[run_id for run_id in named if run_id in choices],
        format_func=lambda run_id: name_of_run(choices[run_id].config),
        key="compared",
        on_change=remember,
        placeholder="Choose two or more",
        max_selections=MAX_COMPARED,
    )
    metric = st.segmented_control(
        "Metric",
        list(METRICS),
        format_func=lambda name: METRICS[name].capitalize(),
        default="test_error",
        required=True,
        key="measure",  # the name in old addresses that are still in use
        bind="query-params",
    )
    if chosen:
        lines = [
            (name_of_run(choices[run_id].config), choices[run_id].config, store.records(run_id))
            for run_id in chosen
        ]
        draw_new(
            charts.compared(lines, metric),
            name="comparison",
            alt=f"{METRICS[metric]} of the chosen runs against epoch",
        )


def _show_line(run_id: str, seen: Snapshot, every: float) -> None:
    """Draw the progress line of a run, on its own timer."""
    with plain_errors(), measured():
        seconds = _line_seconds()
        run = resources.store().run(run_id)
        if run is None:
            return
        if _snapshot(run) != seen or needs_new_timer(every, seconds):
            st.rerun()  # the whole page, so that the curves do not lag an epoch behind the line
        _draw_line(run)


def _draw_line(run: LiveRun) -> None:
    """Draw the progress of a run and its buttons."""
    with st.container(horizontal=True, vertical_alignment="center", key="run-line"):
        with st.container(key="status-line"):
            _status(run)
        _buttons(run)


def _status(run: LiveRun) -> None:
    records = resources.records(run.run_id, run.epochs_done)
    board = resources.board()
    others = [other for other in board.active if other.run_id != run.run_id]
    is_in_training = any(other.run_id == run.run_id for other in board.in_training)
    runs_at_once = len(board.in_training) if is_in_training else 1
    done = run.epochs_done + run.images_done / run.config.train_images
    st.progress(
        min(1.0, done / run.config.epochs),
        text=describe_status(run, records, others, board.speeds, board.is_paused, runs_at_once),
    )
    if others:
        st.caption(describe_turn(board.in_training, run))
    if run.message:
        st.error(run.message, icon=":material/error:")


def _buttons(run: LiveRun) -> None:
    store = resources.store()
    as_visitor: Any = {"args": (run.run_id,), "kwargs": {"by": visitor()}}
    if run.has_ended:
        return
    if run.owner != visitor():
        if has_left(run.owner):
            st.caption(
                "The visitor who started this run has left. Take it over to pause, resume or cancel it."
            )
            st.button("Take it over", on_click=action(_take_over), args=(run.run_id,), key="take-over")
        else:
            st.caption(
                "Another visitor started this run. You can watch it; only they can pause or cancel it."
            )
        return
    with st.container(horizontal=True, key="run-buttons"):
        if run.is_active:
            st.button(
                "Pause", shortcut="Shift+P", on_click=action(store.pause), **as_visitor, key="pause"
            )
        elif run.status is Status.PAUSED:
            st.button(
                "Resume", shortcut="Shift+P", on_click=action(store.resume), **as_visitor, key="resume"
            )
            st.button(
                "+1 epoch",
                shortcut="Shift+E",
                on_click=action(store.one_epoch),
                **as_visitor,
                key="one",
            )
        st.button(
            "Cancel", shortcut="Shift+X", on_click=action(store.cancel), **as_visitor, key="cancel"
        )


def _take_over(run_id: str) -> None:
    run = resources.store().run(run_id)
    if run and not has_left(run.owner):
        raise RefusedError("The visitor who started this run is back, so the run stays theirs.")
    resources.store().take_over(run_id, visitor())


def _reference(config: RunConfig, sweep: pd.DataFrame) -> None:
    """Show the test errors of this network and level on all images, in the paper and in our sweep."""
    paper, ours = _references(config, results.stamp(), sweep)
    if paper is not None and config.data == "full":
        is_between = 0 < config.level < 1
        st.metric(
            "The paper's, on corrupted tests" if is_between else "The paper's test error",
            per_cent(paper),
            help="On all 50,000 images."
            + (
                " Its numbers suggest that the test labels were corrupted at the same level, too: see The sweep. "
                "The error against true labels is lower."
                if is_between
                else ""
            ),
        )
    if ours is not None:
        st.metric("Sweep, 50,000 images", per_cent(ours), help="Our own test error on all images.")


@cached(256)
def _references(
    config: RunConfig, stamp: int, _sweep: pd.DataFrame
) -> tuple[float | None, float | None]:
    return (
        reference.paper_test_error(reference.paper(), config),
        figures.sweep_test_error(_sweep, config),
    )
