"""Start: the question, the headline figure, and what each page does."""

import streamlit as st

from core import captions, charts, comparison, results
from pages.shared import resources
from pages.shared.frame import page

MODEL = "mlp-1x512"

with page(
    "Can a network learn from lies?",
    "Ten kinds of photographs, and a share of their labels drawn again at random. A neural network "
    "learns every one of them by heart, the lies too. What is it then worth on new photographs?",
):
    runs, _ = resources.sweep()
    full = comparison.label_runs(runs)
    st.markdown(f"**{captions.of_sweep(full, [MODEL])}**")
    st.altair_chart(
        charts.error_against_level(full, results.paper(), [MODEL], height=380),
        key="headline",
        alt="Test and training error of a small network against corruption level, ours and the paper's",
    )
    st.caption(captions.of_sources(full, MODEL, 0))
    for column, (file, title, icon, about) in zip(
        st.columns(3),
        (
            ("corrupt", "Corrupt the labels", "shuffle", "Set a level and see which images now lie."),
            (
                "train",
                "Train live",
                "show_chart",
                "Watch a network find the pattern, then learn the lies.",
            ),
            (
                "sweep",
                "The sweep",
                "stacked_line_chart",
                "Every level at once, beside the paper's points.",
            ),
        ),
        strict=True,
    ):
        with column:
            st.page_link(f"pages/{file}.py", label=f"**{title}**", icon=f":material/{icon}:")
            st.caption(about)
