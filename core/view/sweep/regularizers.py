"""Sentences about whether weight decay and random crops keep labels from being memorized."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from core.sweep.grids import TUTORIAL_WEIGHT_DECAY
from core.sweep.statistics import STOPS_MEMORIZING, stops_memorizing
from core.view.words import capitalized, plural

USED = {"random_crop": "random crop", "weight_decay": "weight decay"}
VERDICTS = {True: "yes", False: "no", None: "in part"}  # whether a regularizer stops memorizing


def name_regularizers(row: Mapping[Hashable, Any] | pd.Series) -> str:
    """Name the regularizers of a row of figures.regularized, as "random crop and weight decay"."""
    return " and ".join(words for name, words in USED.items() if row[name]) or "none"


def describe_regularized(table: pd.DataFrame) -> str:
    """Say whether a regularizer keeps random labels from being learned; table: figures.regularized."""
    names = {"random_crop": "random crops", "weight_decay": "weight decay"}
    clauses, moved, verdicts = [], [], []
    for row in table.to_dict("records"):
        used = " and ".join(words for name, words in names.items() if row[name])
        if row["labels"] == "true" and used and row["pairs"] > 0:
            moved.append(f"{used} {100 * row['gained']:+.1f} ({plural(int(row['pairs']), 'seed')})")
        if row["labels"] == "random" and used and pd.notna(row["train"]):
            theirs = f" ({row['paper_train']:.1%} in the paper)" if pd.notna(row["paper_train"]) else ""
            clauses.append(f"with {used} {row['train']:.1%}{theirs}")
            verdicts.append(f"{capitalized(used)}: {VERDICTS[stops_memorizing(row['train'])]}")
        elif row["labels"] == "random" and used and pd.notna(row["paper_train"]):
            clauses.append(f"with {used}, in the paper, {row['paper_train']:.1%}")
    text = "When all labels are random, the network repeats " + ", ".join(clauses) + " of them."
    if verdicts:
        text = f"{'; '.join(verdicts)}. {text}"
    if not clauses:
        text = "No run on random labels with a regularizer is computed yet."
    if moved:
        text += (
            " On true labels the test accuracy changes by this many points, compared seed by seed: "
            f"{', '.join(moved)}."
        )
    return text


REGULARIZERS_EXPLAINED = (
    "Accuracies at the end of training; the paper's are from its tables 1 and 4. Our weight decay is "
    "0.0005; the paper says “default” and prints no number. Such small differences need several seeds: "
    "one seed settles none of them. With crops, our training accuracy is measured on the centers of the "
    "images, the paper's on the images as they were cropped. A network that sees every image differently "
    "each time also needs longer: a low number after a fixed time does not show that it cannot memorize."
)


def describe_failed_alexnet(ours: pd.DataFrame) -> str:
    """Say what weight decay does to AlexNet on random labels; in the paper, that run failed.

    ours: rows of protocol.protocol_runs.
    """
    alone = ours[(ours.model == "alexnet") & (ours.corruption == "labels") & ~ours.random_crop]
    alone = alone[(alone.level == 1) & (alone.weight_decay > 0)]
    kept = 1 - alone.groupby("weight_decay").final_train_error.mean()
    text = (
        "The paper says that AlexNet with weight decay “failed to converge” on random labels, and prints no "
        "value. "
    )
    if not len(kept):
        return f"{text}Ours is not computed yet."
    repeated = ", ".join(f"{share:.1%} ({decay:g})" for decay, share in kept.items())
    text += f"With weight decay on all layers, our AlexNet repeats {repeated} of the labels. "
    if TUTORIAL_WEIGHT_DECAY in kept.index:
        text += (
            f"The tutorial from which the paper's AlexNet seems to come uses {TUTORIAL_WEIGHT_DECAY:g}, on two "
            "layers: "
        )
        fails = kept[TUTORIAL_WEIGHT_DECAY] < STOPS_MEMORIZING
        text += (
            "it may be the paper's. "
            if fails
            else "here that does not explain the paper's failure, either. "
        )
    failed = [decay for decay in kept.index[kept < STOPS_MEMORIZING] if decay > TUTORIAL_WEIGHT_DECAY]
    if failed:
        text += f"It fails with {min(failed):g}. "
    return text.strip()
