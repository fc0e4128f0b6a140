"""Charts of one run, or of several, against the epoch."""

import math
from collections.abc import Mapping
from typing import Any

import altair as alt
import pandas as pd
import pyarrow as pa

from core.choices import NETWORKS
from core.config import RunConfig
from core.records import EpochRecord
from core.sweep.reference import Source
from core.sweep.statistics import chance_repeats
from core.sweep.stopping import label_wave_epoch, prediction_changes
from core.view.run.floor import Floor
from core.view.style import DASHES, SERIES_COLOURS, SHORT, colour, share_axis
from core.view.words import CHANCE, CHANGED, CHANGED_MEAN, LABELS

ERRORS = ("test_error", "train_error", "right_label_error")
FATES = ("memorized", "recovered")  # fates of the images with a wrong label
LOSSES = ("test_loss", "train_loss")
ROWS = pa.schema(
    [("epoch", pa.int32()), ("quantity", pa.string()), ("value", pa.float64()), ("label", pa.string())]
)
MAX_LOSS = 5.0  # end of the loss axis; larger losses are drawn at the edge
LABEL_DISTANCE = 0.05  # two lines that end closer than this have room for only one name


NARROW = 320  # pixels; a narrower plot has no room for names next to it


def error_history(
    records: list[EpochRecord],
    config: RunConfig,
    floor: Floor | None,
    height: int = 320,
    has_legend: bool = True,
) -> alt.LayerChart:
    """Return the chart of test and training error against epoch, with the dashed line `floor`."""
    quantities = [*(LABELS[name] for name in ERRORS), *([floor.name] if floor else [])]
    rows, epochs = error_rows(records, config, floor), last_epoch(config, records)
    axis = share_axis("Error")
    return _history(rows, epochs, quantities, axis, ".1%", height, has_legend)


def fate_history(records: list[EpochRecord], config: RunConfig, height: int = 220) -> alt.LayerChart:
    """Return the chart of what became of the wrong labels against epoch.

    The shares are those whose wrong label is repeated and those predicted as the true class. Dotted:
    the share that the network would repeat by chance.
    """
    quantities = [*(LABELS[name] for name in FATES), CHANCE]
    axis = share_axis("Images with a wrong label")
    return _history(
        fate_rows(records, config), last_epoch(config, records), quantities, axis, ".1%", height
    )


def loss_history(records: list[EpochRecord], config: RunConfig, height: int = 220) -> alt.LayerChart:
    """Return the chart of training and test loss (cross-entropy, nats) against epoch."""
    quantities = [LABELS[name] for name in LOSSES]
    scale = alt.Scale(domain=[0, MAX_LOSS], clamp=True)
    axis = alt.Y("value:Q", title="Loss (nats)", scale=scale)
    return _history(loss_rows(records), last_epoch(config, records), quantities, axis, ".3f", height)


def error_rows(records: list[EpochRecord], config: RunConfig, floor: Floor | None) -> pa.Table:
    """Return the rows of the chart `error_history`: columns epoch, quantity, value, label."""
    rows = _long(records, ERRORS)
    if floor:
        name, value = floor
        ends = (0, last_epoch(config, records))
        rows += [{"epoch": end, "quantity": name, "value": value, "label": ""} for end in ends]
        rows[-1]["label"] = SHORT[name]
    return _table(rows)


def fate_rows(records: list[EpochRecord], config: RunConfig) -> pa.Table:
    """Return the rows of the chart `fate_history`: columns epoch, quantity, value, label."""
    rows = _long(records, FATES)
    ends = [row["value"] for row in rows if row["label"]]
    by_epoch = [(record.epoch, chance_repeats(config, record.recovered)) for record in records]
    chances = [
        {"epoch": epoch, "quantity": CHANCE, "value": chance, "label": ""}
        for epoch, chance in by_epoch
        if chance is not None
    ]
    if chances and all(abs(chances[-1]["value"] - end) > LABEL_DISTANCE for end in ends):
        chances[-1]["label"] = SHORT[CHANCE]
    return _table(rows + chances)


def changes_history(records: list[EpochRecord], config: RunConfig, height: int = 220) -> alt.LayerChart:
    """Return the chart of prediction changes against epoch, with the epoch at which Label Wave stops."""
    axis = share_axis("Training photographs")
    rows, epochs = changes_rows(records), last_epoch(config, records)
    return _history(rows, epochs, [CHANGED_MEAN, CHANGED], axis, ".1%", height)


def changes_rows(records: list[EpochRecord]) -> pa.Table:
    """Return the rows of the chart `changes_history`: columns epoch, quantity, value, label."""
    changes = prediction_changes(records)
    stop = label_wave_epoch(changes)
    rows = [
        {"epoch": epoch, "quantity": CHANGED, "value": change, "label": ""}
        for epoch, change in enumerate(changes, 1)
        if change is not None
    ]
    for epoch in range(3, len(changes)):
        around = [change for change in changes[epoch - 2 : epoch + 1] if change is not None]
        label = f"stop: epoch {stop}" if epoch == stop else ""
        value = sum(around) / max(1, len(around))
        rows.append({"epoch": epoch, "quantity": CHANGED_MEAN, "value": value, "label": label})
    return _table(rows)


def loss_rows(records: list[EpochRecord]) -> pa.Table:
    """Return the rows of the chart `loss_history`: columns epoch, quantity, value, label."""
    return _table(_long(records, LOSSES))


def compared(runs: list[tuple[str, RunConfig, list[EpochRecord]]], metric: str) -> alt.LayerChart:
    """Return the chart of one metric of several runs against epoch. runs: (name, config, records).

    The legend shows only the parts of the names that differ: a phone has no room for more.
    """
    names = what_differs([name for name, _, _ in runs])
    rows = [
        {"run": name, "epoch": record.epoch, "value": getattr(record, metric)}
        for name, (_, _, records) in zip(names, runs, strict=True)
        for record in records
    ]
    table = pd.DataFrame(rows, columns=["run", "epoch", "value"])
    epochs = max((last_epoch(config, records) for _, config, records in runs), default=1)
    quantity = LABELS[metric]
    legend = alt.Legend(title=None, orient="bottom", columns=1, labelLimit=600, symbolStrokeWidth=3)
    chart = (
        alt.Chart(table)
        .mark_line(strokeWidth=2.5)
        .encode(
            x=_epoch_axis(epochs, named=False),
            y=share_axis(quantity.capitalize()),
            color=alt.Color(
                "run:N",
                sort=names,
                scale=alt.Scale(range=[network.colour for network in NETWORKS.values()]),
                legend=legend,
            ),
            strokeDash=alt.StrokeDash("run:N", sort=names, legend=None),
            tooltip=["run:N", "epoch:Q", alt.Tooltip("value:Q", format=".1%", title=quantity)],
        )
    )
    return alt.LayerChart(layer=[chart]).properties(height=320)


def what_differs(names: list[str]) -> list[str]:
    """Return each name without the parts, separated by commas, that all names share.

    If that leaves a name empty or makes two equal, the names are returned unchanged.
    """
    parts = [name.split(", ") for name in names]
    shared = set.intersection(*map(set, parts)) if parts else set()
    short = [", ".join(part for part in each if part not in shared) for each in parts]
    return short if all(short) and len(set(short)) == len(set(names)) else names


def last_epoch(config: RunConfig, records: list[EpochRecord]) -> int:
    """Return the last epoch of the axis; it can grow only for runs that end when they are fitted."""
    return max(config.epochs, records[-1].epoch if records else 0)


def _long(records: list[EpochRecord], names: tuple[str, ...]) -> list[dict[str, Any]]:
    """A row for each epoch and quantity; rows of the last epoch carry the names of the lines."""
    rows: list[dict[str, Any]] = []
    labelled: list[float] = []
    for record in records:
        for name in names:
            value = getattr(record, name)
            if value is None:
                continue
            quantity, label = LABELS[name], ""
            if record is records[-1] and all(abs(value - end) > LABEL_DISTANCE for end in labelled):
                label = SHORT.get(quantity, quantity)
                labelled.append(value)
            rows.append({"epoch": record.epoch, "quantity": quantity, "value": value, "label": label})
    return rows


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    """The rows as an Arrow table, which the browser gets: a live page makes three per second."""
    return pa.Table.from_pylist(rows, schema=ROWS)


def _history(
    rows: pa.Table,
    epochs: int,
    quantities: list[str],
    axis: alt.Y,
    numbers: str,
    height: int,
    has_legend: bool = True,
) -> alt.LayerChart:
    """A chart of lines against epoch; numbers: the format of values in a tooltip."""
    base = alt.Chart(rows).encode(
        x=_epoch_axis(epochs),
        y=axis,
        color=colour(quantities, has_legend),
        tooltip=["quantity:N", "epoch:Q", alt.Tooltip("value:Q", format=numbers)],
    )
    dashes = [DASHES.get(quantity, [1, 0]) for quantity in quantities]
    scale = alt.Scale(domain=quantities, range=dashes)
    line = base.mark_line(strokeWidth=2.5, clip=True).encode(
        strokeDash=alt.StrokeDash("quantity:N", scale=scale, legend=None)
    )
    return (line + _end_labels(base)).properties(height=height)


def _end_labels(base: alt.Chart) -> alt.Chart:
    """Names at the ends of the lines, from the same data: a second table would be a new chart."""
    mark: Mapping[str, Any] = {
        "align": alt.ExprRef(f"width < {NARROW} ? 'right' : 'left'"),
        "dx": alt.ExprRef(f"width < {NARROW} ? -2 : 6"),
        "dy": alt.ExprRef(f"width < {NARROW} ? -9 : -8"),  # above the axis, where errors end
        "baseline": "middle",
    }
    text = base.mark_text(**mark, fontSize=12, fontWeight="bold")
    return text.encode(text="label:N", strokeDash=alt.Undefined)


def _epoch_axis(epochs: int, named: bool = True) -> alt.X:
    """The axis of epochs. Named lines need room on the right, except in narrow charts."""
    step = max(1, round(epochs / 8))
    end = alt.ExprRef(f"width < {NARROW} ? {epochs} : {1.38 * epochs}") if named else epochs
    return alt.X(
        "epoch:Q",
        title="Epoch",
        scale=alt.Scale(domainMin=0, domainMax=end, nice=False),
        axis=alt.Axis(values=list(range(0, epochs + 1, step)), format="d"),
    )


MOST_LOSS = 6.0  # end of the figure; an epoch that diverged leaves it at the top


def losses_by_series(curves: pd.DataFrame, height: int = 420) -> alt.LayerChart:
    """Return the chart of training loss against epoch for each kind of data: figure 1a.

    curves: figures.loss_curves; ours are drawn thick, the paper's thin.
    """
    names = [name for name in SERIES_COLOURS if name in set(curves.series)]
    scale = alt.Scale(domain=names, range=[SERIES_COLOURS[name] for name in names])
    high = min(MOST_LOSS, max(2.5, math.ceil(2 * curves.loss.max()) / 2)) if len(curves) else 2.5
    base = alt.Chart(curves).encode(
        x=alt.X("epoch:Q", title="Epoch", axis=alt.Axis(format="d", tickCount=8)),
        y=alt.Y("loss:Q", title="Training loss (nats)", scale=alt.Scale(domain=[0, high])),
        color=alt.Color(
            "series:N",
            scale=scale,
            legend=alt.Legend(title=None, orient="top", columns=alt.ExprRef("width < 420 ? 2 : 5")),
        ),
        tooltip=["source:N", "series:N", "epoch:Q", alt.Tooltip("loss:Q", format=".3f"), "seeds:Q"],
    )
    ours = base.transform_filter(alt.datum.source == Source.OURS.value).mark_line(
        strokeWidth=3, clip=True
    )
    theirs = base.transform_filter(alt.datum.source == Source.PAPER.value)
    thin = theirs.mark_line(strokeWidth=1.5, strokeDash=[4, 3], clip=True)
    return (ours + thin).properties(height=height)
