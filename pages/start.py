"""Start: the question, the headline figure, and what each page does."""

import streamlit as st

from core.sweep import comparison, reference
from core.view.captions.sweep import OTHER_LINE, describe_sources, describe_sweep
from core.view.charts import by_level
from pages.shared import resources
from pages.shared.drawing import draw
from pages.shared.frame import page
from pages.shared.navigation import pages
from pages.shared.room import room
from pages.shared.visitor import visitor

MODEL = "mlp-1x512"

with page(
    "Can a network learn from lies?",
    "Ten kinds of photographs, and a share of their labels drawn again at random. A neural network can "
    "be brought to repeat almost every label, the lies too. What is it then worth on new photographs?",
):
    visitor()
    room()
    runs = resources.sweep()
    full = comparison.label_runs(runs)
    st.markdown(f"**{describe_sweep(full, MODEL)}**")
    draw(
        "headline",
        (),
        lambda: by_level.error_against_level(full, reference.paper(), [MODEL], height=380),
        alt="Test and training error of a small network against corruption level, ours and the paper's",
    )
    st.caption(describe_sources(full, MODEL, "full", live_runs=0) + OTHER_LINE[False])
    shown = [target for target in pages()[1:] if target.help]
    for column, target in zip(st.columns(len(shown)), shown, strict=True):
        with column:
            st.page_link(target, label=f"**{target.title}**")
            st.caption(target.help)
