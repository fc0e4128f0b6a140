"""The sweep: error against corruption level, ours beside the paper's, and the visitor's own."""

import pandas as pd
import streamlit as st

from core import captions, charts, comparison, results
from core.config import MODELS
from pages.shared import resources
from pages.shared.frame import page
from pages.shared.visitor import visitor


def own_points(model: str) -> pd.DataFrame:
    """This visitor's finished runs of that network."""
    store = resources.store()
    runs = [run for run in store.runs_of(visitor()) if run.status == "finished"]
    last = store.last_records([run for run in runs if run.config.model == model])
    return comparison.points([(run.config, record) for run, record in last])


with page("The sweep", "The same network, trained at every corruption level."):
    runs, _ = resources.sweep()
    chosen = st.segmented_control(
        "Network",
        MODELS[:4],
        default="mlp-1x512",
        required=True,
        wrap=True,
        key="network",
        bind="query-params",
        label_visibility="collapsed",
    )
    full = comparison.label_runs(runs)
    own = own_points(chosen)
    st.markdown(f"**{captions.of_sweep(full, [chosen])}**")
    st.altair_chart(
        charts.error_against_level(full, results.paper(), [chosen], own),
        key="sweep",
        alt="Test and training error against corruption level, ours and the paper's",
    )
    st.caption(captions.of_sources(full, chosen, len(own)))
    if len(full) and chosen in set(full.model):
        table = comparison.beside_paper(full, results.paper(), chosen)
        st.markdown(captions.of_gap(table))
        with st.expander("The numbers, in per cent"):
            st.dataframe(table, hide_index=True)
