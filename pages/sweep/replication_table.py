"""The table of the paper's numbers, ours, and their differences."""

import pandas as pd
import streamlit as st

from core.sweep import reference, results
from core.sweep.replication import replication
from core.view import export
from core.view.sweep.replication import describe_replication
from pages.shared.server import resources
from pages.shared.server.cache import cached


def show_replication(runs: pd.DataFrame, model: str) -> None:
    """Show the paper's numbers for `model` next to ours, and offer the table of all networks."""
    st.header("Number by number", anchor=False)
    table = _replication(results.stamp())
    st.markdown(describe_replication(table, model))
    shown = table[table.model == model]
    if len(shown):
        st.dataframe(
            shown.drop(columns="model"),
            hide_index=True,
            column_config={
                "source": "In the paper",
                "quantity": "Quantity",
                "at": "At",
                "paper": st.column_config.NumberColumn("The paper's", format="%.4f"),
                "ours": st.column_config.NumberColumn("Ours", format="%.4f"),
                "difference": st.column_config.NumberColumn("Difference", format="%+.4f"),
                "seeds": "Seeds",
                "remark": st.column_config.TextColumn("Remark", width="large"),
            },
        )
    st.download_button(
        "All networks as CSV",
        lambda: export.csv(table),
        "label-corruption-replication.csv",
        "text/csv",
        on_click="ignore",
        icon=":material/download:",
    )


@cached(1)
def _replication(stamp: int) -> pd.DataFrame:
    runs = resources.sweep()
    return replication(runs, resources.sweep_epochs(tuple(runs.run_id)), reference.paper())
