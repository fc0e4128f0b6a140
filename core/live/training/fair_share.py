"""Scheduling: every visitor gets the same training time, however many runs they have.

The share is in time, not epochs, so that a slow run takes no more than an equal share from the
fast runs of others. This module only computes; the trainer calls it and reports times to it.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from core.live.runs.store import LiveRun


class FairShare:
    """Seconds of device time used by each visitor who has an active run."""

    def __init__(self) -> None:
        self.used: dict[str, float] = {}

    def next(
        self,
        active: Iterable[LiveRun],
        waiting: Sequence[LiveRun],
        *,
        in_flight: Collection[str] = (),
        begun: Collection[str] = (),
        last_trained: Sequence[str] = (),
    ) -> LiveRun:
        """Return the run that has waited longest of the visitor who has used the least time.

        active: all queued and running runs; waiting: those of them to choose from.
        in_flight: ids of runs in training now; visitors with fewer of them go first.
        begun: ids of runs in the middle of an epoch; they go first among a visitor's runs.
        last_trained: ids of runs in the order of their last turns; other runs have had no turn.
        New and returning visitors start at the smallest time used so far.
        """
        owners = dict.fromkeys(run.owner for run in active)
        least = min((self.used[owner] for owner in owners if owner in self.used), default=0.0)
        self.used = {owner: max(self.used.get(owner, least), least) for owner in owners}
        now = Counter(run.owner for run in active if run.run_id in in_flight)
        owner = min((run.owner for run in waiting), key=lambda name: (now[name], self.used[name]))
        turns = {run_id: turn for turn, run_id in enumerate(last_trained)}
        runs_of_owner = [run for run in waiting if run.owner == owner]
        return min(runs_of_owner, key=lambda run: (run.run_id not in begun, turns.get(run.run_id, -1)))

    def report(self, owner: str, seconds: float) -> None:
        """Add to the device time that this visitor has used."""
        if owner in self.used:  # a visitor who has left starts at the smallest time when they return
            self.used[owner] += seconds
