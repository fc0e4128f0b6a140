"""The chart of how well wrong labels are found."""

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.cleaning.ranking import Found
from core.view.style import COLOURS, GREY

POINTS = 200  # drawn of the curve
COLUMNS = ["recall", "precision", "kind", "looked_at"]


def precision_rows(score: Found, is_wrong: NDArray[np.bool_], marks: NDArray[np.int64]) -> pd.DataFrame:
    """Return the rows of the chart `precision_against_recall`.

    is_wrong: (N,), of all training images; marks: indices of those that the visitor marked.
    """
    floor, hits = float(is_wrong.mean()), int(is_wrong[marks].sum())
    own = (hits / int(is_wrong.sum()), hits / len(marks), "you", len(marks))
    count = len(score.recall)
    places = np.unique(np.linspace(9, count - 1, POINTS).round().astype(int))
    rows = pd.DataFrame(
        {
            "recall": score.recall[places],
            "precision": score.precision[places],
            "kind": "machine",
            "looked_at": places + 1,
        }
    )
    others = [(0.0, floor, "floor", 0), (1.0, floor, "floor", count), own]
    return pd.concat([rows, pd.DataFrame(others, columns=COLUMNS)])


def precision_against_recall(height: int = 380) -> alt.LayerChart:
    """Return the chart of precision against recall, without rows; `precision_rows` makes them."""
    per_cent = alt.Axis(format="~%", values=[0, 0.2, 0.4, 0.6, 0.8, 1])
    scale = alt.Scale(domain=[0, 1])
    base = alt.Chart(pd.DataFrame(columns=COLUMNS)).encode(
        x=alt.X(
            "recall:Q", title="Share of all wrong labels found (recall)", scale=scale, axis=per_cent
        ),
        y=alt.Y("precision:Q", title="Share wrong of these", scale=scale, axis=per_cent),
        tooltip=[
            alt.Tooltip("looked_at:Q", title="looked at", format=","),
            alt.Tooltip("recall:Q", format=".1%"),
            alt.Tooltip("precision:Q", format=".1%"),
        ],
    )
    machine = base.transform_filter("datum.kind === 'machine'")
    floor = base.transform_filter("datum.kind === 'floor'")
    you = base.transform_filter("datum.kind === 'you'")
    own = COLOURS["test error"]
    return alt.LayerChart(
        layer=[
            floor.mark_line(strokeDash=[6, 4], strokeWidth=2).encode(color=alt.value(GREY)),
            machine.mark_line(strokeWidth=3).encode(color=alt.value(COLOURS["training error"])),
            you.mark_point(size=200, strokeWidth=3).encode(color=alt.value(own)),
            you.mark_text(align="left", dx=14, fontSize=13, fontWeight="bold").encode(
                text=alt.value("you"), color=alt.value(own)
            ),
        ]
    ).properties(height=height)
