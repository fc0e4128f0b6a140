"""Whose turn it is: every visitor gets the same time, however many runs they have.

Time and not epochs: a heavy run takes no more from the light ones of others than an equal
share. Pure arithmetic; the trainer asks and reports.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from core.live.runs.store import LiveRun


class FairShare:
    """The seconds of the device that each visitor with an active run has had."""

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
        """Of the visitor who has had the least time, the run that has waited longest.

        active: all that are queued or running; waiting: those of them to choose from.
        in_flight: run ids that are being trained now: who has one of them comes later.
        begun: run ids in the middle of an epoch: of one visitor's runs they come first.
        last_trained: run ids in the order of their last turns; others have had none.
        Who comes back or comes late begins level with the visitor who has had the least.
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
        """A run of this visitor has had so many seconds of the device."""
        if owner in self.used:  # who has left meanwhile begins level when they come back
            self.used[owner] += seconds
