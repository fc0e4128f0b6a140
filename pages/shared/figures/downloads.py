"""Downloads of a print-ready figure and its data, made when a button is pressed."""

from collections.abc import Callable
from functools import partial

import altair as alt
import pandas as pd
import streamlit as st

from core.view import export

MIME = {
    "png": "image/png",
    "svg": "image/svg+xml",
    "pdf": "application/pdf",
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
}


def downloads(
    name: str,
    chart: Callable[[], alt.LayerChart],
    title: str,
    sources: str,
    rows: pd.DataFrame,
    after: str = "",
) -> None:
    """Show the popover with the download buttons of a figure.

    name: of the files; title, sources: the text on the figure; rows: its data.
    after: the paper's figure that it reproduces; empty: none.
    """

    def figure(file_type: str) -> bytes:
        foot = "Label Corruption Lab, after Zhang et al., arXiv 1611.03530"
        foot += f", {after}." if after else "."
        return export.figure(chart(), file_type, title, sources.replace("`", ""), foot)

    makers: dict[str, Callable[[], bytes]] = {
        file_type: partial(figure, file_type) for file_type in export.FIGURE_FORMATS
    }
    makers |= {"csv": lambda: export.csv(rows), "parquet": lambda: export.parquet(rows)}
    with st.popover("Download", icon=":material/download:"):
        st.caption("The figure at poster size, and its data.")
        with st.container(horizontal=True):
            for file_type, make in makers.items():
                st.download_button(
                    "Parquet" if file_type == "parquet" else file_type.upper(),
                    make,
                    f"label-corruption-{name}.{file_type}",
                    MIME[file_type],
                    key=f"{name}-{file_type}",
                    on_click="ignore",
                )
