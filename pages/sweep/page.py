"""The page of the sweep: error against corruption level, ours, the paper's and the visitor's."""

import streamlit as st

from core.live.runs.store import LiveRun
from core.sweep import protocol
from core.view.sweep.captions import describe_lacking
from pages.shared.classroom.room import room
from pages.shared.controls.choosing import choice
from pages.shared.frame.frame import page
from pages.shared.frame.navigation import the_page
from pages.shared.frame.visitor import visitor
from pages.shared.server import resources
from pages.sweep import stored_run
from pages.sweep.figures import (
    ALL,
    FIGURES,
    explain_errors,
    networks,
    offered,
    show_errors,
    show_fits,
    show_regularizers,
    show_test_labels,
    show_times,
)
from pages.sweep.replication_table import show_replication

IMAGES = {"full": "All 50,000 images", "embedded": "5,000 images"}

# The figure takes 60% of the window's height, within limits.
STYLE = """<style>
.st-key-figure-area .st-key-sweep, .st-key-figure-area .st-key-sweep div:has([data-testid=stVegaLiteChart]),
.st-key-figure-area [data-testid=stVegaLiteChart] { height: clamp(17rem, 60vh, 60rem) !important }
.st-key-controls { row-gap: .5rem }
</style>"""


def visitors_runs() -> list[LiveRun]:
    """Return this visitor's runs that have trained at least one epoch."""
    return [run for run in resources.store().runs_of(visitor()) if run.epochs_done]


with page("sweep") as head:
    st.html(STYLE)
    if room(head).waits_for_guess:
        st.info("What do you expect? Draw your own guess first, then the sweep opens.")
        st.page_link(the_page("guess"), label="Guess first")
        st.stop()
    runs = resources.sweep()
    with st.container(horizontal=True, gap="medium", key="controls"):
        data = choice("Images", IMAGES, "images")
        computed, others = networks(runs, data)
        model = choice("Network", computed, "network")
    figures = offered(runs, model, data)
    # With one figure there is no choice, whatever the address says.
    figure = choice("Figure", figures, "figure") if len(figures) > 1 else "error"
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
    if model != ALL:
        with st.expander(
            "For experts", key="experts", on_change="rerun", bind="query-params"
        ) as experts:
            if experts.open:
                ours = protocol.label_runs(runs, data)
                ours = ours[ours.model == model]
                if figure == "error":
                    explain_errors(runs, model, data)
                if len(ours):
                    stored_run.show_details(ours, visitors_runs())
                if data == "full":
                    show_replication(runs, model)
    without = [] if model == ALL else [FIGURES[key] for key in FIGURES if key not in figures]
    st.caption(describe_lacking(others, without))
