import pandas as pd

from core.choices import DEFENCES
from core.sweep.cures import (
    defence_points,
    defended_runs,
)
from core.sweep.grids import GRIDS
from core.sweep.results import RUN_COLUMNS, Result, load_epochs, load_runs
from tests.samples import record

PROVENANCE = {
    "device": "x",
    "device_type": "cpu",
    "threads": 1,
    "torch": "2",
    "python": "3",
    "date": "d",
}
PROVENANCE |= {"wall_seconds": 1.0, "runs_at_once": 1.0}


def tables(configs, tests=(0.6, 0.4, 0.7), held_out=(0.8, 0.75, 0.75)):
    """Rows of the sweep, each run with the same epochs."""
    results = [
        Result(
            config,
            [
                record(epoch, test_error=test, validation_error=error)
                for epoch, (test, error) in enumerate(zip(tests, held_out, strict=True), 1)
            ],
            PROVENANCE,
        )
        for config in configs
    ]
    rows = [result.run_row() for result in results]
    epochs = [row for result in results for row in result.epoch_rows()]
    return pd.DataFrame(rows, columns=list(RUN_COLUMNS)), pd.DataFrame(epochs)


def test_each_grid_is_picked_out_of_all_runs_whole_and_nothing_else():
    """Every run of every grid in one table: those of a figure are those of its grid."""
    everything = list({run for grid in GRIDS.values() for run in grid.runs([0])})
    runs, _ = tables(everything)
    for model in ("mlp-1x512", "alexnet"):
        defended = defended_runs(runs, model)
        wanted = {run.run_id for run in GRIDS["mini-defences"].runs([0]) if run.model == model}
        assert wanted <= set(defended.run_id)
        assert set(defended.defence) == {"none", *DEFENCES}
        undefended = defended[defended.defence == "none"]
        assert set(undefended.level) == {step / 10 for step in range(11)}


def test_what_a_defence_gives_is_read_at_the_end_and_at_the_best_epoch():
    runs, epochs = tables([run for run in GRIDS["mini-defences"].runs([0]) if run.mixup][:1])
    (point,) = defence_points(defended_runs(runs, runs.model.iloc[0]), epochs).to_dict("records")
    assert (point["defence"], point["last"], point["best"]) == ("mixup", 0.7, 0.4)


def test_nothing_stored_gives_empty_tables():
    runs, epochs = load_runs()[:0], load_epochs([])
    assert defence_points(defended_runs(runs, "alexnet"), epochs).empty
