"""The figure of a whole curve in training: its rows, made once for all who watch, and its drawing."""

from collections.abc import Sequence

import pandas as pd

from core.config import RunConfig
from core.live.curve import CurvePoint, curve_points
from core.sweep import comparison, reference
from core.view.charts import whole_curve as charts
from pages.shared import resources
from pages.shared.drawing import draw_live
from pages.shared.keeping import keep


@keep(32, seconds=0.4)
def points_of(configs: tuple[RunConfig, ...]) -> list[CurvePoint]:
    """How far each of these runs has come."""
    return curve_points(resources.store(), configs)


def rows_of(
    points: Sequence[CurvePoint], config: RunConfig, stored: bool = False, paper: bool = False
) -> pd.DataFrame:
    """What the figure draws. stored, paper: beside the stored runs and the paper's points."""
    return _rows_of(tuple(points), config.model, config.data, stored, paper)


@keep(64)
def _rows_of(
    points: tuple[CurvePoint, ...], model: str, data: str, stored: bool, paper: bool
) -> pd.DataFrame:
    runs = comparison.label_runs(resources.sweep(), data) if stored else None
    return charts.curve_rows(
        points,
        None if runs is None else runs[runs.model == model],
        reference.paper() if paper else None,
        model,
    )


def draw_curve(rows: pd.DataFrame, name: str = "whole-curve", is_large: bool = False) -> None:
    """name: of its place on the page; is_large: for a projector, also without `?large` in the address."""
    draw_live(
        name,
        (),
        lambda: charts.whole_curve("container"),
        rows,
        is_large=is_large,
        height="stretch",
        alt="Test and training error against corruption level, as far as the runs have come",
    )
