"""Charts of single images: what the network predicted, when it learned them, and their losses."""

from collections.abc import Sequence

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.cleaning.scores import NOT_LEARNED, ImageScores
from core.data.cifar10 import CLASSES
from core.records import LOSS_EDGES, EpochRecord
from core.view.style import COLOURS, WRONG_LABEL

SAID = {  # kinds of predictions for an image, with their colors
    "its label, which is right": COLOURS["training error"],
    "its label, which is wrong": WRONG_LABEL,
    "its true name": COLOURS["predicted as the true class"],
    "another name": "#8E949C",
}
LABELLED = {"right labels": COLOURS["training error"], "wrong labels": WRONG_LABEL}


def said_rows(
    records: Sequence[EpochRecord], places: Sequence[int], given: Sequence[int], true: Sequence[int]
) -> pd.DataFrame:
    """Return the rows of the chart `image_scores_of`, one for each photograph and epoch.

    places: indices of the photographs among the followed images; given, true: their labels.
    """
    right, wrong, real, other = SAID
    rows = []
    for number, (place, label, name) in enumerate(zip(places, given, true, strict=True), 1):
        about = f"{number}: {CLASSES[name]}"
        if label != name:
            about += f" given as {CLASSES[label]}"
        for record in records:
            if not record.predictions:
                continue
            said = record.predictions[place]
            kind = other
            if said == label:
                kind = right if label == name else wrong
            elif said == name:
                kind = real
            rows.append((about, number, record.epoch, CLASSES[said], kind))
    return pd.DataFrame(rows, columns=["photograph", "number", "epoch", "said", "kind"])


def image_scores_of(rows: pd.DataFrame) -> alt.Chart:
    """Return the chart with a strip for each photograph: what the network predicted in every epoch."""
    order = rows.drop_duplicates("photograph").sort_values("number").photograph.tolist()
    return (
        alt.Chart(rows)
        .mark_rect()
        .encode(
            x=alt.X("epoch:O", title="Epoch", axis=alt.Axis(labelOverlap=True, labelAngle=0)),
            y=alt.Y(
                "photograph:N",
                sort=order,
                title=None,
                axis=alt.Axis(labelLimit=260, labelOverlap=False),
            ),
            color=alt.Color(
                "kind:N",
                scale=alt.Scale(domain=list(SAID), range=list(SAID.values())),
                legend=alt.Legend(
                    title="The network says", orient="top", columns=alt.ExprRef("width < 420 ? 1 : 4")
                ),
            ),
            tooltip=["photograph:N", "epoch:Q", alt.Tooltip("said:N", title="the network says")],
        )
        .properties(height=alt.Step(20))
    )


def learned_rows(scores: ImageScores, is_wrong: NDArray[np.bool_]) -> pd.DataFrame:
    """Return the rows of the chart `learned`: the share of images learned for good in each epoch.

    Right and wrong labels have separate rows. is_wrong: (N,), of all training images.
    """
    rows = []
    right, wrong = LABELLED
    for name, chosen in ((right, ~is_wrong), (wrong, is_wrong)):
        epochs = scores.learned[chosen & (scores.learned >= NOT_LEARNED)]
        counts = np.bincount(epochs, minlength=scores.epochs + 1)
        share = counts / max(1, counts.sum())
        rows += [(name, epoch, float(share[epoch])) for epoch in range(1, scores.epochs + 1)]
    return pd.DataFrame(rows, columns=["labels", "epoch", "share"])


def learned(height: int = 240) -> alt.LayerChart:
    """Return the chart of when images were learned for good; `learned_rows` makes its rows."""
    base = alt.Chart(pd.DataFrame(columns=["labels", "epoch", "share"])).encode(
        x=alt.X(
            "from:Q",
            title="Learned for good in epoch",
            scale=alt.Scale(nice=False),
            axis=alt.Axis(format="d", tickMinStep=1, grid=False),
        ),
        x2="to:Q",
        y=alt.Y("share:Q", title="Share of the images", axis=alt.Axis(format="~%")),
        y2=alt.datum(0),
        color=_labelled(),
        tooltip=["labels:N", "epoch:Q", alt.Tooltip("share:Q", format=".1%")],
    )
    # Two bars per epoch, side by side and centered on it.
    sides = base.transform_calculate(
        **{
            "from": f"datum.epoch - (datum.labels === '{next(iter(LABELLED))}' ? 0.4 : 0)",
            "to": "datum.from + 0.4",
        }
    )
    return alt.LayerChart(layer=[sides.mark_bar()]).properties(height=height)


def loss_rows(record: EpochRecord) -> pd.DataFrame:
    """Return the rows of the chart `losses`: how many images have which loss."""
    edges = [*LOSS_EDGES, LOSS_EDGES[-1] + LOSS_EDGES[1]]
    rows = []
    for name, counts in zip(LABELLED, np.split(np.array(record.loss_counts), 2), strict=True):
        total = max(1, int(counts.sum()))
        rows += [
            (name, edges[place], edges[place + 1], count / total, int(count))
            for place, count in enumerate(counts.tolist())
        ]
    return pd.DataFrame(rows, columns=["labels", "from", "to", "share", "images"])


def losses(height: int = 240) -> alt.LayerChart:
    """Return the histogram of the images' losses, without rows; `loss_rows` makes them."""
    base = alt.Chart(pd.DataFrame(columns=["labels", "from", "to", "share", "images"])).encode(
        x=alt.X(
            "from:Q",
            title="Loss of the image (8: or more)",
            scale=alt.Scale(domain=[0, 8.25]),
            axis=alt.Axis(values=list(range(9)), grid=False),
        ),
        x2="to:Q",
        y=alt.Y("share:Q", title="Share of the images", axis=alt.Axis(format="~%"), stack=None),
        y2=alt.datum(0),
        color=_labelled(),
        tooltip=["labels:N", alt.Tooltip("share:Q", format=".1%"), "images:Q"],
    )
    return alt.LayerChart(layer=[base.mark_bar(opacity=0.6)]).properties(height=height)


def _labelled() -> alt.Color:
    return alt.Color(
        "labels:N",
        scale=alt.Scale(domain=list(LABELLED), range=list(LABELLED.values())),
        legend=alt.Legend(title=None, orient="top", symbolOpacity=1),
    )
