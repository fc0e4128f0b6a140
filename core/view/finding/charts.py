"""Charts of how well wrong labels are found, and of what a network forgets."""

from collections.abc import Sequence

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.cleaning.ranking import Found
from core.records import EpochRecord
from core.view.style import COLOURS, GREY, share_axis

FORGETTING = {  # what is left of the first half, with the colors of the lines
    "right labels repeated": COLOURS["training error"],
    "wrong labels repeated": COLOURS["wrong label repeated"],
    "new photographs named correctly": COLOURS["test error"],
}
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


def forgetting_rows(runs: Sequence[Sequence[EpochRecord]], switch: int) -> pd.DataFrame:
    """Return the rows of the chart `forgetting`, means over the runs of the two halves.

    runs: the records of each; switch: the last epoch on the first half, which is 0 in the chart.
    """
    right, wrong, new = FORGETTING
    rows = []
    for records in runs:
        for record in records[switch - 1 :]:
            epoch = record.epoch - switch
            rows.append((epoch, new, 1 - record.test_error))
            if record.right_label_error is not None:
                rows.append((epoch, right, 1 - record.right_label_error))
            if record.memorized is not None:
                rows.append((epoch, wrong, record.memorized))
    table = pd.DataFrame(rows, columns=["epoch", "quantity", "share"])
    return table.groupby(["epoch", "quantity"], as_index=False).agg(share=("share", "mean"))


def forgetting(height: int = 300) -> alt.LayerChart:
    """Return the chart of what is left of the first half, without rows; `forgetting_rows` makes them."""
    names = list(FORGETTING)
    base = alt.Chart(pd.DataFrame(columns=["epoch", "quantity", "share"])).encode(
        x=alt.X(
            "epoch:Q",
            title="Epochs on the other half",
            scale=alt.Scale(nice=False),
            axis=alt.Axis(format="d", tickMinStep=1),
        ),
        y=share_axis("Of the first half", "share"),
        color=alt.Color(
            "quantity:N",
            scale=alt.Scale(domain=names, range=list(FORGETTING.values())),
            legend=alt.Legend(
                title=None, orient="top", columns=alt.ExprRef("width < 420 ? 1 : 3"), labelLimit=300
            ),
        ),
        tooltip=["quantity:N", "epoch:Q", alt.Tooltip("share:Q", format=".1%")],
    )
    is_new = f"datum.quantity === '{names[2]}'"
    return alt.LayerChart(
        layer=[
            base.transform_filter(f"!({is_new})").mark_line(strokeWidth=3),
            base.transform_filter(is_new).mark_line(strokeWidth=2, strokeDash=[5, 4]),
            base.mark_point(size=50, filled=True, opacity=1),
        ]
    ).properties(height=height)
