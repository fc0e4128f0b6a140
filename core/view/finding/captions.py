"""Finding wrong labels and repairing them: what was found, what it cost, what it gave."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.choices import NOISES
from core.cleaning.ranking import FOLD_EPOCHS, FOLDS, Found, Ranking
from core.config import RunConfig
from core.data.cifar10 import CLASSES
from core.data.corruption import LabelCorruption
from core.data.noise import wrong_share
from core.records import EpochRecord
from core.sweep.statistics import margin_of_error
from core.view.words import plural

EXPLAINED = {
    "confident": (
        f"Confident learning: {FOLDS} networks, each trained on {FOLDS - 1} quarters of the photographs, say "
        "how probable the labels of the last quarter are. The least probable come first (Northcutt et al. 2021)."
    ),
    "margin": (
        "Area under the margin: how much surer the network is of the given label than of any other, on "
        "average over the first epochs. Wrong labels are learned more slowly; the smallest come first "
        "(Pleiss et al. 2020)."
    ),
    "loss": (
        "The network is stopped when its error on held-out photographs, with the labels they were given, is "
        "lowest. What it then finds hardest to believe comes first: it has memorized fewer lies than at the end."
    ),
}


def describe_published_cleaning(literature: dict[str, Any]) -> str:
    """literature: reference.noisy_labels."""
    table = literature["confident_learning_table_2"]
    place = table["noise"].index(0.4)
    return (
        "Published, with a larger network on all 50,000 photographs, 40% of the labels wrong: trained on what "
        f"confident learning leaves it names {table['best_of_confident_learning'][place]:.1%} of the test photographs "
        f"correctly, trained on all {table['baseline'][place]:.1%} (Northcutt et al. 2021)."
    )


def describe_forty(config: RunConfig, count: int, marks: int) -> str:
    return (
        f"Of 5,000 photographs {wrong_share(config):.0%} have a wrong label ({100 * config.level:g}% "
        f"{NOISES[config.noise].words}). Here are {count}. **Mark the {marks} whose label you trust least.**"
    )


def describe_marks(is_wrong: NDArray[np.bool_], marks: Sequence[int]) -> str:
    """is_wrong: of the photographs shown; marks: places of those that were marked."""
    hits = int(is_wrong[list(marks)].sum())
    return (
        f"Of the {len(marks)} that you marked, {_have(hits)} a wrong label; of all {len(is_wrong)}, "
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
    """How well the ranking finds them, beside the visitor.

    marks: indices of the images marked; shown: of those from which they were chosen.
    """
    few = len(marks)
    of_shown = ranking.order[np.isin(ranking.order, shown)][:few]
    own, machine = int(is_wrong[marks].sum()), int(is_wrong[of_shown].sum())
    wrong = int(is_wrong.sum())
    return (
        f"Of your {few} marks {own} were wrong labels; of the machine's {few}, from the same {len(shown)} "
        f"photographs, {machine}. Of all {len(is_wrong):,} labels {wrong:,} are wrong, and so are "
        f"{score.precision_at_count:.0%} of its first {wrong:,}."
    )


def explain_precision(score: Found) -> str:
    return (
        "The machine's list, from its first photograph at the left to its last at the right: how many of "
        "those looked at so far are wrong (precision) against how many of all wrong ones are among them "
        "(recall). Dashed: a list in random order. Ring: your ten marks, of forty photographs. "
        f"A wrong label ranks before a right one with a chance of {score.roc_area:.1%} (area under the ROC curve)."
    )


def describe_transition(estimated: NDArray[np.floating], true: NDArray[np.floating]) -> str:
    """(K, K) each, true classes in rows."""
    off = float(np.abs(estimated - true).mean())
    place = np.unravel_index(np.argmax(np.abs(estimated - true)), true.shape)
    row, column = CLASSES[place[0]], CLASSES[place[1]]
    return (
        f"Estimated without the true labels. On average a cell is {100 * off:.1f} points off the truth; most "
        f"for {row} labelled {column}: {estimated[place]:.0%} estimated, {true[place]:.0%} true."
    )


def describe_needed(config: RunConfig, ranking: str, runs: int) -> str:
    if ranking == "confident":
        return f"{plural(runs, 'network')} of {min(config.epochs, FOLD_EPOCHS)} epochs have to be trained first."
    return "One network has to be trained first, a fifth of the photographs held out."


def describe_search(runs: int, done: int, whole: int) -> str:
    return f"{plural(runs, 'network')} in training: epoch {done} of {whole} together"


def describe_cost(
    mended: RunConfig,
    ranking: Ranking,
    corrupted: LabelCorruption,
    true_labels: NDArray[np.integer],
) -> str:
    """What repairing so many does to right and wrong labels; of all training images."""
    labels, is_wrong = corrupted.labels, corrupted.is_wrong
    first = ranking.order[: round(mended.repaired * len(labels))]
    wrong, right = int(is_wrong[first].sum()), int((~is_wrong[first]).sum())
    if mended.repair == "drop":
        left = int(is_wrong.sum()) - wrong
        rest = len(labels) - len(first)
        return (
            f"**{len(first):,} photographs are left out: {wrong:,} with a wrong label, {right:,} with a right one "
            f"(false accusations). Of the {rest:,} labels that remain, {left:,} are wrong: {left / rest:.0%}.**"
        )
    named = ranking.prediction[first]
    now_right = int((named == true_labels[first]).sum())
    return (
        f"**{len(first):,} photographs get the name that the network gives them: {wrong:,} with a wrong label, "
        f"{right:,} with a right one (false accusations). Afterwards {now_right:,} of the {len(first):,} labels are "
        "right.**"
    )


def change(before: EpochRecord | None, after: EpochRecord | None) -> str | None:
    """Of the test error, in percentage points; None where one is not known, or both are the same."""
    if before is None or after is None or before is after:
        return None
    return f"{100 * (after.test_error - before.test_error):+.1f} points"


def describe_repaired(ends: Mapping[str, EpochRecord | None]) -> str:
    """ends: the last epoch Before, After and With true labels; None: not trained yet."""
    before, after, truth = (ends[name] for name in ("Before", "After", "With true labels"))
    if before is None or after is None:
        return "Train again to see whether the repairing helps."
    change = before.test_error - after.test_error
    is_chance = abs(change) < margin_of_error(1)
    text = (
        f"The error on new photographs {'fell' if change > 0 else 'rose'} by {100 * abs(change):.1f} points, from "
        f"{before.test_error:.1%} to {after.test_error:.1%}{': so small a change may be chance' * is_chance}."
    )
    if not is_chance and truth is not None and before.test_error > truth.test_error:
        gap = before.test_error - truth.test_error
        text += f" That is {max(0.0, change) / gap:.0%} of the way to what true labels would give ({truth.test_error:.1%})."
    return f"**{text}**"
