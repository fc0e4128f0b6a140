"""The effect of early stopping, repair and defences against wrong labels, from the stored runs."""

import json
from functools import cache
from typing import Any

import pandas as pd

from core.choices import DEFENCES
from core.cleaning.ranking import HELD_OUT
from core.config import RunConfig
from core.paths import ASSETS
from core.sweep.protocol import PROTOCOL, by_protocol
from core.sweep.statistics import over_seeds

STOPPING = {"end": "at the end", "held_out": "stopped by held-out images", "best": "at its best"}
# The settings that defences change, with their values in a run without a defence.
USUAL: dict[str, Any] = {
    "loss": "cross-entropy", "mixup": 0.0, "weight_decay": 0.0, "random_crop": False
}  # fmt: skip


def stopping_points(runs: pd.DataFrame, epochs: pd.DataFrame) -> pd.DataFrame:
    """The test error of each run at three epochs, named in STOPPING.

    They are the last epoch, the one with the smallest held-out error, and the one with the smallest
    test error; the first of them where several tie. runs: rows of the sweep with a validation
    share; epochs: their epochs. Columns model, level, seed, run_id, kind (of STOPPING), epoch,
    test_error.
    """
    rows = []
    for run in runs.to_dict("records"):
        history = epochs[epochs.run_id == run["run_id"]].sort_values("epoch").reset_index(drop=True)
        indices = {
            "end": len(history) - 1,
            "held_out": int(history.validation_error.argmin()),
            "best": int(history.test_error.argmin()),
        }
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


def stopping_gains(points: pd.DataFrame) -> pd.DataFrame:
    """The gain of stopping by held-out images: test error at the end minus that at the stop.

    points: stopping_points of one network. Columns level, seed, end, held_out, gain; a row for
    each run.
    """
    each = points.pivot_table(index=["level", "seed"], columns="kind", values="test_error")
    each = each.reindex(columns=["end", "held_out"]).reset_index()
    return each.assign(gain=each.end - each.held_out)


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


def defended_runs(runs: pd.DataFrame, model: str) -> pd.DataFrame:
    """The stored runs of a network on the embedded images with one defence, or with none.

    The added column `defence` holds the name in DEFENCES, "none" for none.
    """
    runs = by_protocol(runs, "embedded", but=("loss", "mixup"))
    same = (runs.model == model) & (runs.corruption == "labels") & (runs.epochs == RunConfig().epochs)
    runs = runs[same]
    names = []
    for run in runs.to_dict("records"):
        config = {name: run[name] for name in USUAL}
        changed = {name: value for name, value in config.items() if value != USUAL[name]}
        names.append(next((key for key, each in DEFENCES.items() if each.settings == changed), ""))
    runs = runs.assign(defence=names)
    return runs[runs.defence != ""]


def defence_points(runs: pd.DataFrame, epochs: pd.DataFrame) -> pd.DataFrame:
    """The last and the best test error of each defended run, and the share that it memorized.

    runs: from `defended_runs`; epochs: their epochs. Columns defence, level, seed, last, best,
    memorized.
    """
    best = epochs.groupby("run_id").test_error.min()
    return pd.DataFrame(
        {
            "defence": runs.defence,
            "level": runs.level,
            "seed": runs.seed,
            "last": runs.final_test_error,
            "best": runs.run_id.map(best),
            "memorized": runs.final_memorized,
        }
    )


def defence_gains(table: pd.DataFrame, level: float) -> pd.DataFrame:
    """The fall of the final test error by each defence, compared with none, seed by seed.

    table: defence_points of one network. Columns defence, gain, none, own (the two errors), seeds.
    Values are means over the seeds that have both a run with this defence and one without.
    """
    at = table[table.level == level]
    none = at[at.defence == "none"].set_index("seed")["last"]
    paired = at[(at.defence != "none") & at.seed.isin(none.index)]
    paired = paired.assign(none=paired.seed.map(none))
    gains = paired.groupby("defence", as_index=False).agg(
        none=("none", "mean"), own=("last", "mean"), seeds=("seed", "nunique")
    )
    return gains.assign(gain=gains.none - gains.own)


@cache
def defence_times(model: str) -> dict[str, float | None]:
    """The time of an epoch with each defence, as a multiple of one without, measured by `tools bench`.

    None where no difference was measured: the defence was slower in some rounds and faster in others.
    """
    try:
        rows = json.loads((ASSETS / "defences.json").read_text(encoding="utf-8"))["rows"]
    except FileNotFoundError:
        return {}
    return {
        row["defence"]: None if row["least"] < 1 < row["most"] else row["times"]
        for row in rows
        if row["model"] == model
    }
