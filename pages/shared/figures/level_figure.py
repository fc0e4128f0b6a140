"""The figure of a level sweep in training: its rows, made once for all viewers, and its drawing."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import pandas as pd
import pyarrow as pa

from core.config import RunConfig
from core.data.noise import wrong_share
from core.live.classroom.classroom import Attendance
from core.live.classroom.level_sweep import LevelPoint, level_points
from core.sweep import protocol, reference
from core.view.classroom import charts
from pages.shared.figures.drawing import draw_live
from pages.shared.server import resources
from pages.shared.server.cache import cached


@cached(32, seconds=0.4)
def points_of(configs: tuple[RunConfig, ...]) -> list[LevelPoint]:
    """Return the last epoch of each of these runs, read at most every 0.4 s."""
    return level_points(resources.store(), configs)


class ClassLevels(NamedTuple):
    """The state of the level sweep that a room trains together."""

    configs: tuple[RunConfig, ...]  # runs of the taken places; if there are none, the run at level 1
    points: list[LevelPoint]
    attendance: Attendance


@cached(32, seconds=0.4)
def class_levels(room: str) -> ClassLevels | None:
    """Return the state of the room's level sweep, or None if the room has none."""
    shared = resources.shared_levels()
    config = shared.config(room)
    if config is None:
        return None
    configs = tuple(shared.configs(room))
    return ClassLevels(configs or (config,), points_of(configs), resources.classroom().attendance(room))


def highest(configs: Sequence[RunConfig]) -> RunConfig:
    """Return the run at the highest level, which has the kind of noise: a run at level 0 has none."""
    return max(configs, key=lambda config: config.level)


class LevelRows(NamedTuple):
    """The rows of the figure: as a data frame, as sent to the browser, and those of the runs alone."""

    frame: pd.DataFrame
    table: pa.Table
    of_runs: pd.DataFrame


def rows_of(
    points: Sequence[LevelPoint], config: RunConfig, stored: bool = False, paper: bool = False
) -> LevelRows:
    """Return the rows; stored, paper: whether to add those; config: the run at the highest level."""
    wrong = round(wrong_share(replace(config, level=1.0)), 4)
    return _rows_of(tuple(points), config.model, config.data, wrong, stored, paper)


@cached(64)
def _rows_of(
    points: tuple[LevelPoint, ...], model: str, data: str, wrong: float, stored: bool, paper: bool
) -> LevelRows:
    runs = protocol.label_runs(resources.sweep(), data) if stored else None
    frame = charts.level_rows(
        points,
        None if runs is None else runs[runs.model == model],
        reference.paper() if paper else None,
        model,
        wrong,
    )
    table = pa.Table.from_pandas(frame, preserve_index=False)
    return LevelRows(frame, table, frame[frame.kind == "run"])


def draw_levels(rows: LevelRows, name: str = "whole-curve", is_large: bool = False) -> None:
    """Draw the figure; name, is_large: see `draw`."""
    draw_live(
        name,
        (),
        lambda: charts.all_levels("container"),
        rows.table,
        is_large=is_large,
        height="stretch",
        alt="Test and training error against corruption level, so far",
    )
