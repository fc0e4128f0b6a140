"""Records in, altair charts out. One quantity, one colour; one network, one mark.

Errors and shares are fractions in the data and per cent on the axes. Domains are fixed
by the run's settings, never by its data: a chart that is redrawn every second must not
change its specification, or it flickers.
"""

import altair as alt
import numpy as np
import pandas as pd
import pyarrow as pa

from core.config import MODELS, RunConfig
from core.data.cifar10 import CLASSES
from core.records import EpochRecord
from core.sweep.comparison import against_corrupted_labels, level_means, paper_curve, paper_fit_times
from core.sweep.grids import LEVELS

# Okabe and Ito's palette: told apart by colour-blind eyes, on white and on black.
COLOURS = {
    "test error": "#D55E00",
    "training error": "#0072B2",
    "error on right labels": "#56B4E9",
    "memorized": "#CC79A7",
    "recovered": "#009E73",
    "0.9 p": "#E69F00",
    "test loss": "#D55E00",
    "training loss": "#0072B2",
}
DASHES = {"error on right labels": [2, 2], "0.9 p": [6, 4]}
MARKS = dict(zip(MODELS, ("circle", "square", "triangle-up", "diamond", "cross"), strict=True))
ERRORS = {
    "test_error": "test error",
    "train_error": "training error",
    "right_label_error": "error on right labels",
}
LIES = {"memorized": "memorized", "recovered": "recovered"}
LOSSES = {"test_loss": "test loss", "train_loss": "training loss"}
HISTORY = pa.schema(  # the rows of the history charts
    [("epoch", pa.int32()), ("quantity", pa.string()), ("value", pa.float64()), ("label", pa.string())]
)
MAX_LOSS = 5.0  # of the loss axis; what lies above is drawn at the edge
GREY = "#8a8f98"
OTHERS = {  # their marks
    "the poster": "cross",
    "an earlier attempt": "stroke",
    "the first author's code": "triangle-down",
}


def error_history(records: list[EpochRecord], config: RunConfig, height: int = 320) -> alt.LayerChart:
    """Test and training error against epoch, with the line 0.9 p."""
    epochs = _last_epoch(config, records)
    quantities = [*ERRORS.values(), "0.9 p"]
    return _history(error_rows(records, config), epochs, quantities, "Error", 1.0, height)


def lies_history(records: list[EpochRecord], config: RunConfig, height: int = 220) -> alt.LayerChart:
    """What became of the wrong labels: the shares memorized and recovered, against epoch."""
    epochs, quantities = _last_epoch(config, records), list(LIES.values())
    return _history(lies_rows(records, config), epochs, quantities, "Share of the lies", 1.0, height)


def loss_history(records: list[EpochRecord], config: RunConfig, height: int = 220) -> alt.LayerChart:
    """Training and test loss (cross-entropy, nats) against epoch."""
    epochs, quantities = _last_epoch(config, records), list(LOSSES.values())
    return _history(loss_rows(records, config), epochs, quantities, "Loss (nats)", MAX_LOSS, height)


def error_rows(records: list[EpochRecord], config: RunConfig) -> pa.Table:
    """The data of error_history: columns epoch, quantity, value, label. So, too, the next two."""
    rows = _long(records, ERRORS)
    if config.level:
        floor = 0.9 * config.level
        rows += [
            {"epoch": epoch, "quantity": "0.9 p", "value": floor, "label": ""}
            for epoch in (0, _last_epoch(config, records))
        ]
        rows[-1]["label"] = "0.9 p"
    return _table(rows)


def lies_rows(records: list[EpochRecord], config: RunConfig) -> pa.Table:
    return _table(_long(records, LIES))


def loss_rows(records: list[EpochRecord], config: RunConfig) -> pa.Table:
    return _table(_long(records, LOSSES))


def compared(runs: list[tuple[str, RunConfig, list[EpochRecord]]], measure: str) -> alt.LayerChart:
    """One measure of several runs against epoch, a line each. runs: (name, config, records)."""
    names = [name for name, _, _ in runs]
    rows = [
        {
            "run": name,
            "epoch": record.epoch,
            "value": getattr(record, measure),
            "label": name if record is records[-1] else "",
        }
        for name, _, records in runs
        for record in records
    ]
    table = pd.DataFrame(rows, columns=["run", "epoch", "value", "label"])
    quantity = {**ERRORS, **LIES}[measure]
    base = alt.Chart(table).encode(
        x=_epoch_axis(max((_last_epoch(config, records) for _, config, records in runs), default=1)),
        y=_share_axis(quantity.capitalize()),
        tooltip=["run:N", "epoch:Q", alt.Tooltip("value:Q", format=".1%", title=quantity)],
    )
    dash = alt.StrokeDash(
        "run:N", sort=names, legend=alt.Legend(title=None, orient="bottom", columns=1)
    )
    line = base.mark_line(color=COLOURS[quantity], strokeWidth=2).encode(strokeDash=dash)
    return (line + _end_labels(base, COLOURS[quantity])).properties(height=320)


def error_against_level(
    ours: pd.DataFrame,
    paper: dict | None,
    models: list[str],
    live: pd.DataFrame | None = None,
    others: pd.DataFrame | None = None,
    height: int = 420,
    selectable: bool = False,
) -> alt.LayerChart:
    """Test and training error of fitted networks against corruption level: figure 1c.

    ours: rows of the precomputed sweep; the mean over seeds is drawn, filled, in the band
        of the seeds, and as a thin line what it would be against test labels corrupted at
        the same level.
    paper: core.results.paper(); its test errors are drawn hollow. None: leave them out.
    live: a visitor's own finished runs, comparison.points.
    others: comparison.poster_points and earlier_points, drawn grey.
    selectable: a click on one of our points selects its level.
    """
    means = level_means(ours[ours.model.isin(models)])
    parts = [_with_gaps(means, ["model", "quantity"]).assign(source="ours")]
    if len(means) and paper:
        tests = parts[0][parts[0].quantity == "test error"].drop(columns=["low", "high"])
        both = against_corrupted_labels(tests.error, tests.level)
        parts.append(tests.assign(error=both, source="ours, test labels corrupted, too"))
    if live is not None and len(live):  # a point each: they need not be alike
        parts.append(_errors_long(live).assign(source="your run"))
    if others is not None and len(others):
        parts.append(others.assign(model=models[0]))
    for model in models if paper else ():
        curve = paper_curve(paper, model).rename(columns={"test_error": "error"})
        parts.append(curve.assign(quantity="test error", model=model, source="the paper"))
    floor = pd.DataFrame({"level": [0.0, 1.0], "error": [0.0, 0.9], "quantity": "0.9 p"})
    columns = ["level", "error", "low", "high", "seeds", "quantity", "model", "source", "run"]
    table = pd.concat([part for part in (*parts, floor) if len(part)]).reindex(columns=columns)
    quantities = ["test error", "training error", "0.9 p"]
    base = alt.Chart(table).encode(
        x=_level_axis(),
        y=_share_axis("Error", "error"),
        color=_colour(quantities),
        tooltip=[
            "source:N",
            "run:N",
            alt.Tooltip("model:N", title="network"),
            alt.Tooltip("level:Q", format=".0%", title="corruption level"),
            "quantity:N",
            alt.Tooltip("error:Q", format=".1%"),
            "seeds:Q",
        ],
    )
    shape = _shape(models)
    lines = _of(base, "ours").mark_line(strokeWidth=2.5).encode(detail="model:N")
    band = _of(base, "ours").mark_area(opacity=0.25).encode(y="low:Q", y2="high:Q", detail="model:N")
    converted = _of(base, "ours, test labels corrupted, too")
    thin_lines = converted.mark_line(strokeWidth=1).encode(detail="model:N")
    floor_line = base.transform_filter(alt.datum.quantity == "0.9 p").mark_line(strokeDash=[6, 4])
    points = _of(base, "ours").mark_point(size=70, filled=True, opacity=1).encode(shape=shape)
    if selectable:
        points = points.add_params(alt.selection_point(name="chosen", fields=["level"]))
    hollow = _of(base, "the paper").mark_point(size=90, strokeWidth=1.8, opacity=1)
    own = _of(base, "your run").mark_point(size=220, filled=True, opacity=1, stroke=GREY, strokeWidth=3)
    grey = [
        _of(base, source).mark_point(size=80, shape=mark, opacity=1, strokeWidth=2)
        for source, mark in OTHERS.items()
    ]
    grey.append(_of(base, "an earlier attempt").mark_line(strokeWidth=1, strokeDash=[3, 3]))
    return alt.layer(
        floor_line,
        band,
        *(layer.encode(color=alt.value(GREY)) for layer in grey),
        thin_lines,
        lines,
        hollow.encode(shape=shape),
        points,
        own.encode(shape=shape),
    ).properties(height=height)


def time_against_level(
    ours: pd.DataFrame, paper: dict | None, models: list[str], height: int = 420
) -> alt.LayerChart:
    """How much longer wrong labels take to be fitted than true ones: figure 1b.

    ours: comparison.relative_fit_times(), filled, in the band of the seeds; the paper's
    points are hollow.
    """
    parts = [_with_gaps(ours[ours.model.isin(models)], ["model"]).assign(source="ours")]
    for model in models if paper else ():
        parts.append(paper_fit_times(paper, model).assign(model=model, source="the paper"))
    columns = ["level", "time", "low", "high", "seeds", "model", "source"]
    table = pd.concat([part for part in parts if len(part)] or [pd.DataFrame()])
    base = alt.Chart(table.reindex(columns=columns)).encode(
        x=_level_axis(),
        y=alt.Y(
            "time:Q",
            title="Epochs until fitted, true labels = 1",
            scale=alt.Scale(domain=[0, 4]),
            axis=alt.Axis(values=[0, 1, 2, 3, 4], format="d"),
        ),
        color=alt.value(COLOURS["training error"]),
        tooltip=[
            "source:N",
            alt.Tooltip("model:N", title="network"),
            alt.Tooltip("level:Q", format=".0%", title="corruption level"),
            alt.Tooltip("time:Q", format=".2f", title="relative time"),
            "seeds:Q",
        ],
    )
    shape = _shape(models)
    return alt.layer(
        _of(base, "ours").mark_area(opacity=0.25).encode(y="low:Q", y2="high:Q", detail="model:N"),
        _of(base, "ours").mark_line(strokeWidth=2.5).encode(detail="model:N"),
        _of(base, "the paper").mark_point(size=90, strokeWidth=1.8, opacity=1).encode(shape=shape),
        _of(base, "ours").mark_point(size=70, filled=True, opacity=1).encode(shape=shape),
    ).properties(height=height)


def _with_gaps(means: pd.DataFrame, lines: list[str]) -> pd.DataFrame:
    """And a row without a value for every level not computed: a line breaks there.

    lines: the columns that tell one line from another.
    """
    if means.empty:
        return means
    levels = pd.DataFrame({"level": sorted(LEVELS)})
    everywhere = means[lines].drop_duplicates().merge(levels, how="cross")
    return everywhere.merge(means, on=[*lines, "level"], how="outer")


def _of(base: alt.Chart, source: str) -> alt.Chart:
    return base.transform_filter(alt.datum.source == source)


def _level_axis() -> alt.X:
    return alt.X(
        "level:Q",
        title="Corruption level p",
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(format="%", values=[i / 10 for i in range(11)], labelOverlap=True),
    )


def _shape(models: list[str]) -> alt.Shape:
    return alt.Shape(
        "model:N",
        scale=alt.Scale(domain=models, range=[MARKS[model] for model in models]),
        legend=alt.Legend(title=None, orient="bottom") if len(models) > 1 else None,
    )


def guess(values, ours: pd.DataFrame | None, height: int = 420) -> alt.LayerChart:
    """A visitor's guess against corruption level, dashed; the truth over it, if it is to be seen.

    values: test errors and training errors at the 11 levels; ours: rows of the sweep.
    """
    guessed = np.asarray(values, dtype=float)[None]
    return guess_bands(guessed, ours, height)


def guess_bands(guesses: np.ndarray, ours: pd.DataFrame | None, height: int = 420) -> alt.LayerChart:
    """The median of many guesses, dashed, in the band of their middle half; the truth over it.

    guesses: (n, 2, 11), test errors before training errors.
    """
    rows = []
    for place, quantity in enumerate(("test error", "training error")):
        for step, level in enumerate(np.arange(11) / 10):
            if len(guesses):
                low, error, high = np.quantile(guesses[:, place, step], (0.25, 0.5, 0.75))
                row = {"level": level, "error": error, "low": low, "high": high}
                rows.append({**row, "quantity": quantity, "source": "guessed"})
    truth = level_means(ours if ours is not None else pd.DataFrame())
    truth = _with_gaps(truth, ["model", "quantity"]).assign(source="the truth")
    columns = ["level", "error", "low", "high", "quantity", "source"]
    table = pd.concat([part for part in (pd.DataFrame(rows), truth) if len(part)] or [pd.DataFrame()])
    base = alt.Chart(table.reindex(columns=columns)).encode(
        x=_level_axis(),
        y=_share_axis("Error", "error"),
        color=_colour(["test error", "training error"]),
        tooltip=[
            "source:N",
            "quantity:N",
            alt.Tooltip("level:Q", format=".0%", title="corruption level"),
            alt.Tooltip("error:Q", format=".1%"),
        ],
    )
    guessed, true = _of(base, "guessed"), _of(base, "the truth")
    return alt.layer(
        guessed.mark_area(opacity=0.2).encode(y="low:Q", y2="high:Q"),
        guessed.mark_line(strokeDash=[6, 4], strokeWidth=2),
        true.mark_line(strokeWidth=3),
        true.mark_point(size=70, filled=True, opacity=1),
    ).properties(height=height)


def transition_rows(counts: np.ndarray) -> pd.DataFrame:
    """The data of transition_heatmap: columns true, given, images."""
    places = range(len(CLASSES))
    rows = [(CLASSES[i], CLASSES[j], int(counts[i, j])) for i in places for j in places]
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


def _errors_long(rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows.rename(columns={"test_error": "test error", "train_error": "training error"})
    return rows.melt(["model", "level", "run"], ["test error", "training error"], "quantity", "error")


def _long(records: list[EpochRecord], names: dict[str, str]) -> list[dict]:
    """A row for each epoch and quantity; the last epoch's rows carry the names of the lines."""
    rows, named = [], []
    for record in records:
        for name, quantity in names.items():
            value = getattr(record, name)
            if value is None:
                continue
            row = {"epoch": record.epoch, "quantity": quantity, "value": value, "label": ""}
            if record is records[-1] and all(abs(value - other) > 0.05 for other in named):
                row["label"] = quantity  # no room for two names where two lines meet
                named.append(value)
            rows.append(row)
    return rows


def _last_epoch(config: RunConfig, records: list[EpochRecord]) -> int:
    """Of the epoch axis; known beforehand but for runs that wait to be fitted."""
    return max(config.epochs, records[-1].epoch if records else 0)


def _table(rows: list[dict]) -> pa.Table:
    """Arrow and not pandas: it is what the browser gets, and a live page makes three a second."""
    return pa.Table.from_pylist(rows, schema=HISTORY)


def _history(table: pa.Table, epochs: int, quantities: list[str], title: str, top: float, height: int):
    share = top == 1.0
    value_axis = _share_axis(title) if share else _loss_axis(title, top)
    base = alt.Chart(table).encode(
        x=_epoch_axis(epochs),
        y=value_axis,
        color=_colour(quantities),
        tooltip=["quantity:N", "epoch:Q", alt.Tooltip("value:Q", format=".1%" if share else ".3f")],
    )
    dash = alt.StrokeDash(
        "quantity:N",
        scale=alt.Scale(domain=quantities, range=[DASHES.get(q, [1, 0]) for q in quantities]),
        legend=None,
    )
    line = base.mark_line(strokeWidth=2.5, clip=True).encode(strokeDash=dash)
    return (line + _end_labels(base)).properties(height=height)


def _end_labels(base: alt.Chart, colour: str | None = None) -> alt.Chart:
    """Names at the ends of the lines. From the same data: a second table would be a new chart."""
    fixed = {"color": alt.value(colour)} if colour else {}
    mark = {"align": "left", "dx": 6, "baseline": "middle", "fontSize": 12, "fontWeight": "bold"}
    return base.mark_text(**mark).encode(text="label:N", strokeDash=alt.Undefined, **fixed)


def _epoch_axis(epochs: int) -> alt.X:
    """Whole epochs, and room at the right for the names of the lines."""
    step = max(1, round(epochs / 8))
    return alt.X(
        "epoch:Q",
        title="Epoch",
        scale=alt.Scale(domain=[0, 1.38 * epochs], nice=False),
        axis=alt.Axis(values=list(range(0, epochs + 1, step)), format="d"),
    )


def _share_axis(title: str, name: str = "value") -> alt.Y:
    ticks = [i / 5 for i in range(6)]
    return alt.Y(
        f"{name}:Q",
        title=title,
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(format="%", values=ticks),
    )


def _loss_axis(title: str, top: float) -> alt.Y:
    return alt.Y("value:Q", title=title, scale=alt.Scale(domain=[0, top], clamp=True))


def _colour(quantities: list[str]) -> alt.Color:
    columns = 2 if len(quantities) > 3 else 3  # so that a phone shows them all
    return alt.Color(
        "quantity:N",
        scale=alt.Scale(domain=quantities, range=[COLOURS[q] for q in quantities]),
        legend=alt.Legend(
            title=None,
            orient="top",
            symbolType="stroke",
            symbolStrokeWidth=4,
            symbolOpacity=1,
            columns=columns,
        ),
    )
