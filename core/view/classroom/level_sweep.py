"""Sentences about the whole curve, live: what it shows, and what is still missing."""

from collections.abc import Sequence
from dataclasses import replace
from statistics import mean

from core.choices import NETWORKS, NOISES
from core.config import LEVELS, RunConfig
from core.live.classroom.classroom import Attendance
from core.live.classroom.level_sweep import LevelPoint
from core.view.run.captions import run_title
from core.view.words import about, plural

PAPERS_TEST_LABELS = (
    "They lie where errors would if the test labels were corrupted, too: higher than against true ones."
)
LEARNED = 0.02  # the largest training error with which a network counts as repeating its labels


def level_sweep_title(config: RunConfig) -> str:
    """Return the title of a level sweep: its network and images; config: any run with wrong labels."""
    rest = run_title(replace(config, level=0.0)).split(", ", 1)[1]
    noise = f" of {NOISES[config.noise].words}" if config.noise != "uniform" else ""
    return f"Every level{noise}, {rest}"


def describe_levels(points: Sequence[LevelPoint], noise: str = "uniform") -> str:
    """Say what the figure shows now; points: one for each submitted run; noise: its kind, in NOISES."""
    begun = [point for point in points if point.epoch]
    if not begun:
        return (
            "Eleven networks, one at each corruption level. They all start alike. Which error will fall, and "
            "which will stay?"
        )
    finished = {point.level for point in points if point.is_finished}
    if len(finished) < len(LEVELS):
        training, test = (
            _range(errors)
            for errors in (
                [point.train_error or 0.0 for point in begun],
                [point.test_error or 0.0 for point in begun],
            )
        )
        return (
            f"{len(finished)} of {len(LEVELS)} levels trained. So far the training error is {training}, "
            f"the test error {test}."
        )
    errors = {
        level: mean(point.test_error or 0.0 for point in begun if point.level == level)
        for level in (0.0, 1.0)
    }
    worst = max(begun, key=lambda point: point.train_error or 0)
    least = 1 - (worst.train_error or 0)
    if (worst.train_error or 0) > LEARNED:
        repeated = (
            f"at {worst.level:.0%} corruption, {1 - least:.0%} of the given labels are not learned yet"
        )
    else:
        share = "all" if least > 0.9995 else f"{least:.1%} or more of"
        repeated = f"every network repeats {share} the labels it was given"
    return (
        f"All {len(LEVELS)} levels: {repeated}. Trained on true labels, the network misreads {errors[0.0]:.0%} of "
        f"new photographs; trained on {NOISES[noise].words}, {errors[1.0]:.0%}."
    )


def _range(errors: Sequence[float]) -> str:
    least, most = f"{min(errors):.0%}", f"{max(errors):.0%}"
    return least if least == most else f"{least} to {most}"


def describe_seeds(
    points: Sequence[LevelPoint], has_stored: bool = False, has_paper: bool = False
) -> str:
    """Explain the marks; has_stored, has_paper: whether stored runs and the paper are drawn."""
    seeds = len({point.seed for point in points})
    text = "A mark is a run, hollow until it is finished."
    if seeds > 1:
        text += f" The line is the mean of up to {seeds} runs per level; the band goes from the smallest to the largest."
    if has_stored:
        text += (
            " Thin gray lines: the stored runs with the usual settings and random labels, test error and "
            "training error."
        )
    if has_paper:
        text += f" Gray diamonds: the paper's test errors, on 50,000 images. {PAPERS_TEST_LABELS}"
    return text


def describe_lacking(points: Sequence[LevelPoint], attendance: Attendance) -> str:
    """Say what the class's figure still waits for, in counts without names."""
    finished = {point.level for point in points if point.is_finished}
    training = sum(point.is_active for point in points)
    stopped = sum(not point.is_active and not point.is_finished for point in points)
    free = len(LEVELS) - len({point.level for point in points})
    parts = [
        f"{plural(attendance.joined, 'visitor')} in the room",
        f"{plural(len(points), 'place')} taken" if points else "no place taken",
    ]
    if training:
        parts.append(f"{training} still in training")
    if stopped:
        parts.append(f"{stopped} stopped before the end")
    if free:
        waits = "waits" if free == 1 else "wait"
        parts.append(f"{free} of {len(LEVELS)} levels {waits} for somebody")
    elif len(finished) == len(LEVELS):
        parts.append("the figure is complete")
    return " · ".join(parts)


def describe_whole(config: RunConfig, seconds: float) -> str:
    """Say what the button for the whole curve will do; seconds: the estimated time."""
    return (
        f"Eleven runs of {plural(config.epochs, 'epoch')}, {NETWORKS[config.model].short}: {about(seconds)}. "
        "They count as one of your runs."
    )
