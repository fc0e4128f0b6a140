"""The page for finding wrong labels: mark them, let the machine rank them, fix them, retrain."""

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.choices import RANKINGS
from core.cleaning.ranking import can_rank, score_ranking, sources
from core.cleaning.search import Searched, images_to_mark, repair_shares
from core.config import RunConfig
from core.data.cifar10 import CLASSES
from core.data.corruption import LabelCorruption, given_labels
from core.data.noise import transition_matrix
from core.records import EpochRecord
from core.sweep import reference
from core.view.finding import captions, charts
from core.view.images import gallery, transitions
from pages.find import photo_marker
from pages.shared.classroom.room import room
from pages.shared.controls.choosing import choice, chosen, cured_network
from pages.shared.figures.downloads import downloads
from pages.shared.figures.drawing import draw_live
from pages.shared.frame.frame import action, page, plain_errors
from pages.shared.frame.visitor import network_address, visitor
from pages.shared.server import computed_once, resources
from pages.shared.server.computed_once import searched

LEVEL = 0.4
FORTY = 40  # photographs to mark
SHOWN = 24  # images found, and images falsely accused
RANKING_NAMES = {key: RANKINGS[key].capitalize() for key in reversed(RANKINGS)}
ACTIONS = {"drop": "Leave them out", "relabel": "Let the network name them"}
GALLERIES = {
    "found": "Found",
    "accused": "Falsely accused",
}


def base_run() -> RunConfig:
    """Return the run whose labels are searched: the one in the address, or else the usual one."""
    run = resources.store().run(st.query_params.get("run", ""))
    if run and run.config.corruption == "labels":
        plain = replace(run.config, repair="none", repaired=0.0, validation=0.0, fold=0)
        if plain.data == "embedded" and plain.level:
            return plain
        st.info(
            "This page needs a run on the 5,000 photographs with some wrong labels: it shows the usual one."
        )
    return RunConfig(model=cured_network(), level=LEVEL)


def save_marks() -> None:
    """Save the marks in the address, so that they survive a reload and a link shows them to others."""
    st.query_params["marks"] = " ".join(map(str, photo_marker.sent_marks(FORTY)))


def show_forty(config: RunConfig, corrupted: LabelCorruption) -> NDArray[np.int64] | None:
    """Show the photographs to mark. Return the indices of the marked images, or None before that."""
    data, shown = resources.data("embedded"), images_to_mark(config, corrupted, FORTY)
    images = data.train_images[shown]
    given, true = corrupted.labels[shown].tolist(), data.train_labels[shown].tolist()
    marks = photo_marker.marks_of(st.query_params.get("marks", "").split(), FORTY)
    if not marks:
        st.markdown(captions.describe_forty(config, FORTY, photo_marker.MOST))
        photo_marker.show_photos(images, given, true, action(save_marks))
        return None
    result = captions.describe_marks(corrupted.is_wrong[shown], marks)
    photo_marker.show_truth(images, given, true, marks, result)
    return shown[marks]


def train_missing(configs: list[RunConfig], visitor_name: str) -> None:
    """Submit those of these runs that are not finished."""
    for config in configs:
        if resources.final(config) is None:
            resources.store().submit(config, visitor_name, network_address())


# A visitor can press a button before the page has followed a changed control. So an action reads the
# controls at the press, not when the button was drawn.


def train_sources(config: RunConfig, visitor_name: str) -> None:
    """Submit the runs that the chosen ranking needs."""
    todo = untrained(config, chosen(RANKING_NAMES, "rank"))
    for source in todo:
        if resources.final(source) is not None:  # its image scores are lost: train it again
            resources.store().forget(source.run_id)
    for source in todo:
        resources.store().submit(source, visitor_name, network_address())


def untrained(config: RunConfig, name: str) -> list[RunConfig]:
    """Return the source runs of a ranking that are not finished or lack the scores that it needs."""

    def is_ready(source: RunConfig) -> bool:
        if resources.final(source) is None:
            return False
        scores = resources.image_scores(source)
        return scores is not None and can_rank(name, scores)

    return [source for source in sources(config, name) if not is_ready(source)]


def train_compared(config: RunConfig, visitor_name: str) -> None:
    """Submit the unfinished runs of the comparison."""
    train_missing(list(compared(config).values()), visitor_name)


def compared(config: RunConfig) -> dict[str, RunConfig]:
    """Return the runs to compare, with the repair that the controls show."""
    repaired = replace(
        config,
        repair=chosen(ACTIONS, "repair_action"),
        repaired=st.session_state.mended,
        ranking=chosen(RANKING_NAMES, "rank"),
    )
    return {"Before": config, "After": repaired, "With true labels": replace(config, level=0.0)}


def show_search(config: RunConfig, name: str, visitor_name: str) -> None:
    """Show the training that the ranking needs, and its progress."""
    with plain_errors():
        todo = untrained(config, name)
        if not todo:
            st.rerun()
        runs = [run for source in todo if (run := resources.store().run(source.run_id))]
        for run in runs:
            if run.message:
                st.error(run.message)
        active = [run for run in runs if run.is_active]
        if active:
            done = sum(run.epochs_done for run in runs)
            whole = sum(source.epochs for source in todo)
            st.progress(min(1.0, done / whole), captions.describe_search(len(todo), done, whole))
            return
        st.button(
            "Search for them",
            type="primary",
            icon=":material/search:",
            on_click=action(train_sources),
            args=(config, visitor_name),
        )
        st.caption(captions.describe_needed(config, name, len(todo)))


def show_found(
    config: RunConfig,
    name: str,
    found: Searched,
    corrupted: LabelCorruption,
    marks: NDArray[np.int64],
) -> None:
    """Show how well the ranking finds wrong labels, compared with the visitor's marks."""
    score = score_ranking(found.ranking.order, corrupted.is_wrong)
    if score is None:
        st.info("Either no label is wrong here or all labels are: there is nothing to tell apart.")
        return
    shown = images_to_mark(config, corrupted, FORTY)
    title = captions.describe_found(score, found.ranking, corrupted.is_wrong, marks, shown)
    st.markdown(f"**{title}**")
    if name == "forgetting":
        show_forgetting(config)
    left, right = st.columns([3, 2], gap="large")
    with left:
        draw_live(
            "precision",
            (),
            charts.precision_against_recall,
            charts.precision_rows(score, corrupted.is_wrong, marks),
            alt="Precision against recall of the ranking, with your own marks",
        )
        st.caption(captions.explain_precision(score))
    with right:
        if found.transition is None:
            tabs = st.tabs(list(GALLERIES.values()))
        else:
            estimated, *tabs = st.tabs(["Estimated transitions", *GALLERIES.values()])
            with estimated:
                show_transition(config, found.transition)
        for tab, which in zip(tabs, GALLERIES, strict=True):
            with tab:
                show_gallery(found, corrupted, which)


def show_forgetting(config: RunConfig) -> None:
    """Show what the networks of the ranking repeat of one half while they study the other."""
    halves = sources(config, "forgetting")
    runs = [records for half in halves if (records := resources.finished(half))]
    rows = charts.forgetting_rows(runs, halves[0].switch_after)
    if not len(rows):
        return
    title = captions.describe_forgetting(rows)
    st.markdown(f"**{title}**")
    draw_live(
        "forgetting",
        (),
        charts.forgetting,
        rows,
        alt="Right and wrong labels of the first half that are still repeated, against epochs on the other half",
    )
    downloads(
        "forgetting",
        lambda: charts.forgetting().properties(data=rows),
        title,
        captions.EXPLAINED["forgetting"],
        rows,
    )


def show_transition(config: RunConfig, estimated: NDArray[np.float64]) -> None:
    """Show the estimated and the true P(given | true)."""
    true = transition_matrix(config)
    st.markdown(f"**{captions.describe_transition(estimated, true)}**")
    for name, matrix in (("Estimated", estimated), ("True", true)):
        st.markdown(f"{name}:")
        draw_live(
            f"{name.lower()}-transitions",
            (),
            lambda: transitions.matrix_heatmap(np.eye(len(CLASSES))),
            transitions.matrix_rows(matrix),
            alt=f"{name} share of each true class (rows) that is given each label (columns)",
        )


def show_gallery(found: Searched, corrupted: LabelCorruption, which: str) -> None:
    """Show the first images of the ranking with a wrong label ("found") or a right one ("accused")."""
    data, order = resources.data("embedded"), found.ranking.order
    is_shown = corrupted.is_wrong[order] == (which == "found")
    shown = order[is_shown][:SHOWN]
    tiles = [
        gallery.label_tile(CLASSES[corrupted.labels[index]], CLASSES[data.train_labels[index]])
        for index in shown
    ]
    st.html(gallery.style(which, data.train_images[shown]))
    st.html(gallery.tiles(which, tiles))


def show_repair(
    config: RunConfig, found: Searched, corrupted: LabelCorruption, visitor_name: str
) -> None:
    """Show the repair of the most suspicious labels and the test errors before and after it."""
    st.header("Fix the most suspicious labels and retrain", anchor=False)
    offered, first = repair_shares(config)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.select_slider(
            "How many of the images, most suspicious first",
            offered,
            first,
            format_func=lambda value: f"{100 * value:g}%",
            key="mended",
            bind="query-params",
        )
        choice("What to do with them", ACTIONS, "repair_action")
    runs = compared(config)
    true_labels = resources.data("embedded").train_labels
    st.markdown(captions.describe_cost(runs["After"], found.ranking, corrupted, true_labels))
    ticks = any(map(is_active, runs.values()))
    st.fragment(show_results, run_every=1.0 if ticks else None)(runs, visitor_name, ticks)


def is_active(config: RunConfig) -> bool:
    """Whether a run is queued or running."""
    run = resources.store().run(config.run_id)
    return run is not None and run.is_active


def show_results(runs: dict[str, RunConfig], visitor_name: str, ticks: bool) -> None:
    """Show the test errors before, after and with true labels, and the training that is missing.

    ticks: whether this is redrawn every second because one of the runs is in training.
    """
    with plain_errors():
        if any(map(is_active, runs.values())) != ticks:
            st.rerun()
        ends = {title: resources.final(run) for title, run in runs.items()}
        show_errors(ends)
        for title, config in runs.items():
            run = resources.store().run(config.run_id)
            if run and run.message:
                st.error(run.message)
            if run and run.is_active:
                done = run.epochs_done / run.config.epochs
                st.progress(min(1.0, done), f"{title}: epoch {run.epochs_done} of {run.config.epochs}")
        if any(ends[title] is None and not is_active(config) for title, config in runs.items()):
            st.button(
                "Train again",
                type="primary",
                icon=":material/play_arrow:",
                on_click=action(train_compared),
                args=(runs["Before"], visitor_name),
            )
        if not ticks:  # during training, the progress bars are enough
            st.markdown(captions.describe_repaired(ends, wrong_shares(runs)))
        st.caption(captions.describe_published_cleaning(reference.noisy_labels()))


def wrong_shares(runs: dict[str, RunConfig]) -> tuple[float, float] | None:
    """Return the shares of wrong labels before and after the repair, if the network gave new labels."""
    before, after = computed_once.studied(runs["Before"]), computed_once.studied(runs["After"])
    if runs["After"].repair != "relabel" or before is None or after is None:
        return None
    return before.wrong_share, after.wrong_share


def show_errors(ends: dict[str, EpochRecord | None]) -> None:
    """Show the three test errors side by side."""
    with st.container(horizontal=True):
        for title, end in ends.items():
            error = "–" if end is None else f"{end.test_error:.1%}"
            change = captions.change(ends["Before"], end)
            st.metric(f"{title}: test error", error, change, delta_color="inverse")


with page("find") as head:
    visitor_name = visitor()
    room(head)
    config = base_run()
    corrupted = given_labels(config, resources.data("embedded").train_labels)
    marks = show_forty(config, corrupted)
    if marks is not None:
        st.header("The machine's turn", anchor=False)
        name = choice("How labels are ranked", RANKING_NAMES, "rank")
        st.caption(captions.EXPLAINED[name])
        are_trained = all(resources.final(source) is not None for source in sources(config, name))
        with st.spinner("Leaving out each photograph in turn …") if name == "kernel" else nullcontext():
            found = searched(config, name) if are_trained else None
        if found is None:
            st.fragment(show_search, run_every=1.0)(config, name, visitor_name)
        else:
            show_found(config, name, found, corrupted, marks)
            show_repair(config, found, corrupted, visitor_name)
