"""Find the wrong labels: mark them yourself, let the machine rank them, mend them, train again."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import streamlit as st

from core.cleaning.confident import confident_joint, estimated_transition, out_of_fold
from core.cleaning.ranking import Ranking, rank, score_ranking, sources
from core.config import REPAIRS, RunConfig
from core.data.cifar10 import CLASSES
from core.data.corruption import LabelCorruption, given_labels
from core.data.noise import transition_matrix, wrong_share
from core.view import gallery
from core.view.captions import finding
from core.view.charts import finding as charts
from core.view.charts import transitions
from core.view.words import NETWORKS
from pages.shared import photo_marker, resources
from pages.shared.drawing import draw_live
from pages.shared.frame import action, page, plain_errors
from pages.shared.keeping import keep
from pages.shared.room import room
from pages.shared.visitor import network_address, visitor

LEVEL = 0.4
FORTY = 40  # photographs to mark
SHOWN = 24  # of those found, and of those falsely accused
OFFERED = ("mlp-1x512", "alexnet")
ACTIONS = {"drop": "Leave them out", "relabel": "Let the network name them"}
RANKING_NAMES = {
    "confident": "Confident learning",
    "margin": "Area under the margin",
    "loss": "Loss when it was time to stop",
}


class Searched(NamedTuple):
    """The labels of a run, and how they rank."""

    corrupted: LabelCorruption
    ranking: Ranking
    transition: np.ndarray | None  # estimated P(given | true), by confident learning


def base_run() -> RunConfig:
    """The run whose labels are searched: the one that the address names, or the usual one."""
    run = resources.store().run(st.query_params.get("run", ""))
    if run and run.config.corruption == "labels":
        plain = replace(run.config, repair="none", repaired=0.0, validation=0.0, fold=0)
        if plain.data == "embedded" and plain.level:
            return plain
        st.info("Wrong labels are searched for among the 5,000 photographs, where some are wrong.")
    names = {model: NETWORKS[model].partition(",")[0] for model in OFFERED}
    model = st.segmented_control(
        "Network", OFFERED, format_func=names.__getitem__, default=OFFERED[0], required=True,
        key="network", bind="query-params", label_visibility="collapsed",
    )  # fmt: skip
    return RunConfig(model=model or OFFERED[0], level=LEVEL)


def forty(config: RunConfig) -> np.ndarray:
    """Which photographs are marked: as many of them wrong as of all. Their indices, (40,)."""
    count = round(FORTY * wrong_share(config))
    is_wrong = given_labels(config, resources.data("embedded").train_labels).is_wrong
    rng = np.random.default_rng(config.seed)
    chosen = [
        *rng.permutation(np.flatnonzero(is_wrong))[:count],
        *rng.permutation(np.flatnonzero(~is_wrong))[: FORTY - count],
    ]
    return rng.permutation(np.array(chosen))


def show_forty(config: RunConfig, corrupted: LabelCorruption) -> np.ndarray | None:
    """The photographs to mark; once they are, the indices of those marked."""
    data, shown = resources.data("embedded"), forty(config)
    images, given, true = (
        data.train_images[shown],
        corrupted.labels[shown].tolist(),
        data.train_labels[shown].tolist(),
    )
    marks = st.session_state.get("marks", {}).get(config.run_id)
    if marks is None:

        def save() -> None:
            known = st.session_state.get("marks", {})
            st.session_state.marks = {**known, config.run_id: photo_marker.marked(FORTY)}

        st.markdown(finding.describe_forty(config, FORTY, photo_marker.MOST))
        photo_marker.ask(images, given, true, action(save))
        return None
    is_wrong = corrupted.is_wrong[shown]
    photo_marker.tell(images, given, true, marks, finding.describe_marks(is_wrong, marks))
    return shown[marks]


@keep(64)
def searched(config: RunConfig, name: str, stamp: tuple[int, ...]) -> Searched | None:
    """The ranking, once all its sources are trained; None before."""
    found = [resources.image_scores(source) for source in sources(config, name)]
    scores = [each for each in found if each is not None]
    if len(scores) < len(found):
        return None
    corrupted = given_labels(config, resources.data("embedded").train_labels)
    transition = None
    if name == "confident":
        joint = confident_joint(corrupted.labels, out_of_fold(scores))
        transition = estimated_transition(joint)
    return Searched(corrupted, rank(name, scores, corrupted.labels), transition)


def search(config: RunConfig, name: str, visitor_name: str) -> None:
    for source in sources(config, name):
        if resources.final(source) is None:
            resources.store().submit(source, visitor_name, network_address())


def train(config: RunConfig, visitor_name: str) -> None:
    resources.store().submit(config, visitor_name, network_address())


def show_search(config: RunConfig, name: str, visitor_name: str) -> None:
    """What has to be trained first, and how far it is."""
    with plain_errors():
        todo = [source for source in sources(config, name) if resources.final(source) is None]
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
            st.progress(min(1.0, done / whole), finding.describe_search(len(todo), done, whole))
            return
        st.button(
            "Search for them",
            type="primary",
            icon=":material/search:",
            on_click=action(search),
            args=(config, name, visitor_name),
        )
        st.caption(finding.describe_needed(config, name, len(todo)))


def show_found(config: RunConfig, name: str, found: Searched, marks: np.ndarray) -> None:
    is_wrong = found.corrupted.is_wrong
    score = score_ranking(found.ranking.order, is_wrong)
    if score is None:
        st.info("No label is wrong here.")
        return
    st.markdown(f"**{finding.describe_found(score, found.ranking, is_wrong, marks)}**")
    left, right = st.columns([3, 2], gap="large")
    with left:
        own = (float(is_wrong[marks].mean()), float(is_wrong[marks].sum() / is_wrong.sum()))
        draw_live(
            "precision",
            (name,),
            lambda: charts.precision_against_recall(),
            charts.precision_rows(score, float(is_wrong.mean()), own),
            alt="Precision against recall of the ranking, with your own marks",
        )
        st.caption(finding.explain_precision(score, name))
    with right:
        if found.transition is not None:
            st.markdown("**Estimated: what each class was labelled**")
            draw_live(
                "estimated",
                ("matrix",),
                lambda: transitions.matrix_heatmap(np.eye(len(CLASSES))),
                transitions.matrix_rows(found.transition),
                alt="Estimated share of each true class, in rows, with each label, in columns",
            )
            st.caption(finding.describe_transition(found.transition, transition_matrix(config)))
        else:
            show_gallery(found, "found")
    tabs = st.tabs(["Found: wrong, and ranked first", "Falsely accused: right, and ranked first"])
    for tab, which in zip(tabs, ("found", "accused"), strict=True):
        with tab:
            show_gallery(found, which)


def show_gallery(found: Searched, which: str) -> None:
    data = resources.data("embedded")
    is_wrong = found.corrupted.is_wrong[found.ranking.order]
    shown = found.ranking.order[is_wrong if which == "found" else ~is_wrong][:SHOWN]
    name = f"{which}-{len(shown)}"
    tiles = [
        gallery.label_tile(CLASSES[found.corrupted.labels[index]], CLASSES[data.train_labels[index]])
        for index in shown
    ]
    st.html(gallery.style(name, data.train_images[shown]))
    st.html(gallery.tiles(name, tiles))


def shares(config: RunConfig) -> list[float]:
    """How many can be mended: every 5%, and as many as are wrong, half of these, and a quarter more."""
    wrong = wrong_share(config)
    exact = [round(share, 6) for share in (wrong / 2, wrong, 1.25 * wrong)]
    return sorted({*(step / 20 for step in range(1, 13)), *(share for share in exact if share <= 0.9)})


def show_mending(config: RunConfig, name: str, found: Searched, visitor_name: str) -> None:
    """Drop or rename the first k, train again, and hold the test error against before."""
    st.header("Mend the first of them, and train again", anchor=False)
    is_wrong, options = found.corrupted.is_wrong, shares(config)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        share = st.select_slider(
            "How many of the images, the most suspicious first",
            options,
            round(wrong_share(config), 6),
            format_func=lambda value: f"{value:.0%}",
            key="mended",
        )
        repair = st.segmented_control(
            "What is done with them", REPAIRS[1:], format_func=ACTIONS.__getitem__, default=REPAIRS[1],
            required=True, key="repair_action",
        )  # fmt: skip
    mended = replace(config, repair=repair or REPAIRS[1], repaired=share, ranking=name)
    labels = found.corrupted.labels
    st.markdown(
        finding.describe_cost(
            mended, found.ranking, is_wrong, labels, resources.data("embedded").train_labels
        )
    )
    truth = replace(config, level=0.0)
    runs = {"Before": config, "After": mended, "With true labels": truth}
    ticks = any_active(runs)
    st.fragment(show_results, run_every=1.0 if ticks else None)(runs, visitor_name, ticks)


def any_active(runs: dict[str, RunConfig]) -> bool:
    known = [resources.store().run(run.run_id) for run in runs.values()]
    return any(run is not None and run.is_active for run in known)


def show_results(runs: dict[str, RunConfig], visitor_name: str, ticks: bool) -> None:
    """Test error before, after and with true labels, and what is still to be trained.

    ticks: whether it is drawn every second, as long as one of them is in training.
    """
    with plain_errors():
        if any_active(runs) != ticks:
            st.rerun()
        ends = {title: resources.final(run) for title, run in runs.items()}
        active = [
            title for title, run in runs.items() if ends[title] is None and any_active({title: run})
        ]
        with st.container(horizontal=True):
            for title, end in ends.items():
                change = None
                before = ends["Before"]
                if end is not None and before is not None and title != "Before":
                    change = f"{100 * (end.test_error - before.test_error):+.1f} points"
                st.metric(
                    f"{title}: test error",
                    "–" if end is None else f"{end.test_error:.1%}",
                    change,
                    delta_color="inverse",
                )
        for title in active:
            run = resources.store().run(runs[title].run_id)
            if run:
                done = run.epochs_done / run.config.epochs
                st.progress(min(1.0, done), f"{title}: epoch {run.epochs_done} of {run.config.epochs}")
        failed = [
            run.message
            for config in runs.values()
            if (run := resources.store().run(config.run_id)) and run.message
        ]
        for message in failed:
            st.error(message)
        lacking = [title for title, end in ends.items() if end is None and title not in active]
        if lacking:

            def begin() -> None:
                for title in lacking:
                    train(runs[title], visitor_name)

            st.button(
                "Train again",
                type="primary",
                icon=":material/play_arrow:",
                on_click=action(begin),
            )
        st.markdown(finding.describe_mended(ends))


with page("Find the wrong labels", "") as head:
    visitor_name = visitor()
    in_room = room(head)
    config = base_run()
    corrupted = given_labels(config, resources.data("embedded").train_labels)
    marks = show_forty(config, corrupted)
    if marks is not None:
        st.header("The machine's turn", anchor=False)
        name = (
            st.segmented_control(
                "How labels are ranked",
                list(RANKING_NAMES),
                format_func=RANKING_NAMES.__getitem__,
                default="confident",
                required=True,
                wrap=True,
                key="rank",
                bind="query-params",
                label_visibility="collapsed",
            )
            or "confident"
        )
        st.caption(finding.EXPLAINED[name])
        stamp = tuple(int(resources.final(source) is not None) for source in sources(config, name))
        found = searched(config, name, stamp) if all(stamp) else None
        if found is None:
            st.fragment(show_search, run_every=1.0)(config, name, visitor_name)
        else:
            show_found(config, name, found, marks)
            show_mending(config, name, found, visitor_name)
