"""A figure to take away: print-ready, and the data behind it. Made when it is asked for."""

from collections.abc import Callable

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
    name: str, chart: Callable[[], alt.LayerChart], title: str, sources: str, rows: pd.DataFrame
) -> None:
    """name: of the files; title, sources: said on the figure; rows: the data behind it."""

    def figure(kind: str) -> bytes:
        foot = "Label Corruption Lab. Figure after Zhang et al., arXiv 1611.03530, figure 1."
        return export.figure(chart(), kind, title, sources.replace("`", ""), foot)

    makers = {kind: lambda kind=kind: figure(kind) for kind in export.FIGURE_FORMATS}
    makers |= {"csv": lambda: export.csv(rows), "parquet": lambda: export.parquet(rows)}
    with st.popover("Take it with you", icon=":material/download:"):
        st.caption("The figure at poster size, and the data behind it.")
        with st.container(horizontal=True):
            for kind, make in makers.items():
                st.download_button(
                    kind.upper() if kind != "parquet" else "Parquet",
                    make,
                    f"label-corruption-{name}.{kind}",
                    MIME[kind],
                    key=f"{name}-{kind}",
                    on_click="ignore",
                )
