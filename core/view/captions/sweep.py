"""The sweep: what its figures show, what their marks are, and what is missing."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from core.view.words import FLOOR_EXPLAINED, plural

EARLY = 5  # epochs_after_fitted of the grid "paper-until-fitted"


def describe_sweep(ours: pd.DataFrame, model: str) -> str:
    """What figure 1c shows; ours: rows of the precomputed sweep."""
    means = ours[ours.model == model].groupby("level").final_test_error.mean()
    if 0.0 in means.index and 1.0 in means.index:
        return (
            f"The more labels are wrong, the more new images are misread, from {means[0.0]:.0%} to "
            f"{means[1.0]:.0%}, which is guessing; yet every training set, lies and all, can be "
            "learned by heart."
        )
    return f"Our runs of {model} at both ends, on true and on random labels, are not computed yet."


def describe_time(times: pd.DataFrame, model: str) -> str:
    """What figure 1b shows; times: comparison.relative_fit_times."""
    ours = times[times.model == model]
    if not len(ours) or ours.level.max() == 0:
        return "How much longer do wrong labels take to be learned? For this we have too few runs yet."
    most = ours.sort_values("level").iloc[-1]
    return (
        f"At {most.level:.0%} corruption the network needs {most.time:.1f} times as many epochs to fit "
        "its training set as on true labels: wrong labels are learned later, but they are learned."
    )


def describe_fit_rule(times: pd.DataFrame, ours: pd.DataFrame, model: str, rule: str) -> str:
    """By what rule a training set counts as fitted, and what never gets there."""
    name = {"loss": "average training loss is 0.05 or less", "error": "training error is 5% or less"}
    text = f"Fitted: the first epoch whose {name[rule]}."
    levels = set(ours[ours.model == model].level) - set(times[times.model == model].level)
    if levels:
        text += (
            f" Not drawn: {_levels(levels)}, where some run does not get there before its learning "
            "rate has faded away."
        )
    return text


def describe_message(ours: pd.DataFrame, model: str) -> str:
    """The poster's message, in our numbers: what rises, what stays at zero, and why."""
    ours = ours[ours.model == model]
    if not len(ours):
        return ""
    at = ours.groupby("level").final_test_error.mean()
    worst = ours.final_train_error.max()
    rises = f"from {at.iloc[0]:.0%} at {at.index[0]:.0%} corruption to {at.iloc[-1]:.0%} at {at.index[-1]:.0%}"
    if len(at) == 1:
        rises = f"{at.iloc[0]:.0%} at {at.index[0]:.0%} corruption, the only level computed yet"
    return (
        f"**What rises:** the test error, {rises}.\n\n"
        f"**What stays near zero:** the training error, {worst:.1%} at most"
        f"{', even where all labels are random' if 1.0 in at.index else ''}.\n\n"
        "**Why:** where labels follow a pattern, the network finds the pattern; where they do not, it "
        "learns them by heart. A training error of zero does not say which of the two it did."
    )


def describe_sources(ours: pd.DataFrame, model: str, data: str, live_runs: int) -> str:
    """What the marks of the sweep's chart are, and what is not there.

    ours: runs of the sweep; live_runs: how many of the visitor's own are drawn.
    """
    computed = ours[ours.model == model]
    levels = computed.level.nunique()
    images = "all 50,000 images" if data == "full" else "the 5,000 embedded images"
    if levels:
        seeds = computed.groupby("level").seed.nunique()
        least, most = int(seeds.min()), int(seeds.max())
        count = plural(most, "seed") if least == most else f"{least} to {plural(most, 'seed')}"
        text = (
            f"Filled: ours, {levels} of 11 levels, {count}, {images}, batch size "
            f"{computed.iloc[0].batch_size}, on {_devices(computed)}."
        )
        if most > 1:
            text += " Band: from the lowest seed to the highest."
        early = computed[computed.epochs_after_fitted == EARLY]
        if len(early):
            text += (
                f" At {_levels(early.level.unique())}: read {EARLY} epochs after the training set is "
                "fitted; in runs that were longer the test error then still moved by 0.8 points or "
                "less (root mean square)."
            )
    else:
        grid = "paper" if data == "full" else "mini"
        text = (
            f"Our own runs of {model} on {images} are not computed yet: "
            f"`python -m core sweep --grid {grid} --model {model}` trains them."
        )
    text += f" Dashed: {FLOOR_EXPLAINED}."
    if data == "full":
        text += " Hollow: Zhang et al. 2017, figure 1."
    else:
        text += " The paper has no such small training set: nothing of it is drawn here."
    if live_runs:
        text += " Large: your own finished runs, whatever images they learned from."
    return text


CONVERTED_LINE = " Thin line: our error if the test labels were corrupted as well."


def describe_others(poster: bool, earlier: bool, attempts: dict[str, Any]) -> str:
    """What the grey marks are, and what was wrong there; attempts: reference.earlier_attempts."""
    parts = []
    if poster:
        parts.append(
            "Grey crosses: the poster of 2023, which reports the ends only. Its Inception was never "
            "trained to zero training error on corrupted labels."
        )
    if earlier:
        faults = attempts["mdv3101/Rethinking_Generalization"]["known_faults"]
        parts.append(
            "Grey dashes: an earlier public attempt (mdv3101/Rethinking_Generalization). What was "
            f"wrong in it: {'; '.join(faults)}. Grey triangle: public code by the paper's first author "
            "(pluskid/fitting-random-labels), 300 epochs on random labels; its networks are others."
        )
    return " ".join(parts)


def describe_replication(table: pd.DataFrame, model: str) -> str:
    """How near we are; table: replication.replication."""
    ours = table[table.model == model]
    if not len(ours):
        return f"Nothing of what the paper prints or plots of {model} is computed yet."
    text = f"Of {model}, {len(ours)} numbers that the paper prints or plots are computed"
    last = ours[ours.source == "Table 1"]
    if len(last):
        text += (
            f"; those of its table 1 differ from ours by {100 * last.difference.abs().max():.1f} "
            "percentage points at most"
        )
    return (
        f"{text}. Where the paper contradicts itself, the remark says so. Fractions, not per cent; "
        "times relative to true labels."
    )


def describe_gap(table: pd.DataFrame) -> str:
    """Why the paper's points lie above ours; table: comparison.beside_paper."""
    # The paper's point at 60% is the one at 70% over again.
    inner = table[(table.level > 0) & (table.level < 1) & (table.level != 0.6)]
    if not len(inner):
        return ""
    gap = 100 * (inner.paper - inner.ours).max()
    rest = 100 * (inner.paper - inner.converted).abs().max()
    return (
        f"**Why do the paper's points lie up to {gap:.0f} percentage points above ours?** We measure "
        "against the true labels of the test images. If the test labels were corrupted at the same "
        "level as well, the same networks would be counted wrong as often as the thin line says. "
        f"The paper's points lie on that line, never more than {rest:.1f} points away (at 60% the "
        "paper's figure repeats its point at 70%). All three of the paper's curves bend like that. "
        "What was done we do not know; corrupted test labels are a known fault of one of the public "
        "attempts that came after it."
    )


def _devices(runs: pd.DataFrame) -> str:
    """In short: each run's own caption names the processor."""
    names = {
        "CPUs" if device_type == "cpu" else device
        for device_type, device in zip(runs.device_type, runs.device, strict=True)
    }
    return ", ".join(sorted(names))


def _levels(levels: Iterable[float]) -> str:
    return "level " + ", ".join(f"{level:.0%}" for level in sorted(levels))
