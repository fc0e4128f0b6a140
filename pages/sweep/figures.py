"""The figures of the sweep, each with its sentence, its caption and its downloads."""

from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from core.choices import NETWORKS
from core.live.runs.store import LiveRun, Status
from core.sweep import figures, protocol, reference, results, statistics
from core.view.run import charts as run_charts
from core.view.sweep import charts
from core.view.sweep.captions import (
    OTHER_LINE,
    describe_best,
    describe_message,
    describe_networks,
    describe_networks_marks,
    describe_others,
    describe_sources,
    describe_sweep,
    describe_worth,
)
from core.view.sweep.fitting import (
    describe_fit_rule,
    describe_fit_sources,
    describe_fits,
    describe_fitted,
    describe_time,
)
from core.view.sweep.regularizers import (
    REGULARIZERS_EXPLAINED,
    describe_failed_alexnet,
    describe_regularized,
    name_regularizers,
)
from core.view.sweep.replication import DECAY_EXPLAINED, describe_decay, describe_gap
from pages.shared.components.linked_text import linked_text, with_links
from pages.shared.controls.choosing import choice
from pages.shared.figures.downloads import downloads
from pages.shared.figures.drawing import draw
from pages.shared.server import resources
from pages.shared.server.cache import cached
from pages.sweep import stored_run

SELECTABLE: dict[str, Any] = {"on_select": stored_run.choose_clicked, "selection_mode": "chosen"}
ALL = "all"  # the choice of all networks together
LINKED_LEVELS = {"true labels": "0", "labels are random": "1"}  # links in the figure's sentence
RULES = {"error": "By training error", "loss": "By training loss"}
TEST_LABELS = {"true": "True test labels", "corrupted": "Corrupted, too"}
ACCURACIES = {
    "train": "Training accuracy",
    "paper_train": "The paper's training accuracy",
    "test": "Test accuracy",
    "paper_test": "The paper's test accuracy",
}
IN_THE_TABLE = {  # column heads of the accuracies; short, and ours first, for phones
    "train": "Training",
    "test": "Test",
    "paper_train": "The paper's training",
    "paper_test": "The paper's test",
}


def paper_of(data: str) -> dict[str, Any] | None:
    """Return the paper's numbers, or None if the images are not all 50,000."""
    return reference.paper() if data == "full" else None


def choose_test_labels() -> bool:
    """Show the choice of test labels; return whether test errors are against corrupted ones."""
    return choice("Test labels", TEST_LABELS, "labels") == "corrupted"


def networks(runs: pd.DataFrame, data: str) -> tuple[dict[str, str], list[str]]:
    """Return the names of the networks with runs on these images by key, and the keys of the others.

    If there are several, the choice ALL is added.
    """
    known = set(protocol.label_runs(runs, data).model)
    computed = {model: NETWORKS[model].short for model in NETWORKS if model in known}
    others = [model for model in NETWORKS if model not in known]
    if not computed:  # the figure says what is missing
        return {model: network.short for model, network in NETWORKS.items()}, []
    return ({**computed, ALL: "All together"} if len(computed) > 1 else computed), others


def show_errors(runs: pd.DataFrame, model: str, data: str, live_runs: list[LiveRun]) -> None:
    """Show figure 1c; runs: the whole sweep; model: one network or ALL."""
    labelled = protocol.label_runs(runs, data)
    models = [name for name in NETWORKS if name in set(labelled.model)] if model == ALL else [model]
    ours, paper = labelled[labelled.model.isin(models)], paper_of(data)
    is_one = model != ALL and len(ours) > 0
    sentence = st.container()
    left, right = st.columns([3, 2], gap="large") if is_one else (st.container(), None)
    with left:
        figure = st.container(key="figure-area")
        with st.container(horizontal=True):
            are_corrupted = poster = earlier = False
            if model != ALL:
                are_corrupted = choose_test_labels()
                poster = st.toggle("Show the poster", key="poster", bind="query-params")
                earlier = st.toggle("Show earlier attempts", key="earlier", bind="query-params")
            place = st.container(width="content")
    title = describe_networks(ours) if model == ALL else describe_sweep(ours, model, are_corrupted)
    with sentence:
        if is_one:
            known = {
                words: level
                for words, level in LINKED_LEVELS.items()
                if float(level) in set(ours.level)
            }
            linked_text(with_links(title, known), stored_run.choose_level, "told", is_bold=True)
        else:
            st.markdown(f"**{title}**")
    others = _points_of_others(model, poster, earlier) if model != ALL else None
    best = figures.best_means(ours, resources.sweep_epochs(tuple(ours.run_id))) if is_one else None
    live = _live_points(models, live_runs)

    def chart(selectable: bool = False, height: int | str = 420) -> alt.LayerChart:
        if model == ALL:
            return charts.networks_against_level(
                ours, paper, {name: NETWORKS[name].short for name in models}, height
            )
        return charts.error_against_level(
            ours, paper, model, live, others, height, selectable, are_corrupted, best
        )

    sources = describe_sources(ours, models[0], data, len(live), are_corrupted) if model != ALL else ""
    if model == ALL:
        sources = describe_networks_marks(ours)
    elif paper and len(ours):
        sources += OTHER_LINE[are_corrupted]
    with figure:
        draw(
            "sweep",
            (model, data, poster, earlier, are_corrupted, tuple(live.run)),
            lambda: chart(selectable=True, height="container"),
            height="stretch",
            **({} if model == ALL else SELECTABLE),
            alt="Test and training error against corruption level, ours and the paper's",
        )
    with place:
        downloads("errors", chart, title, sources, ours, after="figure 1c")
    if right is not None:
        with right:
            stored_run.show_beside(ours)
    st.caption(f"{sources} {describe_others(poster, earlier, reference.earlier_attempts())}")


def explain_errors(runs: pd.DataFrame, model: str, data: str) -> None:
    """Explain figure 1c: its message, how it differs from the paper's, what more images are worth."""
    labelled = protocol.label_runs(runs, data)
    ours = labelled[labelled.model == model]
    st.markdown(describe_message(ours, model))
    best = figures.best_means(ours, resources.sweep_epochs(tuple(ours.run_id)))
    st.markdown(describe_best(ours, best, model))
    if data == "full" and len(ours):
        gap = describe_gap(figures.next_to_paper(ours, reference.paper(), model))
        st.markdown(f"{gap} The figure “{FIGURES['labels']}” shows how we know." if gap else "")
        few = protocol.label_runs(runs, "embedded")
        st.markdown(describe_worth(ours, few, model))


def show_times(runs: pd.DataFrame, model: str, data: str) -> None:
    """Show figure 1b: the time to fit."""
    ours, paper = _label_runs(runs, model, data), paper_of(data)
    left, right = st.columns([7, 3], gap="large")
    with right:
        enough = {rule: name for rule, name in RULES.items() if _has_times(ours, rule)}
        rule = choice("When a training set counts as fitted", enough, "rule")
    times = _fit_times(ours, rule)
    title = describe_time(times, model, rule)
    sources = describe_sources(ours, model, data, 0, figure="time")

    def chart() -> alt.LayerChart:
        return charts.time_against_level(times, paper, model)

    with left:
        st.markdown(f"**{title}**")
        draw(
            "times",
            (model, data, rule),
            chart,
            alt="Epochs until fitted against corruption level, true labels = 1",
        )
        st.caption(sources)
    with right:
        epochs = reference.paper_fit_times(paper, model) if paper else None
        st.markdown(describe_fit_rule(times, ours, model, rule, epochs))
        downloads("times", chart, title, sources, times, after="figure 1b")


def show_test_labels(runs: pd.DataFrame, model: str, data: str) -> None:
    """Show how accuracy above chance falls, which shows what test labels the paper used."""
    ours, paper = _label_runs(runs, model, data), paper_of(data)
    left, right = st.columns([7, 3], gap="large")
    with right:
        are_corrupted = choose_test_labels()

    def chart() -> alt.LayerChart:
        return charts.accuracy_above_chance(ours, paper, model, are_corrupted)

    means = pd.DataFrame(ours.groupby("level", as_index=False).final_test_error.mean())
    errors = means.final_test_error
    if are_corrupted:
        errors = statistics.against_corrupted_labels(errors, means.level)
    curve = reference.sound_paper_curve(paper, model) if paper else None
    theirs = None
    if curve is not None and len(curve):
        theirs = statistics.decay_above_chance(curve.level, curve.test_error)
    title = describe_decay(statistics.decay_above_chance(means.level, errors), theirs, are_corrupted)
    with left:
        st.markdown(f"**{title}**")
        draw(
            "decay",
            (model, data, are_corrupted),
            chart,
            alt="Accuracy above chance against the share of labels kept, on logarithmic axes",
        )
        st.caption(DECAY_EXPLAINED)
    with right:
        if paper and len(ours):
            st.markdown(describe_gap(figures.next_to_paper(ours, reference.paper(), model)))
        downloads("test-labels", chart, title, DECAY_EXPLAINED, means)


def show_fits(runs: pd.DataFrame, model: str, data: str) -> None:
    """Show figure 1a: what a network can be made to fit."""
    curves = _loss_curves(runs, model, data)
    left, right = st.columns([7, 3], gap="large")

    def chart() -> alt.LayerChart:
        return run_charts.losses_by_series(curves)

    series = figures.series_runs(runs, model, data)
    errors = {name: rows.final_test_error for name, rows in series.items()}
    repeated = {name: 1 - rows.final_train_error.mean() for name, rows in series.items()}
    fitted = figures.epochs_to_fit(curves)
    title = describe_fitted(fitted, errors, repeated)
    sources = describe_fit_sources(curves, model, data)
    with left:
        st.markdown(f"**{title}**")
        draw(
            "fits",
            (model, data),
            chart,
            alt="Training loss against epoch for true labels, random labels, scrambled pixels, noise",
        )
        st.caption(sources)
    with right:
        st.markdown(describe_fits(fitted, errors, model))
        downloads("what-it-can-fit", chart, title, sources, curves, after="figure 1a")


def show_regularizers(runs: pd.DataFrame, model: str, data: str) -> None:
    """Show tables 1 and 4, after the visitor has answered the question."""
    table = figures.regularized(runs, data, reference.paper(), model)
    st.markdown(
        "**Weight decay keeps the weights small; random crops show the network every image a little "
        "differently each time. Both are called regularizers: they are meant to keep a network from "
        "learning by heart. Do they stop this one from memorizing labels that are all random?**"
    )
    answer = st.segmented_control(
        "Your answer", ["Yes, they stop it", "Hardly"], key="answer", label_visibility="collapsed"
    )
    if answer is None:
        st.caption("Choose an answer, then the numbers appear.")
        return
    st.markdown(f"**{describe_regularized(table)}**")
    with st.container(horizontal=True):
        chosen = {
            "labels": "random" if st.toggle("Random labels", key="with_random") else "true",
            "random_crop": st.toggle("Random crop", key="with_crop"),
            "weight_decay": st.toggle("Weight decay", key="with_decay"),
        }
    same = table[(table[list(chosen)] == pd.Series(chosen)).all(axis=1)]
    row = same.iloc[0] if len(same) else None
    with st.container(horizontal=True):
        for name, label in ACCURACIES.items():
            if data == "full" or not name.startswith("paper"):
                st.metric(label, "–" if row is None or pd.isna(row[name]) else f"{row[name]:.1%}")
    if row is None:
        st.caption("Neither we nor the paper have this combination.")
    shown = pd.DataFrame(
        {"Labels": table["labels"], "Regularizer": table.apply(name_regularizers, axis=1)}
    )
    for name, label in IN_THE_TABLE.items():
        if data == "full" or not name.startswith("paper"):
            # A missing number is an empty cell; all numbers have the same number of digits.
            shown[label] = table[name].map("{:.1%}".format, na_action="ignore").fillna("")
    shown["Seeds"] = table.seeds.astype("Int64")
    right = st.column_config.TextColumn(alignment="right")
    st.dataframe(
        shown,
        hide_index=True,
        width="content",
        column_config=dict.fromkeys(IN_THE_TABLE.values(), right),
    )
    st.caption(REGULARIZERS_EXPLAINED)
    if model == "alexnet":
        st.caption(describe_failed_alexnet(protocol.protocol_runs(runs, data)))


FIGURES = {
    "error": "Error",
    "time": "Time to fit",
    "labels": "Which test labels?",
    "fits": "What it can fit",
    "regularizers": "Regularizers",
}


def offered(runs: pd.DataFrame, model: str, data: str) -> dict[str, str]:
    """Return the figures with enough runs, by key; always "error", which says what is missing."""
    if model == ALL:
        return {"error": FIGURES["error"]}
    return _offered(runs, model, data, results.stamp())


@cached(16)
def _offered(_runs: pd.DataFrame, model: str, data: str, stamp: int) -> dict[str, str]:
    runs = _runs
    ours = _label_runs(runs, model, data)
    enough = {"error": True}
    enough["time"] = any(_has_times(ours, rule) for rule in RULES)
    means = ours.groupby("level", as_index=False).final_test_error.mean()
    law = statistics.decay_above_chance(means.level, means.final_test_error)
    enough["labels"] = law is not None
    enough["fits"] = len(figures.series_runs(runs, model, data)) >= 3
    table = figures.regularized(runs, data, reference.paper(), model)
    with_one = table[table.random_crop.astype(bool) | table.weight_decay.astype(bool)]
    enough["regularizers"] = bool(with_one.train.notna().any())
    return {key: name for key, name in FIGURES.items() if enough[key]}


def _label_runs(runs: pd.DataFrame, model: str, data: str) -> pd.DataFrame:
    ours = protocol.label_runs(runs, data)
    return ours[ours.model == model]


def _fit_times(ours: pd.DataFrame, rule: str) -> pd.DataFrame:
    epochs = resources.sweep_epochs(tuple(ours.run_id))
    return figures.relative_fit_times(figures.fit_epochs(ours, epochs, rule))


def _has_times(ours: pd.DataFrame, rule: str) -> bool:
    """Whether figure 1b has more than two points by this rule."""
    return len(_fit_times(ours, rule)) >= 3


def _loss_curves(runs: pd.DataFrame, model: str, data: str) -> pd.DataFrame:
    series = figures.series_runs(runs, model, data)
    ids = tuple(run_id for rows in series.values() for run_id in rows.run_id)
    paper = paper_of(data) if model == "inception" else None
    return figures.loss_curves(series, resources.sweep_epochs(ids), paper)


def _live_points(models: list[str], live_runs: list[LiveRun]) -> pd.DataFrame:
    """This visitor's finished runs of these networks."""
    runs = [run for run in live_runs if run.status is Status.FINISHED and run.config.model in models]
    last = resources.store().last_records(runs)
    return figures.points([(run.config, record) for run, record in last])


def _points_of_others(model: str, poster: bool, earlier: bool) -> pd.DataFrame | None:
    """The points of the poster and of earlier attempts, as far as they are shown."""
    parts = []
    if poster:
        parts.append(reference.poster_points(reference.poster(), model))
    if earlier:
        parts.append(reference.earlier_points(reference.earlier_attempts(), model))
    return pd.concat(parts) if parts else None
