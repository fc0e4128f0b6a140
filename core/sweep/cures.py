"""The effect of defences against wrong labels, from the stored runs."""

import json
from functools import cache
from typing import Any

import pandas as pd

from core.choices import DEFENCES
from core.config import RunConfig
from core.paths import ASSETS
from core.sweep.protocol import by_protocol

# The settings that defences change, with their values in a run without a defence.
USUAL: dict[str, Any] = {
    "loss": "cross-entropy", "mixup": 0.0, "weight_decay": 0.0, "random_crop": False
}  # fmt: skip


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
