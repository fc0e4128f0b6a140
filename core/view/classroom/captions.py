"""Sentences about a class: its guesses, and the queue of its runs."""

from collections import Counter

import numpy as np
import pandas as pd

from core.live.runs.store import LiveRun
from core.sweep.figures import Guess, guess_gaps
from core.view.words import plural

GUESSES_EXPLAINED = (
    "Dashed: the median guess; band: the middle half of all guesses; solid: what happened."
)


def describe_guess(guess: Guess, ours: pd.DataFrame) -> str:
    """Say how far a guess is from the truth. guess: test and training errors; ours: the sweep."""
    gaps = guess_gaps(guess, ours)
    if gaps is None:
        return "The truth has not been computed yet."
    return (
        f"On average your guess of the test error is off by {100 * gaps[0]:.0f} percentage points, and "
        f"your guess of the training error by {100 * gaps[1]:.0f}."
    )


def describe_guesses(guesses: np.ndarray) -> str:
    """Say what the middle of a room's guesses expects; guesses: (n, 2, 11), see Classroom.guesses."""
    if not len(guesses):
        return "No guesses yet."
    count = "One guess" if len(guesses) == 1 else f"{len(guesses)} guesses"
    test, train = 100 * np.median(guesses[:, :, -1], axis=0)
    return (
        f"{count} so far. When all labels are random, half of them expect a test error of {test:.0f}% "
        f"or more, and half a training error of {train:.0f}% or more."
    )


def describe_queue(unended: list[LiveRun], is_paused: bool) -> str:
    """Describe all runs that have not ended; is_paused: whether the teacher has paused all training."""
    active = [run for run in unended if run.is_active]
    paused = len(unended) - len(active)
    waits = f" {plural(paused, 'run')} {'are' if paused > 1 else 'is'} paused." if paused else ""
    if is_paused:
        return f"All training is paused: {plural(len(active), 'run')} {_waits(len(active))}.{waits}"
    if not active:
        return f"Nobody is training.{waits}"
    if len(active) == 1:
        return f"1 run is training.{waits}"
    visitors = len({run.owner for run in active})
    return f"{len(active)} runs from {plural(visitors, 'visitor')} are taking turns.{waits}"


def describe_owners(unended: list[LiveRun]) -> str:
    """Name the visitors with the most runs, by their numbers in the teacher's table."""
    owners = list(dict.fromkeys(run.owner for run in unended))
    counts = Counter(run.owner for run in unended)
    most = [f"visitor {owners.index(owner) + 1} ({count})" for owner, count in counts.most_common(3)]
    return f"Most runs: {', '.join(most)}."


def describe_storage(used: int, free: int, megabytes: int) -> str:
    """Say how full the disk is.

    used: bytes of live runs and checkpoints; free: bytes on that disk; megabytes: the limit.
    """
    return (
        f"Runs and checkpoints take {used / 1e6:,.0f} of the {megabytes:,} MB that lab.toml allows; the "
        f"disk has {free / 1e9:,.1f} GB free."
    )


def _waits(count: int) -> str:
    return "waits" if count == 1 else "wait"
