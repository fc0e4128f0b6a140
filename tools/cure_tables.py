"""The tables of docs/results.md on finding and repairing wrong labels."""

from dataclasses import replace

import pandas as pd

from core.choices import DEFENCES, RANKINGS, REPAIRS, words_of
from core.cleaning.ranking import rank_by_scores, score_ranking, sources
from core.config import RunConfig
from core.data.cifar10 import load_embedded
from core.data.corruption import given_labels
from core.data.noise import wrong_share
from core.sweep.cures import (
    defence_points,
    defended_runs,
)
from core.sweep.grids import CURE_LEVELS, CURED, SEEDS
from core.sweep.results import load_epochs, load_runs, load_scores
from core.sweep.stopping import (
    STOPPING,
    other_noise_runs,
    stopping_gains,
    stopping_points,
    validated_runs,
)
from core.view.cures.captions import noise_rows

Table = tuple[list[str], list[list[str]]]  # head and rows


def stopping() -> Table:
    """Test error at the end, at the epoch where held-out images stop the training, and at its best."""
    rows = []
    for model in CURED:
        runs = validated_runs(load_runs(), model)
        points = stopping_points(runs, load_epochs(runs.run_id))
        for level, of_level in points.groupby("level"):
            means = of_level.groupby("kind").test_error.mean()
            epoch = of_level[of_level.kind == "held_out"].epoch.mean()
            gain = stopping_gains(of_level).gain.mean()
            errors = [f"{100 * means[kind]:.1f}" for kind in STOPPING]
            seeds = str(of_level.seed.nunique())
            rows.append(
                [f"`{model}`", f"{level:.0%}", *errors, f"{100 * gain:+.1f}", f"{epoch:.0f}", seeds]
            )
    head = [
        "network",
        "level",
        *STOPPING.values(),
        "gained by stopping",
        "stopped after epoch",
        "seeds",
    ]
    return head, rows


def noises() -> Table:
    """Test error at the end and with early stopping, for noise that is not uniform."""
    rows = []
    for model in CURED:
        runs = other_noise_runs(load_runs(), model)
        points = stopping_points(runs, load_epochs(runs.run_id))
        table = noise_rows(points, dict(zip(runs.run_id, runs.noise, strict=True)))
        rows += [[f"`{model}`", *map(str, row)] for row in table.itertuples(index=False)]
    return ["network", "labels", "at the end", "stopped", "gained", "seeds"], rows


def rankings() -> Table:
    """The quality of each ranking at 40% uniform noise."""
    rows, labels = [], load_embedded().train_labels
    for model in CURED:
        for ranking in RANKINGS:
            if ranking == "kernel":  # takes ten seconds a seed, and is the same for all networks
                continue
            found = []
            for seed in SEEDS:
                config = RunConfig(model=model, level=CURE_LEVELS[0], seed=seed)
                scores = [load_scores(source.run_id) for source in sources(config, ranking)]
                known = [each for each in scores if each is not None]
                if len(known) < len(scores):
                    continue
                corrupted = given_labels(config, labels)
                order = rank_by_scores(ranking, known, corrupted.labels).order
                score = score_ranking(order, corrupted.is_wrong)
                assert score is not None, "some labels are wrong at 40%"
                found.append((score.roc_area, score.precision_at_count))
            if found:
                means = pd.DataFrame(found).mean()
                values = [f"{means[0]:.3f}", f"{means[1]:.1%}", str(len(found))]
                rows.append([f"`{model}`", RANKINGS[ranking], *values])
    head = [
        "network",
        "ranked by",
        "area under the ROC curve",
        "precision at the number of wrong labels",
    ]
    return [*head, "seeds"], rows


def repairing() -> Table:
    """Test error after training on repaired labels, compared with unrepaired and with true labels."""
    runs, rows = load_runs(), []
    ends = dict(zip(runs.run_id, runs.final_test_error, strict=True))
    wrong = round(wrong_share(RunConfig(level=CURE_LEVELS[0])), 6)
    for model in CURED:
        repaired = runs[
            (runs.model == model) & (runs.repair != "none") & (runs.level == CURE_LEVELS[0])
        ]
        for keys, alike in repaired.groupby(["repair", "ranking", "repaired"]):
            repair, ranking, share = keys
            alike = alike.sort_values("seed")
            seeds = list(alike.seed)
            bases = [RunConfig(model=model, level=CURE_LEVELS[0], seed=seed) for seed in seeds]
            before = [ends.get(base.run_id) for base in bases]
            truth = [ends.get(replace(base, level=0.0).run_id) for base in bases]
            after = alike.final_test_error
            note = "as many as are wrong" if share == wrong else ""
            rows.append(
                [
                    f"`{model}`", REPAIRS[str(repair)], RANKINGS[str(ranking)], f"{share:.0%} {note}".strip(),
                    _per_cent(before), f"{100 * after.mean():.1f}", _fallen(before, after), _per_cent(truth),
                    str(len(seeds)),
                ]
            )  # fmt: skip
    head = [
        "network",
        "suspects are",
        "ranked by",
        "how many",
        "before",
        "after",
        "fallen by",
        "with true labels",
        "seeds",
    ]
    return head, rows


def defences() -> Table:
    """Test error at the end with each defence, by level; at 40% also at the best epoch."""
    rows = []
    for model in CURED:
        runs = defended_runs(load_runs(), model)
        table = defence_points(runs, load_epochs(runs.run_id))
        for defence, name in words_of(DEFENCES).items():
            own = table[table.defence == defence]
            errors = []
            for level in sorted(CURE_LEVELS):
                at = own[own.level == level]
                few = f" ({len(at)})" if len(at) < len(SEEDS) else ""
                errors.append(f"{100 * at['last'].mean():.1f}{few}" if len(at) else "–")
            at = own[own.level == CURE_LEVELS[0]]
            if len(at):
                more = [f"{100 * at.best.mean():.1f}", f"{at.memorized.mean():.0%}"]
                rows.append([f"`{model}`", name, *errors, *more, str(at.seed.nunique())])
    levels = [f"{level:.0%}" for level in sorted(CURE_LEVELS)]
    head = ["network", "defence", *levels, "40%, best epoch", "40%, memorized", "seeds"]
    return head, rows


def in_float32() -> str:
    """A line that lists the defended runs trained without bfloat16; empty if there are none.

    Each is compared with a run without a defence, which may have been trained in bfloat16.
    """
    parts = []
    for model in CURED:
        runs = defended_runs(load_runs(), model)
        runs = runs[runs.level.isin(CURE_LEVELS) & runs.device.str.contains("float32")]
        for level, at in runs.groupby("level"):
            known = [each.words.lower() for key, each in DEFENCES.items() if key in set(at.defence)]
            all_of_them = len(known) == sum(bool(each.settings) for each in DEFENCES.values())
            which = "each defence" if all_of_them else ", ".join(known)
            seeds = sorted(at.seed.unique())
            of_seeds = "" if seeds == list(SEEDS) else f", seed {', '.join(map(str, seeds))}"
            parts.append(f"`{model}` at {level:.0%} ({which}{of_seeds})")
    if not parts:
        return ""
    return "\nTrained in float32, on processors without bfloat16: " + "; ".join(parts) + ".\n"


def _fallen(before: list[float | None], after: pd.Series) -> str:
    """The mean fall of the error in points. before, after: errors in the order of the seeds."""
    falls = [old - new for old, new in zip(before, after, strict=True) if old is not None]
    return f"{100 * sum(falls) / len(falls):.1f}" if falls else "–"


def _per_cent(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{100 * sum(known) / len(known):.1f}" if known else "–"
