"""Stopping in time and defending: what helped, and by how much."""

import pandas as pd

from core.cleaning.ranking import HELD_OUT
from core.view.words import per_cent, plural

DEFENCE_NAMES = {
    "none": "No defence",
    "label-smoothing": "Label smoothing",
    "generalized": "Generalized cross-entropy",
    "early-learning": "Early-learning regularization",
    "mixup": "Mixup",
    "weight-decay": "Weight decay",
    "random-crop": "Random crop",
}
DEFENCES_EXPLAINED = (
    "Label smoothing asks for 0.9 of the given label only (Szegedy et al. 2016). Generalized cross-entropy "
    "gives less weight to labels that are hard to believe (Zhang and Sabuncu 2018). Early-learning "
    "regularization pulls towards what the network said before (Liu et al. 2020). Mixup studies mixtures of "
    "two photographs (Zhang et al. 2018). Weight decay keeps weights small; random crops show every "
    "photograph a little differently each time. Published gains are of larger networks on ten times as many "
    "photographs: hold their order against ours, not their height."
)


def describe_stopping(means: pd.DataFrame) -> str:
    """means: cures.stopping_means of one network."""
    errors = (
        means.pivot(index="level", columns="kind", values="error") if len(means) else pd.DataFrame()
    )
    if not {"end", "noisy"} <= set(errors.columns):
        return "When to stop? For this network it is not computed yet."
    inner = errors[(errors.index >= 0.2) & (errors.index <= 0.8)]
    gains = (inner.end - inner.noisy).dropna()
    if gains.empty:
        return "When to stop? At the levels between it is not computed yet."
    better = int((gains > 0).sum())
    most = float(gains.sort_values().index[-1])
    there = inner[inner.index == most].iloc[0]
    return (
        f"Stopped where held-out photographs are read best, with the labels they were given, the network "
        f"misreads fewer new photographs at {better} of {plural(len(gains), 'level')} from 20% to 80%; most at "
        f"{most:.0%} corruption: {there['noisy']:.1%} instead of {there['end']:.1%} at the end."
    )


def explain_stopping(points: pd.DataFrame) -> str:
    seeds = points.groupby("level").seed.nunique()
    if not len(seeds):
        counted = "No run is there yet."
    elif seeds.max() == 1:
        counted = "One run at each level."
    else:
        counted = f"Mean over up to {seeds.max()} seeds; band: 95% interval."
    return (
        f"{HELD_OUT:.0%} of the 5,000 photographs are held out with the labels they were given, wrong ones among "
        "them: who has no other labels can do that. “At its best” looks at the true labels of the test "
        f"photographs, which nobody has in practice: it flatters. {counted}"
    )


def describe_stop(stopped: int, errors: list[float]) -> str:
    """A visitor's stop; errors: test errors of all epochs."""
    best = min(range(len(errors)), key=errors.__getitem__)
    own = errors[stopped - 1]
    end = f"At the end it was {errors[-1]:.1%}."
    if stopped == best + 1:
        return f"Exactly: in epoch {stopped} the test error was least, {own:.1%}. {end}"
    return (
        f"You stopped after epoch {stopped}: test error {own:.1%}. It was least after epoch {best + 1}: "
        f"{errors[best]:.1%}. {end}"
    )


def describe_stops(stops: list[int], best: int) -> str:
    """Of everybody in a room; best: the epoch with the least test error."""
    if not stops:
        return "Nobody has stopped yet."
    near = sum(abs(stop - best) <= 2 for stop in stops)
    return f"{plural(len(stops), 'stop')} so far, {near} of them within two epochs of the best one ({best})."


def describe_defences(table: pd.DataFrame, level: float) -> str:
    """table: cures.defence_points of one network."""
    means = table[table.level == level].groupby("defence")["last"].mean()
    if "none" not in means or len(means) < 2:
        return f"Which defence helps at {level:.0%}? That is not computed yet."
    gains = (means["none"] - means.drop("none")).sort_values(ascending=False)
    best, gain = str(gains.index[0]), float(gains.iloc[0])
    helped = [str(name) for name, value in gains.items() if value > 0.01]
    if not helped:
        return f"At {level:.0%} corruption none of these defences helps here by more than a point."
    text = (
        f"At {level:.0%} corruption {DEFENCE_NAMES[best].lower()} helps most: {means[best]:.1%} of new photographs "
        f"misread at the end, instead of {means['none']:.1%} ({100 * gain:.1f} points)."
    )
    kinds = {
        "It helps, too": [name for name, value in gains.items() if value > 0.01 and name != best],
        "By a point or less, either way": [name for name, value in gains.items() if abs(value) <= 0.01],
        "Worse than none": [name for name, value in gains.items() if value < -0.01],
    }
    for kind, names in kinds.items():
        if names:
            text += f" {kind}: {', '.join(DEFENCE_NAMES[str(name)].lower() for name in names)}."
    return text


def defence_rows(table: pd.DataFrame, level: float, times: dict[str, float]) -> pd.DataFrame:
    """A row for each defence: what it gives at a level, and what it costs, on true labels and in time.

    table: cures.defence_points; times: cures.defence_times.
    """
    at = table[table.level == level].groupby("defence")[["last", "best", "memorized"]].mean()
    clean = table[table.level == 0].groupby("defence")["last"].mean()
    known = [name for name in DEFENCE_NAMES if name in at.index]
    seeds = table[table.level == level].groupby("defence").seed.nunique()
    return pd.DataFrame(
        {
            "Defence": [DEFENCE_NAMES[name] for name in known],
            "Test error at the end": [per_cent(at["last"][name]) for name in known],
            "At its best epoch": [per_cent(at["best"][name]) for name in known],
            "Wrong labels memorized": [per_cent(at["memorized"][name]) for name in known],
            "On true labels": [per_cent(clean.get(name)) for name in known],
            "Time of an epoch": [f"x {times[name]:.2f}" if name in times else "–" for name in known],
            "Seeds": [seeds[name] for name in known],
        }
    )
