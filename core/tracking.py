"""Records on their way to Weights & Biases, for those who track their runs there."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict

from core.config import RunConfig, run_name
from core.records import EpochRecord, fitted_epoch

PROJECT = "label-corruption-lab"


def tracked(config: RunConfig, records: Iterable[EpochRecord]) -> Iterator[EpochRecord]:
    """Pass each record on, and log it as step `epoch` of the W&B run named by the config.

    Where and how is W&B's own affair: WANDB_MODE=offline, WANDB_DIR, WANDB_PROJECT, ...
    Raises ValueError where its client is not installed.
    """
    try:
        import wandb
    except ImportError:
        raise ValueError(
            "--wandb needs the client of Weights & Biases: pip install -r requirements-wandb.txt"
        ) from None
    with wandb.init(
        project=os.environ.get("WANDB_PROJECT", PROJECT),
        id=config.run_id,
        name=run_name(config),
        config=asdict(config),
        resume="allow",
        settings=wandb.Settings(silent=True),
    ) as run:
        seen = []
        for record in records:
            measures = asdict(record)
            del measures["predictions"]
            run.log({k: v for k, v in measures.items() if v is not None}, step=record.epoch)
            seen.append(record)
            yield record
        run.summary["fitted_epoch"] = fitted_epoch(seen)
