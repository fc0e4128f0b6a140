"""Start: the question, the headline figure, and what each page does."""

import streamlit as st

from core.sweep import comparison, results
from core.view import captions, charts
from pages.shared import resources
from pages.shared.drawing import draw
from pages.shared.frame import page
from pages.shared.navigation import pages

MODEL = "mlp-1x512"

with page(
    "Can a network learn from lies?",
    "Ten kinds of photographs, and a share of their labels drawn again at random. A neural network "
    "learns every one of them by heart, the lies too. What is it then worth on new photographs?",
):
    runs = resources.sweep()
    full = comparison.label_runs(runs)
    st.markdown(f"**{captions.of_sweep(full, MODEL)}**")
    draw(
        "headline",
        (),
        lambda: charts.error_against_level(full, results.paper(), [MODEL], height=380),
        alt="Test and training error of a small network against corruption level, ours and the paper's",
    )
    st.caption(
        captions.of_sources(full, MODEL, "full", 0)
        + " Thin: ours, were the test labels corrupted, too."
    )
    shown = [target for target in pages()[1:] if target.help]
    for column, target in zip(st.columns(len(shown)), shown, strict=True):
        with column:
            st.page_link(target, label=f"**{target.title}**")
            st.caption(target.help)
