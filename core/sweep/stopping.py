"""When to stop: by held-out images, by prediction changes, and what that gains in the stored runs."""

import itertools
from collections.abc import Sequence

import numpy as np
import pandas as pd

from core.cleaning.ranking import HELD_OUT
from core.config import RunConfig
from core.records import EpochRecord
from core.sweep.protocol import PROTOCOL, by_protocol, label_runs
from core.sweep.statistics import over_seeds

STOPPING = {
    "end": "at the end",
    "held_out": "stopped by held-out images",
    "label_wave": "stopped by prediction changes",
    "best": "at its best",
}
SMOOTHED = 3  # epochs over which prediction changes are averaged


def prediction_changes(records: Sequence[EpochRecord]) -> list[float | None]:
    """The share of training images whose prediction differs from that of the epoch before, by epoch.

    None for the first epoch. Records of older versions have none: theirs are those of the followed
    images.
    """
    changes: list[float | None] = [None] if records else []
    for before, after in itertools.pairwise(records):
        change = after.prediction_changes
        if change is None and after.predictions:
            pairs = zip(before.predictions, after.predictions, strict=True)
            change = sum(old != new for old, new in pairs) / len(after.predictions)
        changes.append(change)
    return changes


def label_wave_epoch(changes: Sequence[float | None]) -> int:
    """The epoch at which Label Wave stops, from 1.

    changes: for each epoch, the share of training images whose prediction differs from that of the
    epoch before; None or NaN for the first. While a network learns the pattern, its predictions
    settle; when it begins to memorize, they move again. The epoch is the middle of the three
    epochs at the first minimum of the mean of three; it is the last epoch where that mean never
    rises, or where there are fewer than four changes. Yuan, Feng and Liu, ICLR 2024 (their
    predictions are those made during the epoch; ours, those at its end).
    """
    known = np.array(changes[1:], dtype=float)  # of epochs 2, 3, ...
    if len(known) < SMOOTHED:
        return len(changes)
    smooth = np.convolve(known, np.ones(SMOOTHED) / SMOOTHED, "valid")  # centered on epochs 3, 4, ...
    rises = np.diff(smooth) > 1e-9
    return int(rises.argmax()) + 3 if rises.any() else len(changes)


def stopping_points(runs: pd.DataFrame, epochs: pd.DataFrame) -> pd.DataFrame:
    """The test error of each run at the epochs named in STOPPING.

    They are the last epoch, the one with the smallest held-out error, the one at which Label Wave
    stops, and the one with the smallest test error; the first of them where several tie. A run
    without held-out images has no row for those. runs: rows of the sweep; epochs: their epochs.
    Columns model, level, seed, run_id, kind (of STOPPING), epoch, test_error.
    """
    rows = []
    histories = dict(iter(epochs.sort_values("epoch").groupby("run_id")))
    for run in runs.to_dict("records"):
        history = histories[run["run_id"]].reset_index(drop=True)
        indices = {"end": len(history) - 1}
        if history.validation_error.notna().all():
            indices["held_out"] = int(history.validation_error.argmin())
        indices["label_wave"] = label_wave_epoch(history.prediction_changes.tolist()) - 1
        indices["best"] = int(history.test_error.argmin())
        for kind, index in indices.items():
            found = history.iloc[index]
            about = {name: run[name] for name in ("model", "level", "seed", "run_id")}
            rows.append(
                {**about, "kind": kind, "epoch": int(found.epoch), "test_error": found.test_error}
            )
    columns = ["model", "level", "seed", "run_id", "kind", "epoch", "test_error"]
    return pd.DataFrame(rows, columns=columns)


def stopping_means(points: pd.DataFrame) -> pd.DataFrame:
    """The mean test error over the seeds at each stopping point, and its 95% interval.

    points: stopping_points of one network. Columns kind, level, error, low, high, seeds.
    """
    parts = [
        over_seeds(rows, "test_error", "error").assign(kind=kind)
        for kind, rows in points.groupby("kind", sort=False)
    ]
    columns = ["kind", "level", "error", "low", "high", "seeds"]
    means = pd.concat(parts) if parts else pd.DataFrame(columns=columns)
    return means[columns].assign(low=means.low.clip(0, 1), high=means.high.clip(0, 1))


def stopping_gains(points: pd.DataFrame, rule: str = "held_out") -> pd.DataFrame:
    """The gain of stopping by a rule: test error at the end minus that at the stop.

    points: stopping_points of one network; rule: a kind of STOPPING. Columns level, seed, end,
    stopped, gain; a row for each run to which the rule applies.
    """
    each = points.pivot_table(index=["level", "seed"], columns="kind", values="test_error")
    each = each.reindex(columns=["end", rule]).dropna().reset_index()
    return each.assign(gain=each.end - each[rule]).rename(columns={rule: "stopped"})


def full_runs(runs: pd.DataFrame, model: str) -> pd.DataFrame:
    """The stored runs of a network on all images by the protocol, with and without held-out images."""
    whole = label_runs(runs, "full")
    held_out = by_protocol(runs, "full", but=("validation",))
    held_out = held_out[(held_out.validation == HELD_OUT) & (held_out.corruption == "labels")]
    held_out = held_out[(held_out.weight_decay == 0) & ~held_out.random_crop]
    both = pd.concat([whole, held_out])
    return both[both.model == model]


def validated_runs(runs: pd.DataFrame, model: str) -> pd.DataFrame:
    """The stored runs of a network by the protocol, except that images are held out for stopping."""
    return _validated(by_protocol(runs, "embedded", but=("validation",)), model)


def other_noise_runs(runs: pd.DataFrame, model: str) -> pd.DataFrame:
    """The stored runs of a network with held-out images and noise that is not uniform."""
    runs = _validated(by_protocol(runs, "embedded", but=("validation", "noise")), model)
    return runs[runs.noise != PROTOCOL["noise"]]


def _validated(runs: pd.DataFrame, model: str) -> pd.DataFrame:
    same = (runs.model == model) & (runs.validation == HELD_OUT) & (runs.corruption == "labels")
    same &= runs.epochs == RunConfig().epochs  # excludes the shorter runs that only rank labels
    return runs[same & (runs.weight_decay == 0) & ~runs.random_crop]
