"""The sweep: error against corruption level, ours beside the paper's, and the visitor's own."""

import pandas as pd
import streamlit as st

from core.config import MODELS
from core.sweep import comparison, results
from core.view import captions, charts
from pages.shared import resources, stored_run
from pages.shared.downloads import downloads
from pages.shared.drawing import draw
from pages.shared.fidelity_table import show_fidelity
from pages.shared.frame import page
from pages.shared.navigation import the_page
from pages.shared.room import room
from pages.shared.visitor import visitor

IMAGES = {"full": "All 50,000 images", "embedded": "5,000 images"}
FIGURES = {"error": "Error", "time": "Time to fit"}
RULES = {"loss": "By training loss", "error": "By training error"}


def choice(label: str, names: dict[str, str], key: str) -> str:
    first = next(iter(names))
    chosen = st.segmented_control(
        label,
        list(names),
        format_func=names.get,
        default=first,
        required=True,
        wrap=True,
        key=key,
        bind="query-params",
        label_visibility="collapsed",
    )
    return chosen or first  # an empty word in the address chooses nothing


def own_runs() -> list:
    """This visitor's runs that have trained an epoch."""
    return [run for run in resources.store().runs_of(visitor()) if run.epochs_done]


def own_points(model: str) -> pd.DataFrame:
    """This visitor's finished runs of that network."""
    runs = [run for run in own_runs() if run.status == "finished" and run.config.model == model]
    last = resources.store().last_records(runs)
    return comparison.points([(run.config, record) for run, record in last])


def show_errors(ours: pd.DataFrame, model: str, data: str) -> None:
    """Figure 1c."""
    paper = results.paper() if data == "full" else None
    left, right = st.columns([7, 3], gap="large")
    with right, st.container(horizontal=True):
        poster = st.toggle("The poster's", key="poster", bind="query-params")
        earlier = st.toggle("An earlier attempt's", key="earlier", bind="query-params")
    others = pd.concat(
        [comparison.poster_points(results.poster(), model)] * poster
        + [comparison.earlier_points(results.earlier_attempts(), model)] * earlier
        or [pd.DataFrame()]
    )
    own = own_points(model)

    def chart(selectable: bool = False):
        return charts.error_against_level(ours, paper, [model], own, others, selectable=selectable)

    title = captions.of_sweep(ours, model)
    sources = captions.of_sources(ours, model, data, len(own))
    if paper and len(ours):
        sources += " Thin: ours, were the test labels corrupted, too."
    with left:
        st.markdown(f"**{title}**")
        draw(
            "sweep",
            (model, data, poster, earlier, tuple(own.run)),
            lambda: chart(selectable=True),
            on_select=stored_run.choose_clicked,
            selection_mode="chosen",
            alt="Test and training error against corruption level, ours and the paper's",
        )
        st.caption(f"{sources} {captions.of_others(poster, earlier, results.earlier_attempts())}")
    with right:
        st.markdown(captions.of_message(ours, model))
        downloads("errors", chart, title, sources, ours)


def show_times(ours: pd.DataFrame, model: str, data: str) -> None:
    """Figure 1b."""
    paper = results.paper() if data == "full" else None
    left, right = st.columns([7, 3], gap="large")
    with right:
        rule = choice("When a training set counts as fitted", RULES, "rule")
    epochs = resources.sweep_epochs(tuple(ours.run_id))
    fitted = comparison.fit_epochs(ours, epochs, rule)
    times = comparison.relative_fit_times(fitted)
    title = captions.of_time(times, model)
    sources = captions.of_sources(ours, model, data, 0)

    def chart():
        return charts.time_against_level(times, paper, [model])

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
        st.markdown(captions.of_fit_rule(times, ours, model, rule))
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
        model = choice("Network", {model: model for model in MODELS[:4]}, "network")
        figure = choice("Figure", FIGURES, "figure")
        data = choice("Images", IMAGES, "images")
    runs = resources.sweep()
    ours = comparison.label_runs(runs, data)
    ours = ours[ours.model == model] if len(ours) else runs
    if figure == "error":
        show_errors(ours, model, data)
        if data == "full" and len(ours):
            st.markdown(captions.of_gap(comparison.beside_paper(ours, results.paper(), model)))
    else:
        show_times(ours, model, data)
    if len(ours):
        stored_run.show(ours, own_runs())
    if data == "full":
        show_fidelity(runs, model)
