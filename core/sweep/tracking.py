"""Records on their way to Weights & Biases, for those who track their runs there."""

import os
from dataclasses import asdict
from typing import Any

from core.config import RunConfig, run_name
from core.errors import ConfigError
from core.records import METRICS, EpochRecord, fitted_epoch

PROJECT = "label-corruption-lab"


class Tracking:
    """Logs each record as a step of the W&B run named by its config; many runs at a time.

    Where and how is W&B's own affair: WANDB_MODE=offline, WANDB_DIR, WANDB_PROJECT, ...
    Raises ConfigError where its client is not installed.
    """

    def __init__(self) -> None:
        try:
            import wandb
        except ImportError:
            raise ConfigError(
                "--wandb needs the client of Weights & Biases: pip install -r requirements-wandb.txt"
            ) from None
        self.wandb = wandb
        self.runs: dict[RunConfig, Any] = {}  # W&B's
        self.records: dict[RunConfig, list[EpochRecord]] = {}

    def log(self, config: RunConfig, record: EpochRecord) -> None:
        if config not in self.runs:
            self.runs[config] = self.wandb.init(
                project=os.environ.get("WANDB_PROJECT", PROJECT),
                id=config.run_id,
                name=run_name(config),
                config=asdict(config),
                resume="allow",
                reinit="create_new",
                settings=self.wandb.Settings(silent=True),
            )
        values = {name: getattr(record, name) for name in METRICS}
        known = {name: value for name, value in values.items() if value is not None}
        self.runs[config].log(known, step=record.epoch)
        self.records.setdefault(config, []).append(record)

    def end(self, config: RunConfig) -> None:
        """The run is over; of one that never logged anything W&B hears nothing."""
        if config in self.runs:
            self.runs[config].summary["fitted_epoch"] = fitted_epoch(self.records.pop(config))
            self.runs.pop(config).finish()

    def __enter__(self) -> "Tracking":
        return self

    def __exit__(self, *_: object) -> None:
        for config in list(self.runs):
            self.end(config)
