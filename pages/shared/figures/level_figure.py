"""The figure of a whole curve in training: its rows, made once for all who watch, and its drawing."""

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
    """How far each of these runs has come."""
    return level_points(resources.store(), configs)


class ClassLevels(NamedTuple):
    """The curve that a room trains together, at this moment."""

    configs: tuple[RunConfig, ...]  # of the places taken; of none: what would be trained at level 1
    points: list[LevelPoint]
    attendance: Attendance


@cached(32, seconds=0.4)
def class_levels(room: str) -> ClassLevels | None:
    """None: the room has shared out nothing."""
    shared = resources.shared_levels()
    config = shared.config(room)
    if config is None:
        return None
    configs = tuple(shared.configs(room))
    return ClassLevels(configs or (config,), points_of(configs), resources.classroom().attendance(room))


def highest(configs: Sequence[RunConfig]) -> RunConfig:
    """Of the runs of a curve the one that tells its noise: at level 0 there is none."""
    return max(configs, key=lambda config: config.level)


class LevelRows(NamedTuple):
    """What the figure draws, as the core makes it and as a browser is sent it; the runs' own rows."""

    frame: pd.DataFrame
    table: pa.Table
    of_runs: pd.DataFrame


def rows_of(
    points: Sequence[LevelPoint], config: RunConfig, stored: bool = False, paper: bool = False
) -> LevelRows:
    """stored, paper: beside the stored runs and the paper's points; config: of the highest level."""
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
    """name: of its place on the page; is_large: for a projector, also without `?large` in the address."""
    draw_live(
        name,
        (),
        lambda: charts.all_levels("container"),
        rows.table,
        is_large=is_large,
        height="stretch",
        alt="Test and training error against corruption level, as far as the runs have come",
    )
