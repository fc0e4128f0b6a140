"""The grids: which runs the precomputed sweep consists of, and training what is missing.

One process trains one run after another. A run that was interrupted goes on from its
checkpoint; a finished one is added to assets/sweep/ at once.
"""

from collections.abc import Iterator
from pathlib import Path

from core.cifar10 import DATA_FOLDER, load
from core.config import RunConfig
from core.records import EpochRecord
from core.results import Result, add_to_sweep, load_sweep, provenance

LEVELS = (0.0, 1.0, 0.5, 0.2, 0.8, 0.4, 0.6, 0.1, 0.9, 0.3, 0.7)  # ends and middle first
SEEDS = (0, 1, 2)


def paper_grid() -> list[RunConfig]:
    """The MLPs of the paper's figure 1c on all images: 200 epochs at batch size 128."""
    return [
        RunConfig(model=model, data="full", level=level, batch_size=128, epochs=200, seed=seed)
        for seed in SEEDS
        for model in ("mlp-1x512", "mlp-3x512")
        for level in LEVELS
    ]


def missing(configs: list[RunConfig]) -> list[RunConfig]:
    done = set(load_sweep()[0].run_id)
    return [config for config in configs if config.run_id not in done]


def run_to_end(config: RunConfig, device: str, folder: Path | None = None) -> Iterator[EpochRecord]:
    """Train one run of the sweep, going on where it was; add it to the sweep at its end."""
    from core.training import describe_device, train

    folder = folder or DATA_FOLDER / "sweep"
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / f"{config.run_id}.safetensors"
    records = []
    for record in train(config, load(config.data), device, checkpoint):
        records.append(record)
        yield record
    wall = sum(record.seconds for record in records)
    add_to_sweep([Result(config, records, provenance(describe_device(device), wall))])
    checkpoint.unlink()
