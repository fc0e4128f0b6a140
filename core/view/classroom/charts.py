"""The chart of a live level sweep: errors against corruption level while the runs still train."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from core.config import LEVELS
from core.live.classroom.level_sweep import LevelPoint
from core.sweep.figures import level_means
from core.sweep.reference import paper_curve
from core.view.style import FLOOR, GREY, SHORT, colour, level_axis, share_axis

QUANTITIES = {"test_error": "test error", "train_error": "training error"}
NAMED_AT = 0.4  # the level at which the dashed line is named
COLUMNS = ["level", "error", "low", "high", "quantity", "kind", "is_finished", "seed", "epoch", "name"]


def all_levels(height: int | str = 480) -> alt.LayerChart:
    """Return the chart without rows; `level_rows` makes them.

    A mark is a run, hollow until it is finished. The line is the mean over the seeds; the band goes
    from the least to the greatest. Thin and gray: the stored sweep; gray diamonds: the paper.
    """
    base = alt.Chart(level_rows([])).encode(
        x=level_axis(),
        y=share_axis("Error", "error"),
        color=colour([*QUANTITIES.values(), FLOOR], has_legend=False),
        tooltip=[
            "quantity:N",
            alt.Tooltip("level:Q", format=".0%", title="corruption level"),
            alt.Tooltip("error:Q", format=".1%"),
            "seed:Q",
            "epoch:Q",
        ],
    )

    def of(kind: str, more: str = "true") -> alt.Chart:
        return base.transform_filter(f"datum.kind === '{kind}' && {more}")

    grey = alt.value(GREY)
    ends = of("mean", "datum.level === 1")
    layers = [
        of("floor").mark_line(strokeDash=[6, 4]),
        of("floor", f"datum.level === {NAMED_AT}")
        .mark_text(fontSize=13, fontWeight="bold", align="left", dx=8, dy=14)
        .encode(text="name:N"),
        of("stored").mark_line(strokeWidth=1.5).encode(color=grey, detail="quantity:N"),
        of("paper").mark_point(shape="diamond", size=110, strokeWidth=2, opacity=1).encode(color=grey),
        of("mean").mark_area(opacity=0.2).encode(y="low:Q", y2="high:Q"),
        of("mean").mark_line(strokeWidth=3),
        of("run", "!datum.is_finished").mark_point(size=70, strokeWidth=2, opacity=1),
        of("run", "datum.is_finished").mark_point(size=70, filled=True, opacity=1),
        ends.mark_text(fontSize=13, fontWeight="bold", align="right", dx=-4, dy=-16).encode(
            text="quantity:N"
        ),
    ]
    return alt.LayerChart(layer=layers).properties(height=height)


def level_rows(
    points: Sequence[LevelPoint],
    stored: pd.DataFrame | None = None,
    paper: dict[str, Any] | None = None,
    model: str = "",
    wrong: float = 0.9,
) -> pd.DataFrame:
    """Return the rows of the chart `all_levels`.

    stored: rows of the sweep for this network and these images; paper: reference.paper.
    wrong: the share of wrong labels at level 1 with this kind of noise.
    """
    rows: list[dict[str, Any]] = []
    for level in (0.0, NAMED_AT, 1.0):
        floor = {"level": level, "error": wrong * level, "quantity": FLOOR, "kind": "floor"}
        rows.append({**floor, "name": f"{SHORT[FLOOR]}: {wrong:.2g} p"})
    for field, quantity in QUANTITIES.items():
        known = [point for point in points if point.epoch]
        for point in known:
            rows.append(
                {
                    "level": point.level,
                    "error": getattr(point, field),
                    "quantity": quantity,
                    "kind": "run",
                    "is_finished": point.is_finished,
                    "seed": point.seed,
                    "epoch": point.epoch,
                }
            )
        for level in LEVELS:
            errors = [getattr(point, field) for point in known if point.level == level]
            if errors:
                mean, low, high = sum(errors) / len(errors), min(errors), max(errors)
                about = {"level": level, "quantity": quantity, "kind": "mean"}
                rows.append({**about, "error": mean, "low": low, "high": high})
    if stored is not None and len(stored):
        means = level_means(stored)
        for row in means.to_dict("records"):
            about = {"level": row["level"], "quantity": row["quantity"], "kind": "stored"}
            rows.append({**about, "error": row["error"]})
    if paper is not None:
        for row in paper_curve(paper, model).to_dict("records"):
            about = {"level": row["level"], "quantity": "test error", "kind": "paper"}
            rows.append({**about, "error": row["test_error"]})
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.assign(is_finished=table.is_finished.eq(True))
