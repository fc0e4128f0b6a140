"""Logging of records to Weights & Biases."""

import os
from dataclasses import asdict
from typing import Any

from core.config import RunConfig, run_name
from core.errors import ConfigError
from core.records import METRICS, EpochRecord, fitted_epoch

PROJECT = "label-corruption-lab"


class Tracking:
    """A log of many runs at a time, each record a step of the W&B run with its run_id.

    W&B's environment variables configure it: WANDB_MODE=offline, WANDB_DIR, WANDB_PROJECT, ...
    Raises ConfigError where the client of W&B is not installed.
    """

    def __init__(self) -> None:
        try:
            import wandb
        except ImportError:
            raise ConfigError(
                "--wandb needs the client of Weights & Biases: pip install -r requirements-wandb.txt"
            ) from None
        self.wandb = wandb
        self.runs: dict[RunConfig, Any] = {}  # runs of W&B
        self.records: dict[RunConfig, list[EpochRecord]] = {}

    def log(self, config: RunConfig, record: EpochRecord) -> None:
        """Log one epoch of a run."""
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
        """Finish a run in W&B, if it has logged anything."""
        if config in self.runs:
            self.runs[config].summary["fitted_epoch"] = fitted_epoch(self.records.pop(config))
            self.runs.pop(config).finish()

    def __enter__(self) -> "Tracking":
        return self

    def __exit__(self, *_: object) -> None:
        for config in list(self.runs):
            self.end(config)
