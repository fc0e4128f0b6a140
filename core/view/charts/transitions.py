"""Where the labels went: true classes against labels given."""

import altair as alt
import numpy as np
import pandas as pd

from core.data.cifar10 import CLASSES


def transition_rows(counts: np.ndarray) -> pd.DataFrame:
    """The data of transition_heatmap: columns true, given, images."""
    indices = range(len(CLASSES))
    rows = [(CLASSES[i], CLASSES[j], int(counts[i, j])) for i in indices for j in indices]
    return pd.DataFrame(rows, columns=["true", "given", "images"])


def transition_heatmap(counts: np.ndarray) -> alt.LayerChart:
    """How many images of each true class carry each label; counts: int (K, K), true class in rows."""
    total = int(counts.sum(axis=1).max())
    base = alt.Chart(transition_rows(counts)).encode(
        x=alt.X("given:N", sort=list(CLASSES), title="Label given", axis=alt.Axis(labelAngle=-45)),
        y=alt.Y("true:N", sort=list(CLASSES), title="True class"),
        tooltip=[
            alt.Tooltip("true:N", title="true class"),
            alt.Tooltip("given:N", title="label given"),
            "images:Q",
        ],
    )
    cells = base.mark_rect().encode(
        color=alt.Color(
            "images:Q",
            scale=alt.Scale(scheme="blues", domain=[0, total], type="sqrt"),
            legend=None,
        )
    )
    numbers = base.mark_text(fontSize=11).encode(
        text=alt.Text("images:Q", format=","),
        color=alt.condition(alt.datum.images > total / 3, alt.value("white"), alt.value("#1c1f24")),
    )
    return (cells + numbers).properties(height=400)
