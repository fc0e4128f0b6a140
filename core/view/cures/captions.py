"""Sentences about early stopping and defences: what helped, and by how much."""

from typing import Any

import pandas as pd

from core.choices import DEFENCES, NOISES
from core.cleaning.ranking import HELD_OUT
from core.sweep.cures import defence_gains
from core.sweep.statistics import SeedGains, early_stopping_gains, gains_by_seed, margin_of_error
from core.sweep.stopping import stopping_gains
from core.view.words import between, compute, per_cent, plural, the_network

PUBLISHED_EXPLAINED = (
    "Published gains come from larger networks on ten times as many photographs: compare their order with "
    "ours, not their size."
)


def explain_each_defence() -> str:
    """Explain to experts what each defence does, and how to read the published gains."""
    known = [defence.explanation for defence in DEFENCES.values() if defence.explanation]
    return " ".join([*known, PUBLISHED_EXPLAINED])


def describe_published_defences(literature: dict[str, Any]) -> str:
    """Give published results of a defence and of none; literature: reference.noisy_labels."""
    elr, plain = literature["early_learning_regularization"], literature["dividemix_table_1"]
    accuracy = dict(zip(plain["noise_all"], plain["cross_entropy_best"], strict=True))[0.5]
    return (
        f"Published, on all 50,000 photographs: early-learning regularization with a {elr['network']} names "
        f"{elr['test_accuracy_symmetric']['0.4']:.1%} of the test photographs correctly at 40% symmetric noise (Liu et "
        "al. 2020; our source does not say whether the true class can be drawn). Without a defence, another "
        f"study gets {accuracy:.1%} at 50%, at the best epoch, with labels drawn from all ten classes like ours "
        "(Li et al. 2020)."
    )


RULES = {
    "held_out": "Stopped when its error on held-out photographs, with their given labels, is lowest",
    "label_wave": "Stopped when its answers for the training photographs change least, with nothing held out",
}


def describe_stopping(points: pd.DataFrame, model: str, rule: str = "held_out") -> str:
    """Say what early stopping gains; points: stopping.stopping_points of one network; rule: of RULES.

    Empty for a rule that was not tried.
    """
    runs = stopping_gains(points, rule)
    runs = runs[(runs.level >= 0.2) & (runs.level <= 0.8)]
    if runs.empty and len(points):
        return ""
    if runs.empty:
        return "When to stop? That is not computed for this network yet." + compute(
            "mini-stopping", model
        )
    means = runs.groupby("level")[["end", "stopped", "gain"]].mean()
    better = int((means.gain > 0).sum())
    gain = gains_by_seed(runs.gain, runs.seed)
    example = means.iloc[len(means) // 2]
    return (
        f"{RULES[rule]}, {the_network(model)} misreads fewer new photographs at {better} of {plural(len(means), 'level')} from 20% to 80%: "
        f"{_gains_in_words(gain)}. At {example.name:.0%} corruption: {example.stopped:.1%} instead of "
        f"{example.end:.1%} at the end."
    )


def _gains_in_words(gain: SeedGains) -> str:
    """The mean gain, that of each seed, and whether it may be chance."""
    text = f"{100 * gain.mean:.1f} points fewer on average"
    if gain.margin is None:
        return f"{text} (one seed)"
    each = ", ".join(f"{100 * value:.1f}" for value in gain.by_seed)
    text += f" (by seed: {each}; 95% interval ± {100 * gain.margin:.1f})"
    return text if gain.mean > gain.margin else f"{text}, which may be chance"


def describe_held_out_cost(points: pd.DataFrame, whole: pd.DataFrame) -> str:
    """Say what it costs to hold out a fifth of the photographs.

    points: stopping.stopping_points of one network; whole: protocol.label_runs of the same network,
    which study all photographs to the end. Empty if there is nothing to compare.
    """
    stopped = points[points.kind == "held_out"].set_index(["level", "seed"]).test_error
    ends = whole.set_index(["level", "seed"]).final_test_error
    costs = early_stopping_gains(ends, stopped)
    costs = costs[(costs.index >= 0.2) & (costs.index <= 0.8)]
    if costs.empty:
        return ""
    better, worse = (
        [f"{level:.0%}" for level in costs.index[is_so]]
        for is_so in (costs.gain > costs.margin, costs.gain < -costs.margin)
    )
    parts = [f"better at {', '.join(better)}"] if better else []
    parts += [f"worse at {', '.join(worse)}"] if worse else []
    if len(better) + len(worse) < len(costs):
        rest = "the other levels" if parts else "every level"
        parts.append(f"the same at {rest}, as far as 1,000 photographs can tell")
    return (
        "Early stopping has its price: the network does not study a fifth of the photographs. Compared with a "
        f"network that studies all 5,000 to the end, the stopped one is {'; '.join(parts)}."
    )


def noise_rows(points: pd.DataFrame, noises: dict[str, str]) -> pd.DataFrame:
    """Return the table of early stopping with other kinds of noise, one row for each.

    points: stopping.stopping_points of stopping.other_noise_runs; noises: the kind of noise by run id.
    """
    named = points.assign(noise=points.run_id.map(noises))
    rows = []
    for (noise, level), alike in named.groupby(["noise", "level"]):
        gains = stopping_gains(alike)
        rows.append(
            {
                "Labels": f"{level:.0%} {NOISES[str(noise)].words}",
                "At the end": per_cent(gains.end.mean()),
                "Stopped": per_cent(gains.stopped.mean()),
                "Gained": f"{100 * gains.gain.mean():+.1f} points",
                "Seeds": len(gains),
            }
        )
    return pd.DataFrame(rows)


def explain_stopping(points: pd.DataFrame, images: int = 5_000) -> str:
    """Explain the chart of early stopping; points: stopping.stopping_points of one network.

    images: how many photographs the runs are given.
    """
    seeds = points.groupby("level").seed.nunique()
    if not len(seeds):
        counted = "No run is computed yet."
    elif seeds.max() == 1:
        counted = "One run at each level."
    else:
        counted = f"Mean over up to {seeds.max()} seeds; band: 95% interval."
    held_out = (
        f"{HELD_OUT:.0%} of the {images:,} photographs are held out with their given labels, some of them wrong. "
        "This needs no true labels, so anyone can do it. "
    )
    return (
        f"{held_out if (points.kind == 'held_out').any() else ''}“At its best” uses the true labels of the test "
        f"photographs, which nobody has in practice, so it is too good. {counted}"
    )


def explain_label_wave(points: pd.DataFrame) -> str:
    """Explain the rule of prediction changes, and where it fails; points: see `explain_stopping`."""
    waves, ends = (points[points.kind == kind] for kind in ("label_wave", "end"))
    both = waves.merge(ends, on=["level", "seed"], suffixes=("", "_end"))
    both = both[(both.level >= 0.2) & (both.level <= 0.8)]
    if both.empty:
        return ""
    never = int((both.epoch == both.epoch_end).sum())
    harmed = both[both.test_error > both.test_error_end + 0.02]
    text = (
        "For experts: prediction changes are the share of training photographs whose answer differs from that of "
        "the epoch before (mean of three epochs, first minimum: “Label Wave”, Yuan, Feng and Liu, ICLR 2024). "
        "While a network learns the pattern, its answers settle; when it begins to learn wrong labels by heart, "
        "they move again. In older runs they are counted on 128 photographs. "
    )
    if never:
        text += f"In {never} of {plural(len(both), 'run')} the answers only settle, and the rule never stops. "
    if len(harmed):
        worst = (
            harmed.assign(loss=harmed.test_error - harmed.test_error_end).sort_values("loss").iloc[-1]
        )
        text += (
            f"It can stop too early: at {worst.level:.0%} in epoch {worst.epoch}, {100 * worst.loss:.0f} points "
            "above the end. "
        )
    return text.strip()


def describe_stop(stopped: int, errors: list[float]) -> str:
    """Compare a visitor's stop with the best epoch; errors: test errors of all epochs."""
    best = min(range(len(errors)), key=errors.__getitem__)
    own = errors[stopped - 1]
    end = f"At the end it was {errors[-1]:.1%}."
    if stopped == best + 1:
        return f"Exactly right: in epoch {stopped} the test error was lowest, {own:.1%}. {end}"
    return (
        f"You stopped after epoch {stopped}: test error {own:.1%}. It was lowest after epoch {best + 1}: "
        f"{errors[best]:.1%}. {end}"
    )


def describe_stops(stops: list[int], best: int) -> str:
    """Compare the epochs of a room's stops with the best one, which has the lowest test error."""
    if not stops:
        return "Nobody has stopped yet."
    near = sum(abs(stop - best) <= 2 for stop in stops)
    return f"{plural(len(stops), 'stop')} so far, {near} within two epochs of the best one ({best})."


def describe_defences(table: pd.DataFrame, level: float, model: str) -> str:
    """Say which defences help at a level; table: cures.defence_points of one network."""
    gains = defence_gains(table, level).sort_values("gain", ascending=False)
    if gains.empty:
        asked = f"Which defence helps at {level:.0%}? That is not computed yet."
        return asked + compute("mini-defences", model)
    chance = gains.seeds.map(margin_of_error)
    helped = gains[gains.gain > chance]
    if len(helped):
        best = helped.iloc[0]
        text = (
            f"At {level:.0%} corruption {DEFENCES[best.defence].words.lower()} helps most: the network misreads "
            f"{best.own:.1%} of new photographs at the end instead of {best.none:.1%}, {100 * best.gain:.1f} points "
            "fewer."
        )
    else:
        text = (
            f"At {level:.0%} corruption none of these defences helps by more than chance could explain."
        )
    kinds = {
        "Also helpful": helped[1:],
        "Too close to call": gains[gains.gain.abs() <= chance],
        "Worse than none": gains[gains.gain < -chance],
    }
    for kind, rows in kinds.items():
        if len(rows):
            text += f" {kind}: {', '.join(DEFENCES[name].words.lower() for name in rows.defence)}."
    return text


def describe_memorized(table: pd.DataFrame, level: float) -> str:
    """Say which defences keep wrong labels from being memorized; table: cures.defence_points."""
    shares = table[table.level == level].groupby("defence").memorized.mean()
    if "none" not in shares.index or len(shares) == 1:
        return ""
    none = shares.pop("none")
    if pd.isna(none):  # no label is wrong
        return ""
    kept = shares[shares < none - 0.05].sort_values()
    text = f"The network memorizes {none:.0%} of the wrong labels without a defence"
    if len(kept):
        text += ", " + ", ".join(
            f"{share:.0%} with {DEFENCES[str(name)].words.lower()}" for name, share in kept.items()
        )
    if len(kept) < len(shares):
        text += (
            f". {'The other defences make' if len(kept) else 'Each defence makes'} little difference"
        )
    return f"{text}."


def explain_defences(table: pd.DataFrame, level: float) -> str:
    """Say which runs the means are over, and which differences may be chance."""
    seeds = table[table.level == level].groupby("defence").seed.nunique()
    if not len(seeds):
        return ""
    counted = between(int(seeds.min()), int(seeds.max()), "seed")
    return (
        f"At {level:.0%} corruption, after 60 epochs on 5,000 photographs; means of {counted}. “Gained” compares "
        "each defence with none on the seeds that both share. On 1,000 new photographs "
        f"{100 * margin_of_error(1):.1f} points may be chance with one seed, {100 * margin_of_error(3):.1f} with three."
    )


def defence_rows(table: pd.DataFrame, level: float, times: dict[str, float | None]) -> pd.DataFrame:
    """Return the table of defences: their gain at a level, their cost on true labels and in time.

    table: cures.defence_points; times: cures.defence_times.
    """
    gains = defence_gains(table, level).set_index("defence").gain
    at = table[table.level == level].groupby("defence")[["last", "best", "memorized"]].mean()
    clean = table[table.level == 0].groupby("defence")["last"].mean()
    known = [name for name in DEFENCES if name in at.index]
    seeds = table[table.level == level].groupby("defence").seed.nunique()
    return pd.DataFrame(
        {
            "Defence": [DEFENCES[name].words for name in known],
            "Test error": [per_cent(at["last"][name]) for name in known],
            "Gained": [f"{100 * gains[name]:+.1f} points" if name in gains else "–" for name in known],
            "At its best epoch": [per_cent(at["best"][name]) for name in known],
            "Wrong labels memorized": [per_cent(at["memorized"][name]) for name in known],
            "On true labels": [per_cent(clean.get(name)) for name in known],
            "Time of an epoch": [_times(times[name]) if name in times else "–" for name in known],
            "Seeds": [seeds[name] for name in known],
        }
    )


def _times(times: float | None) -> str:
    return "no difference" if times is None else f"x {times:.2f}"
