"""Charts against the corruption level: the sweep next to the paper, and guesses."""

from collections.abc import Mapping
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.choices import NETWORKS
from core.config import LEVELS
from core.sweep.figures import level_means
from core.sweep.reference import Source, paper_curve, paper_fit_times, sound_paper_curve
from core.sweep.statistics import (
    CHANCE_LEVEL,
    DECAY_LEVELS,
    against_corrupted_labels,
    decay_above_chance,
)
from core.view.style import (
    COLOURS,
    FLOOR,
    GREY,
    SHORT,
    colour,
    level_axis,
    share_axis,
)
from core.view.words import TIME_TO_FIT

POINT_COLUMNS = ["level", "error", "low", "high", "seeds", "quantity", "model", "source", "run"]
TIME_COLUMNS = ["level", "time", "low", "high", "seeds", "model", "source", "epochs"]
GUESS_COLUMNS = ["level", "error", "low", "high", "quantity", "source"]
BEST_NAMED_AT = 0.3  # level at which the line of the best epoch is named
NAMED_AT = 0.4  # level at which the FLOOR line is named, away from the other names
BOLD: Mapping[str, Any] = {"fontSize": 13, "fontWeight": "bold"}
MARKS_OF_OTHERS = {
    Source.POSTER: "cross",
    Source.EARLIER: "stroke",
    Source.FIRST_AUTHOR: "triangle-down",
}


def error_against_level(
    ours: pd.DataFrame,
    paper: dict[str, Any] | None,
    model: str,
    live: pd.DataFrame | None = None,
    others: pd.DataFrame | None = None,
    height: int | str = 420,
    selectable: bool = False,
    are_corrupted: bool = False,
    best: pd.DataFrame | None = None,
) -> alt.LayerChart:
    """Return the chart of test and training error against corruption level: figure 1c.

    ours: rows of the precomputed sweep. The mean over seeds is drawn filled, in the band of its
        95% interval. A thin line shows the test error against test labels corrupted at the same
        level.
    are_corrupted: draw the errors against corrupted test labels, and those against the true test
        labels as the thin line.
    paper: reference.paper(); its test errors are drawn hollow. None: leave them out.
    live: a visitor's own finished runs, figures.points.
    others: reference.poster_points and earlier_points, drawn gray.
    selectable: a click on one of our points selects its level.
    best: figures.best_means; the test error at the best epoch is a dotted line.
    """
    rows = _points(ours, paper, model, live, others, best, are_corrupted)
    base = alt.Chart(rows).encode(
        x=level_axis(),
        y=share_axis("Error", "error"),
        color=colour(["test error", "training error", FLOOR], has_legend=False),
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
    return alt.LayerChart(
        layer=[
            _floor(base),
            _band(base),
            *_points_of_others(base),
            _converted_lines(base),
            *_best_line(base, best, model),
            _our_lines(base),
            _paper_points(base, model),
            _our_points(base, model, selectable),
            _live_points(base, model),
            *_names(base, ours[ours.model == model]),
        ]
    ).properties(height=height)


def _points(
    ours: pd.DataFrame,
    paper: dict[str, Any] | None,
    model: str,
    live: pd.DataFrame | None,
    others: pd.DataFrame | None,
    best: pd.DataFrame | None,
    are_corrupted: bool,
) -> pd.DataFrame:
    """The rows of error_against_level, distinguished by their `source`."""
    means = _with_gaps(level_means(ours[ours.model == model]), ["model", "quantity"])
    drawn, other_errors = means, _against_corrupted(means)
    if are_corrupted:
        drawn, other_errors = other_errors, drawn
    parts = [drawn.assign(source=Source.OURS.value)]
    if paper:
        other = Source.TRUE if are_corrupted else Source.CONVERTED
        tests = other_errors[other_errors.quantity == "test error"].drop(columns=["low", "high"])
        parts.append(tests.assign(source=other.value))
        curve = paper_curve(paper, model).rename(columns={"test_error": "error"})
        about = {"quantity": "test error", "model": model, "source": Source.PAPER.value}
        parts.append(curve.assign(**about))
    if best is not None:
        best = best[best.model == model].assign(quantity="test error").drop(columns=["low", "high"])
        best = _with_gaps(best, ["model", "quantity"])
        best = _against_corrupted(best) if are_corrupted else best
        parts.append(best.assign(source=Source.BEST.value))
    if live is not None:  # one point each: their settings may differ
        names = {"test_error": "test error", "train_error": "training error"}
        long = live.rename(columns=names).melt(
            ["model", "level", "run"], list(names.values()), "quantity", "error"
        )
        if are_corrupted:
            long = _against_corrupted(long)
        parts.append(long.assign(source=Source.LIVE.value))
    if others is not None:
        parts.append(others.assign(model=model))
    ends = [0.0, NAMED_AT, 1.0]
    parts.append(pd.DataFrame({"level": ends, "error": [0.9 * end for end in ends], "quantity": FLOOR}))
    return _joined(parts, POINT_COLUMNS)


def _against_corrupted(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with their test errors converted to those against corrupted test labels."""
    rows = rows.copy()
    tests = rows.quantity == "test error"
    for name in {"error", "low", "high"} & set(rows.columns):
        rows.loc[tests, name] = against_corrupted_labels(
            rows.loc[tests, name], rows.loc[tests, "level"]
        )
    return rows


def networks_against_level(
    ours: pd.DataFrame, paper: dict[str, Any] | None, names: dict[str, str], height: int | str = 420
) -> alt.LayerChart:
    """Return the chart of test and training errors of several networks against corruption level.

    Each network has a color; training errors are thin, the paper's points hollow.
    names: the shown name of each network to draw.
    """
    means = _with_gaps(level_means(ours[ours.model.isin(names)]), ["model", "quantity"])
    parts = [means.assign(source=Source.OURS.value)]
    for model in names if paper else ():
        curve = paper_curve(paper or {}, model).rename(columns={"test_error": "error"})
        parts.append(curve.assign(model=model, quantity="test error", source=Source.PAPER.value))
    rows = _joined(parts, POINT_COLUMNS)
    rows["network"] = rows.model.map(names)
    scale = alt.Scale(domain=list(names.values()), range=[NETWORKS[model].colour for model in names])
    base = alt.Chart(rows).encode(
        x=level_axis(),
        y=share_axis("Error", "error"),
        color=alt.Color(
            "network:N",
            scale=scale,
            legend=alt.Legend(title=None, orient="top", columns=alt.ExprRef("width < 420 ? 2 : 5")),
        ),
        detail="quantity:N",
        tooltip=[
            "source:N",
            "network:N",
            "quantity:N",
            alt.Tooltip("level:Q", format=".0%", title="corruption level"),
            alt.Tooltip("error:Q", format=".1%"),
            "seeds:Q",
        ],
    )
    found, tests = _of(base, Source.OURS), "datum.quantity === 'test error'"
    one = found.transform_filter(f"datum.model === '{next(iter(names))}'")
    ends = [name.encode(color=alt.value(GREY)) for name in _names_at_ends(one, float(ours.level.max()))]
    layers = [
        found.transform_filter(tests).mark_line(strokeWidth=2.5),
        found.transform_filter(f"!({tests})").mark_line(strokeWidth=1.5),
        found.mark_point(size=50, filled=True, opacity=1),
        _of(base, Source.PAPER).mark_point(size=80, strokeWidth=1.8, opacity=1),
        *ends,
    ]
    return alt.LayerChart(layer=layers).properties(height=height)


def _names(base: alt.Chart, ours: pd.DataFrame) -> list[alt.Chart]:
    """Marks with the names of the quantities at the ends of their lines; ours: rows of the network."""
    floor = base.transform_filter(f"datum.quantity === '{FLOOR}' && datum.level === {NAMED_AT}")
    names = [
        floor.mark_text(**BOLD, align="left", dx=8, dy=14).encode(
            text=alt.value(SHORT[FLOOR] + ": 0.9 p")
        )
    ]
    if len(ours):
        names += _names_at_ends(_of(base, Source.OURS), float(ours.level.max()))
    return names


def _names_at_ends(ours: alt.Chart, level: float) -> list[alt.Chart]:
    """Marks with the names of both errors above our points at this level; ours: their chart."""
    found = ours.transform_filter(f"datum.level === {level}")
    is_left = level < 0.3  # close to the axis and its numbers
    return [
        found.transform_filter(f"datum.quantity === '{quantity}'")
        .mark_text(**BOLD, align="left" if is_left else "right", dx=8 if is_left else -4, dy=-16)
        .encode(text="quantity:N")
        for quantity in ("test error", "training error")
    ]


def _floor(base: alt.Chart) -> alt.Chart:
    return base.transform_filter(alt.datum.quantity == FLOOR).mark_line(strokeDash=[6, 4])


def _band(base: alt.Chart) -> alt.Chart:
    band = _of(base, Source.OURS).mark_area(opacity=0.25)
    return band.encode(y="low:Q", y2="high:Q", detail="model:N")


def _our_lines(base: alt.Chart) -> alt.Chart:
    return _of(base, Source.OURS).mark_line(strokeWidth=2.5).encode(detail="model:N")


def _our_points(base: alt.Chart, model: str, selectable: bool = False) -> alt.Chart:
    points = _of(base, Source.OURS).mark_point(size=70, filled=True, opacity=1)
    points = points.encode(shape=alt.value(NETWORKS[model].mark))
    if selectable:
        return points.add_params(alt.selection_point(name="chosen", fields=["level"]))
    return points


def _converted_lines(base: alt.Chart) -> alt.Chart:
    is_other = alt.FieldOneOfPredicate("source", [Source.CONVERTED.value, Source.TRUE.value])
    lines = base.transform_filter(is_other).mark_line(strokeWidth=1, point=alt.OverlayMarkDef(size=12))
    return lines.encode(detail="model:N")  # points, because a single level has no line


def _best_line(base: alt.Chart, best: pd.DataFrame | None, model: str) -> list[alt.Chart]:
    """The dotted line of the test error at its best epoch, with its name where there is room."""
    levels = [] if best is None else sorted(best[best.model == model].level)
    if len(levels) < 2:
        return []
    found = _of(base, Source.BEST)
    line = found.mark_line(strokeWidth=2.5, strokeDash=[2, 3]).encode(detail="model:N")
    named = min(levels, key=lambda level: abs(level - BEST_NAMED_AT))
    name = found.transform_filter(f"datum.level === {named}").mark_text(
        **BOLD, align="left", dx=6, dy=18
    )
    return [line, name.encode(text=alt.value("at its best epoch"))]


def _paper_points(base: alt.Chart, model: str) -> alt.Chart:
    points = _of(base, Source.PAPER).mark_point(size=90, strokeWidth=1.8, opacity=1)
    return points.encode(shape=alt.value(NETWORKS[model].mark))


def _live_points(base: alt.Chart, model: str) -> alt.Chart:
    points = _of(base, Source.LIVE).mark_point(
        aria=False, size=220, filled=True, opacity=1, stroke=GREY, strokeWidth=3
    )
    return points.encode(shape=alt.value(NETWORKS[model].mark))


def _points_of_others(base: alt.Chart) -> list[alt.Chart]:
    points = [
        _of(base, source).mark_point(size=80, shape=mark, opacity=1, strokeWidth=2)
        for source, mark in MARKS_OF_OTHERS.items()
    ]
    lines = _of(base, Source.EARLIER).mark_line(strokeWidth=1, strokeDash=[3, 3])
    return [layer.encode(color=alt.value(GREY)) for layer in (*points, lines)]


def time_against_level(
    ours: pd.DataFrame, paper: dict[str, Any] | None, model: str, height: int = 420
) -> alt.LayerChart:
    """Return the chart of the time to fit corrupted labels, relative to true labels: figure 1b.

    ours: figures.relative_fit_times(), drawn filled in the band of the 95% interval; the paper's
    points are hollow.
    """
    ours = _with_gaps(ours[ours.model == model], ["model"])
    parts = [ours.assign(source=Source.OURS.value)]
    if paper:
        times = paper_fit_times(paper, model)
        parts.append(times.assign(model=model, source=Source.PAPER.value))
    base = alt.Chart(_joined(parts, TIME_COLUMNS)).encode(
        x=level_axis(),
        y=alt.Y(
            "time:Q",
            title="Time to fit (epochs, true labels = 1)",
            scale=alt.Scale(domain=[0, 4]),
            axis=alt.Axis(values=[0, 1, 2, 3, 4], format="d"),
        ),
        color=alt.value(COLOURS[TIME_TO_FIT]),
        tooltip=[
            "source:N",
            alt.Tooltip("model:N", title="network"),
            alt.Tooltip("level:Q", format=".0%", title="corruption level"),
            alt.Tooltip("time:Q", format=".2f", title=TIME_TO_FIT),
            alt.Tooltip("epochs:Q", format=".0f", title="epochs"),
            "seeds:Q",
        ],
    )
    layers = [_band(base), _our_lines(base), _paper_points(base, model), _our_points(base, model)]
    return alt.LayerChart(layer=layers).properties(height=height)


def accuracy_above_chance(
    ours: pd.DataFrame,
    paper: dict[str, Any] | None,
    model: str,
    are_corrupted: bool = False,
    height: int = 420,
) -> alt.LayerChart:
    """Return the chart of accuracy above chance against the share of labels kept, on logarithmic axes.

    ours: rows of the sweep, drawn filled; the paper's figure 1c is hollow. Lines: the fitted powers;
    gray: slopes 1 and 2. See statistics.decay_above_chance.
    """
    means = level_means(ours[ours.model == model])
    means = means[means.quantity == "test error"]
    if are_corrupted:
        means = _against_corrupted(means)
    curves = {Source.OURS: means[["level", "error"]]}
    if paper:
        theirs = sound_paper_curve(paper, model).rename(columns={"test_error": "error"})
        curves[Source.PAPER] = theirs
    parts = []
    for source, curve in curves.items():
        inner = curve[(curve.level <= DECAY_LEVELS[1]) & (curve.error < CHANCE_LEVEL)]
        kept, above = 1 - inner.level, CHANCE_LEVEL - inner.error
        law = decay_above_chance(curve.level, curve.error)
        fitted = law.factor * kept**law.exponent if law else np.nan
        parts.append(
            pd.DataFrame({"kept": kept, "above": above, "fitted": fitted, "source": source.value})
        )
    kept = pd.Series([1.0, 1 - DECAY_LEVELS[1]])
    for slope in (1, 2):
        name = f"slope {slope}"
        parts.append(pd.DataFrame({"kept": kept, "fitted": kept**slope, "source": name}))
    columns = ["kept", "above", "fitted", "source"]
    ticks = [round(1 - level, 1) for level in LEVELS if level <= DECAY_LEVELS[1]]
    base = alt.Chart(_joined(parts, columns)).encode(
        x=alt.X(
            "kept:Q",
            title="Share of the labels that are kept, 1 - p",
            scale=alt.Scale(type="log", domain=[1 - DECAY_LEVELS[1], 1], nice=False),
            axis=alt.Axis(values=ticks, format=".0%", labelOverlap=True),
        ),
        tooltip=[
            "source:N",
            alt.Tooltip("kept:Q", format=".0%", title="labels kept"),
            alt.Tooltip("above:Q", format=".1%", title="accuracy above chance"),
        ],
    )
    height_axis = alt.Y(
        "fitted:Q",
        title="Test accuracy above chance",
        scale=alt.Scale(type="log", domain=[0.01, 1], nice=False),
        axis=alt.Axis(values=[0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1], format=".0%"),
    )
    red = alt.value(COLOURS["test error"])
    slopes = base.transform_filter(alt.FieldOneOfPredicate("source", ["slope 1", "slope 2"]))
    layers = [
        slopes.mark_line(strokeWidth=1.5).encode(
            y=height_axis, color=alt.value(GREY), detail="source:N"
        ),
        slopes.transform_filter(alt.datum.kept < 0.5)
        .mark_text(align="left", baseline="top", dx=6, dy=5, fontSize=13)  # the line rises from it
        .encode(y=height_axis, text="source:N", color=alt.value(GREY)),
    ]
    for source, filled in ((Source.OURS, True), (Source.PAPER, False)):
        own = _of(base, source)
        layers += [
            own.mark_line(strokeWidth=2.5 if filled else 1.2).encode(y=height_axis, color=red),
            own.mark_point(size=90, filled=filled, strokeWidth=1.8, opacity=1).encode(
                y="above:Q", color=red
            ),
        ]
    return alt.LayerChart(layer=layers).properties(height=height)


def guess_bands(guesses: np.ndarray, ours: pd.DataFrame | None, height: int = 420) -> alt.LayerChart:
    """Return the chart of a room's guesses: their median, dashed, in the band of their middle half.

    guesses: (n, 2, 11), test errors before training errors. ours: rows of the sweep, drawn on top.
    """
    rows = []
    for which, quantity in enumerate(("test error", "training error")):
        for step, level in enumerate(LEVELS):
            if len(guesses):
                low, error, high = np.quantile(guesses[:, which, step], (0.25, 0.5, 0.75))
                row = {"level": level, "error": error, "low": low, "high": high}
                rows.append({**row, "quantity": quantity, "source": Source.GUESSED.value})
    parts = [pd.DataFrame(rows, columns=GUESS_COLUMNS)]
    if ours is not None:
        truth = _with_gaps(level_means(ours), ["model", "quantity"])
        parts.append(truth.assign(source=Source.OURS.value))
    base = alt.Chart(_joined(parts, GUESS_COLUMNS)).encode(
        x=level_axis(),
        y=share_axis("Error", "error"),
        color=colour(["test error", "training error"]),
        tooltip=[
            "source:N",
            "quantity:N",
            alt.Tooltip("level:Q", format=".0%", title="corruption level"),
            alt.Tooltip("error:Q", format=".1%"),
        ],
    )
    guessed, true = _of(base, Source.GUESSED), _of(base, Source.OURS)
    layers = [
        guessed.mark_area(opacity=0.2).encode(y="low:Q", y2="high:Q"),
        guessed.mark_line(strokeDash=[6, 4], strokeWidth=2),
        true.mark_line(strokeWidth=3),
        true.mark_point(size=70, filled=True, opacity=1),
    ]
    return alt.LayerChart(layer=layers).properties(height=height)


def _with_gaps(means: pd.DataFrame, lines: list[str]) -> pd.DataFrame:
    """The rows plus one without a value for every missing level, so that a line breaks there.

    lines: the columns that identify a line.
    """
    if means.empty:  # pandas 3.1 cannot merge an empty column of strings
        return means
    levels = pd.DataFrame({"level": LEVELS})
    everywhere = means[lines].drop_duplicates().merge(levels, how="cross")
    return everywhere.merge(means, on=[*lines, "level"], how="outer")


def _joined(parts: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    """The rows of all parts, without empty parts, which have no types: pandas warns about them."""
    filled = [part for part in parts if len(part)]
    return pd.concat(filled or [pd.DataFrame()]).reindex(columns=columns)


def _of(base: alt.Chart, source: Source) -> alt.Chart:
    return base.transform_filter(alt.datum.source == source.value)
