"""What visitors of this server may ask for."""

from dataclasses import dataclass

from core.config import RunConfig
from core.errors import RefusedError


@dataclass(frozen=True)
class Limits:
    """Of one visitor, but for the last two. Checked where a run is accepted, not in a widget."""

    runs: int = 5  # waiting, training or paused at a time
    epochs: int = 400  # of one run
    images: int = 50_000  # of one run's training set
    address_runs: int = 150  # of all who share an address of the network, as a school behind a router
    all_runs: int = 500  # of all visitors together

    def check(self, config: RunConfig, runs: int, address_runs: int = 0, all_runs: int = 0) -> None:
        """Raises RefusedError for a run that is too much.

        runs: how many the visitor has already; address_runs: how many their address has; all_runs:
        how many there are.
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
                f"You have {count}, paused ones included, which is all that one visitor can have "
                "here: wait until one is finished, or cancel one."
            )
        if address_runs >= self.address_runs:
            raise RefusedError(
                f"From your network address {self.address_runs:,} runs are unfinished, which is all "
                "that one address can have here: try again when some are finished."
            )
        if all_runs >= self.all_runs:
            raise RefusedError(
                f"This server has room for {self.all_runs:,} runs at a time, and they are taken: try again "
                "when some are finished."
            )
