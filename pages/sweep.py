"""The sweep: error against corruption level, ours beside the paper's, and the visitor's own."""

import altair as alt
import pandas as pd
import streamlit as st

from core.config import MODELS
from core.live.store import LiveRun, Status
from core.sweep import comparison, reference
from core.view.captions.sweep import (
    CONVERTED_LINE,
    describe_fit_rule,
    describe_gap,
    describe_message,
    describe_others,
    describe_sources,
    describe_sweep,
    describe_time,
)
from core.view.charts import by_level
from pages.shared import resources, stored_run
from pages.shared.downloads import downloads
from pages.shared.drawing import draw
from pages.shared.frame import page
from pages.shared.navigation import the_page
from pages.shared.replication_table import show_replication
from pages.shared.room import room
from pages.shared.visitor import visitor

IMAGES = {"full": "All 50,000 images", "embedded": "5,000 images"}
FIGURES = {"error": "Error", "time": "Time to fit"}
FIGURE_1C = [model for model in MODELS if model != "inception-no-bn"]  # networks of our sweep
RULES = {"loss": "By training loss", "error": "By training error"}


def choice(label: str, names: dict[str, str], key: str) -> str:
    first = next(iter(names))
    chosen = st.segmented_control(
        label,
        list(names),
        format_func=names.__getitem__,
        default=first,
        required=True,
        wrap=True,
        key=key,
        bind="query-params",
        label_visibility="collapsed",
    )
    return chosen or first  # an empty word in the address chooses nothing


def visitors_runs() -> list[LiveRun]:
    """This visitor's runs that have trained an epoch."""
    return [run for run in resources.store().runs_of(visitor()) if run.epochs_done]


def live_points(model: str) -> pd.DataFrame:
    """This visitor's finished runs of that network."""
    runs = [run for run in visitors_runs() if run.status is Status.FINISHED]
    runs = [run for run in runs if run.config.model == model]
    last = resources.store().last_records(runs)
    return comparison.points([(run.config, record) for run, record in last])


def points_of_others(model: str, poster: bool, earlier: bool) -> pd.DataFrame | None:
    """What the poster and earlier attempts report, as far as it is to be shown."""
    parts = []
    if poster:
        parts.append(reference.poster_points(reference.poster(), model))
    if earlier:
        parts.append(reference.earlier_points(reference.earlier_attempts(), model))
    return pd.concat(parts) if parts else None


def show_errors(ours: pd.DataFrame, model: str, data: str) -> None:
    """Figure 1c."""
    paper = reference.paper() if data == "full" else None
    left, right = st.columns([7, 3], gap="large")
    with right, st.container(horizontal=True):
        poster = st.toggle("Show the poster", key="poster", bind="query-params")
        earlier = st.toggle("Show earlier attempts", key="earlier", bind="query-params")
    others = points_of_others(model, poster, earlier)
    live = live_points(model)

    def chart(selectable: bool = False) -> alt.LayerChart:
        return by_level.error_against_level(ours, paper, [model], live, others, selectable=selectable)

    title = describe_sweep(ours, model)
    sources = describe_sources(ours, model, data, len(live))
    if paper and len(ours):
        sources += CONVERTED_LINE
    with left:
        st.markdown(f"**{title}**")
        draw(
            "sweep",
            (model, data, poster, earlier, tuple(live.run)),
            lambda: chart(selectable=True),
            on_select=stored_run.choose_clicked,
            selection_mode="chosen",
            alt="Test and training error against corruption level, ours and the paper's",
        )
        st.caption(f"{sources} {describe_others(poster, earlier, reference.earlier_attempts())}")
    with right:
        st.markdown(describe_message(ours, model))
        downloads("errors", chart, title, sources, ours)


def show_times(ours: pd.DataFrame, model: str, data: str) -> None:
    """Figure 1b."""
    paper = reference.paper() if data == "full" else None
    left, right = st.columns([7, 3], gap="large")
    with right:
        rule = choice("When a training set counts as fitted", RULES, "rule")
    epochs = resources.sweep_epochs(tuple(ours.run_id))
    fitted = comparison.fit_epochs(ours, epochs, rule)
    times = comparison.relative_fit_times(fitted)
    title = describe_time(times, model)
    sources = describe_sources(ours, model, data, 0)

    def chart() -> alt.LayerChart:
        return by_level.time_against_level(times, paper, [model])

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
        st.markdown(describe_fit_rule(times, ours, model, rule))
        st.markdown(
            "The paper does not print its rule. By training loss, its own curves of Inception give "
            "its figure's ratio of 3.6."
        )
        downloads("times", chart, title, sources, times)


with page("The sweep", "The same network, trained at every corruption level."):
    if room().waits_for_guess:
        st.info("What do you expect? Draw your own guess first; then the sweep opens.")
        st.page_link(the_page("guess"), label="Guess first")
        st.stop()
    with st.container(horizontal=True, gap="medium"):
        model = choice("Network", {model: model for model in FIGURE_1C}, "network")
        figure = choice("Figure", FIGURES, "figure")
        data = choice("Images", IMAGES, "images")
    runs = resources.sweep()
    ours = comparison.label_runs(runs, data)
    ours = ours[ours.model == model]
    if figure == "error":
        show_errors(ours, model, data)
        if data == "full" and len(ours):
            st.markdown(describe_gap(comparison.beside_paper(ours, reference.paper(), model)))
    else:
        show_times(ours, model, data)
    if len(ours):
        stored_run.show(ours, visitors_runs())
    if data == "full":
        show_replication(runs, model)
