"""The fidelity table: the paper's numbers, ours, and the difference."""

import pandas as pd
import streamlit as st

from core.sweep import results
from core.sweep.replication import fidelity
from core.view import captions, export
from pages.shared import resources


def show_fidelity(runs: pd.DataFrame, model: str) -> None:
    """Every number of the paper that we have computed; those of `model` first."""
    st.subheader("Number by number", anchor=False)
    table = _fidelity(results.stamp())
    st.markdown(captions.of_fidelity(table, model))
    own = table[table.model == model]
    if len(own):
        st.dataframe(
            own.drop(columns="model"),
            hide_index=True,
            column_config={
                "source": "In the paper",
                "quantity": "Quantity",
                "at": "At",
                "paper": st.column_config.NumberColumn("The paper's", format="%.4f"),
                "ours": st.column_config.NumberColumn("Ours", format="%.4f"),
                "difference": st.column_config.NumberColumn("Difference", format="%+.4f"),
                "seeds": "Seeds",
                "note": st.column_config.TextColumn("Note", width="large"),
            },
        )
    st.download_button(
        "All networks as CSV",
        lambda: export.csv(table),
        "label-corruption-fidelity.csv",
        "text/csv",
        on_click="ignore",
        icon=":material/download:",
    )


@st.cache_data(show_spinner=False, max_entries=1)
def _fidelity(stamp: int) -> pd.DataFrame:
    runs = resources.sweep()
    return fidelity(runs, resources.sweep_epochs(tuple(runs.run_id)), results.paper())
