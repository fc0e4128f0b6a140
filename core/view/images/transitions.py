"""Charts of a transition matrix: true classes against given labels."""

import altair as alt
import numpy as np
import pandas as pd

from core.data.cifar10 import CLASSES


def transition_rows(counts: np.ndarray) -> pd.DataFrame:
    """Return the rows of the chart `transition_heatmap`: columns true, given, images."""
    indices = range(len(CLASSES))
    rows = [(CLASSES[i], CLASSES[j], int(counts[i, j])) for i in indices for j in indices]
    return pd.DataFrame(rows, columns=["true", "given", "images"])


def transition_heatmap(counts: np.ndarray) -> alt.LayerChart:
    """Return the chart of label counts by true class; counts: int (K, K), true classes in rows."""
    total = int(counts.sum(axis=1).max())
    return _heatmap(transition_rows(counts), "images", ",", total)


def matrix_rows(matrix: np.ndarray) -> pd.DataFrame:
    """Return the rows of the chart `matrix_heatmap`: columns true, given, share."""
    indices = range(len(CLASSES))
    rows = [(CLASSES[i], CLASSES[j], float(matrix[i, j])) for i in indices for j in indices]
    return pd.DataFrame(rows, columns=["true", "given", "share"])


def matrix_heatmap(matrix: np.ndarray) -> alt.LayerChart:
    """Return the chart of P(given | true); matrix: (K, K), true classes in rows that sum to 1."""
    return _heatmap(matrix_rows(matrix), "share", ".0%", 1)


def _heatmap(rows: pd.DataFrame, name: str, numbers: str, most: float) -> alt.LayerChart:
    """A heatmap; name: the column with the values, from 0 to `most`; numbers: their format."""
    base = alt.Chart(rows).encode(
        x=alt.X(
            "given:N",
            sort=list(CLASSES),
            title="Label given",
            axis=alt.Axis(labelAngle=-45, labelOverlap=False),
        ),
        y=alt.Y("true:N", sort=list(CLASSES), title="True class", axis=alt.Axis(labelOverlap=False)),
        tooltip=[
            alt.Tooltip("true:N", title="true class"),
            alt.Tooltip("given:N", title="label given"),
            alt.Tooltip(f"{name}:Q", format=numbers),
        ],
    )
    scale = alt.Scale(scheme="blues", domain=[0, most], type="sqrt")
    cells = base.mark_rect().encode(color=alt.Color(f"{name}:Q", scale=scale, legend=None))
    texts = base.mark_text(fontSize=11).encode(
        text=alt.Text(f"{name}:Q", format=numbers),
        color=alt.condition(alt.datum[name] > most / 3, alt.value("white"), alt.value("#1c1f24")),
    )
    return (cells + texts).properties(height=400)
