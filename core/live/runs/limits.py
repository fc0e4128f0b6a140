"""Limits on the runs that visitors of this server may submit."""

from dataclasses import dataclass

from core.config import RunConfig
from core.errors import RefusedError


@dataclass(frozen=True)
class Limits:
    """Limits per visitor, except the last two. The store checks them when a run is submitted."""

    runs: int = 5  # queued, running or paused at a time
    epochs: int = 400  # per run
    images: int = 50_000  # in the training set of one run
    address_runs: int = 150  # for all visitors with one network address, such as a school's router
    all_runs: int = 500  # for all visitors together

    def check(self, config: RunConfig, runs: int, address_runs: int = 0, all_runs: int = 0) -> None:
        """Raise RefusedError if the limits do not allow this run.

        runs, address_runs, all_runs: the unfinished runs of the visitor, of their network address
        and of the whole server, without this one.
        """
        if config.epochs > self.epochs or config.epochs_after_fitted:
            raise RefusedError(f"A run can have up to {self.epochs} epochs here: ask for fewer.")
        if config.train_images > self.images:
            raise RefusedError(
                f"A run can train on up to {self.images:,} images here: choose the embedded ones."
            )
        if runs >= self.runs:
            count = "one unfinished run" if self.runs == 1 else f"{self.runs} unfinished runs"
            raise RefusedError(
                f"You have {count} (paused ones count), which is all that one visitor can have here: "
                "wait until one is finished, or cancel one."
            )
        if address_runs >= self.address_runs:
            raise RefusedError(
                f"Your network address has {self.address_runs:,} unfinished runs, which is all that one "
                "address can have here: try again when some are finished."
            )
        if all_runs >= self.all_runs:
            raise RefusedError(
                f"This server allows {self.all_runs:,} unfinished runs at a time, and all are taken: try "
                "again when some are finished."
            )
