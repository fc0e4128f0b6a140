"""What a class sees of itself: its guesses, and who is training."""

from collections import Counter

import numpy as np
import pandas as pd

from core.live.runs.store import LiveRun
from core.sweep.figures import Guess, guess_gaps
from core.view.words import plural

GUESSES_EXPLAINED = "Dashed: the guess in the middle; band: half of all guesses; solid: what happened."


def describe_guess(guess: Guess, ours: pd.DataFrame) -> str:
    """How far the visitor's guess is from the truth; guess: test and training errors."""
    gaps = guess_gaps(guess, ours)
    if gaps is None:
        return "The truth has not been computed yet."
    return (
        f"Your guess of the test error is off by {100 * gaps[0]:.0f} percentage points on average, that "
        f"of the training error by {100 * gaps[1]:.0f}."
    )


def describe_guesses(guesses: np.ndarray) -> str:
    """guesses: Classroom.guesses."""
    if not len(guesses):
        return "No guess yet."
    count = "One guess" if len(guesses) == 1 else f"{len(guesses)} guesses"
    test, train = 100 * np.median(guesses[:, :, -1], axis=0)
    return (
        f"{count} so far. Half of them expect a test error of {test:.0f}% or more and a training "
        f"error of {train:.0f}% or more when all labels are random."
    )


def describe_queue(unended: list[LiveRun], is_paused: bool) -> str:
    """What the teacher's page says of all runs that have not ended; is_paused: all training."""
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
    """Who queues most, by the number that the teacher's table gives each visitor."""
    owners = list(dict.fromkeys(run.owner for run in unended))
    counts = Counter(run.owner for run in unended)
    most = [f"visitor {owners.index(owner) + 1} ({count})" for owner, count in counts.most_common(3)]
    return f"Most runs: {', '.join(most)}."


def describe_storage(used: int, free: int, megabytes: int) -> str:
    """used: bytes of live runs and checkpoints; free: bytes on that disk; megabytes: what is allowed."""
    return (
        f"Runs and checkpoints take {used / 1e6:,.0f} of the {megabytes:,} MB that lab.toml allows; the "
        f"disk has {free / 1e9:,.1f} GB free."
    )


def _waits(count: int) -> str:
    return "waits" if count == 1 else "wait"
