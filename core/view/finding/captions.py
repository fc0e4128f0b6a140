"""Sentences about finding and repairing wrong labels: what was found, at what cost, with what gain."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.choices import NOISES
from core.cleaning.ranking import (
    FIRST_HALF_EPOCHS,
    FOLD_EPOCHS,
    FOLDS,
    MARGIN_EPOCHS,
    SECOND_HALF_EPOCHS,
    Found,
    Ranking,
)
from core.config import CLASS_COUNT, RunConfig
from core.data.cifar10 import CLASSES
from core.data.corruption import LabelCorruption
from core.data.noise import wrong_share
from core.records import EpochRecord
from core.sweep.statistics import margin_of_error
from core.view.finding.charts import FORGETTING
from core.view.words import plural

EXPLAINED = {
    "confident": (
        f"Confident learning: {FOLDS} networks are each trained on {FOLDS - 1} quarters of the photographs and "
        "estimate how probable the labels of the last quarter are. The least probable come first (Northcutt et "
        "al. 2021)."
    ),
    "margin": (
        "Area under the margin: how much surer the network is of the given label than of any other, on "
        f"average over the first {MARGIN_EPOCHS} epochs of one network that studies all photographs. The network learns "
        "wrong labels more slowly, so the smallest margins come first (Pleiss et al. 2020)."
    ),
    "kernel": (
        "No network and no training: a Gaussian kernel is fitted to all labels but one, and asked about the one that "
        "was left out, for each of the 5,000 photographs (exactly, by one inverse matrix). The labels that the "
        "others contradict most come first."
    ),
    "forgetting": (
        f"Teach it something else: a network studies one half of the photographs for {FIRST_HALF_EPOCHS} epochs, until it "
        f"repeats every label, and then the other half for {SECOND_HALF_EPOCHS}. What it learned by heart goes first. The labels "
        "whose margin is smallest in these last epochs come first; a second network swaps the halves (after "
        "Maini et al. 2022, second-split forgetting)."
    ),
    "loss": (
        "The network is stopped when its error on held-out photographs, with their given labels, is lowest. The "
        "labels with the highest loss come first: at this epoch the network repeats fewer wrong labels than at "
        "the end. A photograph that it never studied has a higher loss for that reason alone, so studied and "
        "held-out ones are ranked separately and then merged. This ranking hangs on a single epoch: another "
        "seed can stop much earlier or later, and rank worse."
    ),
}


def describe_published_cleaning(literature: dict[str, Any]) -> str:
    """Give the published result of confident learning; literature: reference.noisy_labels."""
    table = literature["confident_learning_table_2"]
    place = table["noise"].index(0.4)
    return (
        "Published, with a larger network on all 50,000 photographs and 40% wrong labels: trained on the "
        f"photographs that confident learning keeps, it names {table['best_of_confident_learning'][place]:.1%} of the test photographs "
        f"correctly; trained on all, {table['baseline'][place]:.1%} (Northcutt et al. 2021)."
    )


def describe_forty(config: RunConfig, count: int, marks: int) -> str:
    """Ask the visitor to mark `marks` suspicious labels among `count` photographs."""
    return (
        f"Of 5,000 photographs {wrong_share(config):.0%} have a wrong label ({100 * config.level:g}% "
        f"{NOISES[config.noise].words}). Here are {count}. **Mark the {marks} labels that you trust least.**"
    )


def describe_marks(is_wrong: NDArray[np.bool_], marks: Sequence[int]) -> str:
    """Say how many marks hit wrong labels; is_wrong: of the shown photographs; marks: indices."""
    hits = int(is_wrong[list(marks)].sum())
    return (
        f"Of the {len(marks)} photographs that you marked, {_have(hits)} a wrong label; of all {len(is_wrong)}, "
        f"{_have(int(is_wrong.sum()))} one."
    )


def _have(count: int) -> str:
    return f"{count} has" if count == 1 else f"{count} have"


def describe_found(
    score: Found,
    ranking: Ranking,
    is_wrong: NDArray[np.bool_],
    marks: NDArray[np.int64],
    shown: NDArray[np.int64],
) -> str:
    """Say how well the ranking finds wrong labels, compared with the visitor.

    marks: indices of the images that the visitor marked; shown: indices of those they could choose.
    """
    few = len(marks)
    of_shown = ranking.order[np.isin(ranking.order, shown)][:few]
    own, machine = int(is_wrong[marks].sum()), int(is_wrong[of_shown].sum())
    wrong = int(is_wrong.sum())
    return (
        f"Your {few} marks hit {own} wrong labels; the machine's {few}, chosen from the same {len(shown)} "
        f"photographs, hit {machine}. Of all {len(is_wrong):,} labels {wrong:,} are wrong. Of the first {wrong:,} "
        f"on the machine's list, {score.precision_at_count:.0%} are wrong."
    )


def explain_precision(score: Found) -> str:
    """Explain the chart of precision against recall."""
    return (
        "The machine's list, from its first photograph on the left to its last on the right: the share of the "
        "labels so far that are wrong (precision), against the share of all wrong labels found so far (recall). "
        "Dashed: a list in random order. Ring: your ten marks, of forty photographs. "
        f"In {score.roc_area:.1%} of all pairs, the wrong label ranks before the right one (area under the ROC curve)."
    )


def describe_transition(estimated: NDArray[np.floating], true: NDArray[np.floating]) -> str:
    """Compare the estimated with the true transition matrix, both (K, K) with true classes in rows."""
    off = float(np.abs(estimated - true).mean())
    place = np.unravel_index(np.argmax(np.abs(estimated - true)), true.shape)
    row, column = CLASSES[place[0]], CLASSES[place[1]]
    return (
        f"Estimated without the true labels. On average a cell is {100 * off:.1f} points off the truth. The "
        f"largest gap is for {row} labeled {column}: {estimated[place]:.0%} estimated, {true[place]:.0%} true."
    )


def describe_needed(config: RunConfig, ranking: str, runs: int) -> str:
    """Say which networks have to be trained before the ranking is available."""
    if ranking == "confident":
        return f"{plural(runs, 'network')} of {min(config.epochs, FOLD_EPOCHS)} epochs have to be trained first."
    if ranking == "forgetting":
        epochs = FIRST_HALF_EPOCHS + SECOND_HALF_EPOCHS
        return f"{plural(runs, 'network')} of {epochs} epochs on half of the photographs have to be trained first."
    if ranking == "margin":
        return f"One network has to be trained first, for {plural(min(config.epochs, MARGIN_EPOCHS), 'epoch')}."
    return "One network has to be trained first, with a fifth of the photographs held out."


def describe_search(runs: int, done: int, whole: int) -> str:
    """Say how far the training for a ranking is; done, whole: epochs of all its runs together."""
    return f"{plural(runs, 'network')} in training: {done} of {whole} epochs in all"


def describe_cost(
    mended: RunConfig,
    ranking: Ranking,
    corrupted: LabelCorruption,
    true_labels: NDArray[np.integer],
) -> str:
    """Say what the repair does to right and wrong labels.

    mended: the run with the repair; ranking, corrupted, true_labels: of all N training images.
    """
    labels, is_wrong = corrupted.labels, corrupted.is_wrong
    first = ranking.order[: round(mended.repaired * len(labels))]
    wrong, right = int(is_wrong[first].sum()), int((~is_wrong[first]).sum())
    if mended.repair == "drop":
        left = int(is_wrong.sum()) - wrong
        rest = len(labels) - len(first)
        return (
            f"**{len(first):,} photographs are left out: {wrong:,} with a wrong label and {right:,} with a right one "
            f"(false accusations). Of the {rest:,} labels that remain, {left:,} are wrong: {left / rest:.0%}.**"
        )
    named = ranking.prediction[first]
    now_right = int((named == true_labels[first]).sum())
    after = (int(is_wrong.sum()) - wrong + len(first) - now_right) / len(labels)
    return (
        f"**{len(first):,} photographs get the predicted class as their label: {wrong:,} with a wrong label and "
        f"{right:,} with a right one (false accusations). After that, {now_right:,} of the {len(first):,} labels are "
        f"right; of all labels {after:.0%} are wrong, before {is_wrong.mean():.0%}.**"
    )


def change(before: EpochRecord | None, after: EpochRecord | None) -> str | None:
    """Return the change of the test error in points; None if one is missing or both are the same."""
    if before is None or after is None or before is after:
        return None
    return f"{100 * (after.test_error - before.test_error):+.1f} points"


def describe_forgetting(rows: pd.DataFrame) -> str:
    """Say what is forgotten on the other half, and how fast; rows: charts.forgetting_rows."""
    at = rows.pivot_table(index="epoch", columns="quantity", values="share")
    right, wrong, new = (at.get(name, pd.Series(dtype=float)) for name in FORGETTING)
    last = int(at.index.max())
    if not len(wrong):
        return f"After {plural(last, 'epoch')} on the other half the network repeats {right[last]:.0%} of the labels."
    text = (
        f"After one epoch on the other half, the network repeats {wrong[1]:.0%} of the wrong labels and {right[1]:.0%} of "
        f"the right ones of the first half; after {last}, {wrong[last]:.0%} and {right[last]:.0%}. Of new photographs it then "
        f"names {new[last]:.0%} correctly."
    )
    by_chance = (1 - right[last]) / (CLASS_COUNT - 1)
    if wrong[last] <= by_chance + 0.05:
        return f"{text} So the wrong labels are gone, and what stays of the right ones is what the network had understood."
    return (
        f"{text} So wrong labels are forgotten faster, but not all of them: a network with room to spare keeps some "
        "of what it learned by heart."
    )


def describe_repaired(
    ends: Mapping[str, EpochRecord | None], wrong: tuple[float, float] | None = None
) -> str:
    """Say what the repair gained; ends: last epochs "Before", "After", "With true labels", or None.

    wrong: the shares of wrong labels before the repair and after it, if the network gave new labels.
    """
    before, after, truth = (ends[name] for name in ("Before", "After", "With true labels"))
    if before is None or after is None:
        return "Train again to see whether the repair helps."
    change = before.test_error - after.test_error
    is_chance = abs(change) < margin_of_error(1)
    text = (
        f"The error on new photographs {'fell' if change > 0 else 'rose'} by {100 * abs(change):.1f} points, from "
        f"{before.test_error:.1%} to {after.test_error:.1%}{': such a small change may be chance' * is_chance}."
    )
    if not is_chance and truth is not None and before.test_error > truth.test_error:
        gap = before.test_error - truth.test_error
        text += f" That is {max(0.0, change) / gap:.0%} of the way to the error with true labels ({truth.test_error:.1%})."
    if wrong and wrong[1] > wrong[0] and change > 0 and not is_chance:
        text += (
            f" And this although more labels are wrong than before, {wrong[1]:.0%} instead of {wrong[0]:.0%}: "
            "predicted labels follow a rule, and do less harm where they are wrong."
        )
    return f"**{text}**"
