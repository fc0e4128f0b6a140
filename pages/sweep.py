"""The sweep: error against corruption level, ours beside the paper's, and the visitor's own."""

import streamlit as st

from core.config import MODELS
from core.live.store import LiveRun
from core.sweep import comparison
from pages.shared import resources, stored_run
from pages.shared.frame import page
from pages.shared.navigation import the_page
from pages.shared.replication_table import show_replication
from pages.shared.room import room
from pages.shared.sweep_figures import (
    FIGURES,
    choice,
    offered,
    show_errors,
    show_fits,
    show_regularizers,
    show_test_labels,
    show_times,
)
from pages.shared.visitor import visitor

IMAGES = {"full": "All 50,000 images", "embedded": "5,000 images"}


def visitors_runs() -> list[LiveRun]:
    """This visitor's runs that have trained an epoch."""
    return [run for run in resources.store().runs_of(visitor()) if run.epochs_done]


with page("The sweep", "The same network, trained at every corruption level.") as head:
    if room(head).waits_for_guess:
        st.info("What do you expect? Draw your own guess first; then the sweep opens.")
        st.page_link(the_page("guess"), label="Guess first")
        st.stop()
    with st.container(horizontal=True, gap="medium"):
        model = choice("Network", {model: model for model in MODELS}, "network")
        data = choice("Images", IMAGES, "images")
    runs = resources.sweep()
    figures = offered(runs, model, data)
    # With one figure there is no choice, whatever the address says.
    figure = choice("Figure", figures, "figure") if len(figures) > 1 else "error"
    lacking = [name for key, name in FIGURES.items() if key not in figures]
    if lacking:
        st.caption(f"Not computed yet for this network and these images: {', '.join(lacking)}.")
    if figure == "error":
        show_errors(runs, model, data, visitors_runs())
    elif figure == "time":
        show_times(runs, model, data)
    elif figure == "labels":
        show_test_labels(runs, model, data)
    elif figure == "fits":
        show_fits(runs, model, data)
    else:
        show_regularizers(runs, model, data)
    ours = comparison.label_runs(runs, data)
    ours = ours[ours.model == model]
    if len(ours):
        stored_run.show(ours, visitors_runs())
    if data == "full":
        show_replication(runs, model)
