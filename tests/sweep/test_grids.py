from dataclasses import replace

from core.sweep.grids import GRIDS, all_runs
from core.sweep.reference import paper

LEVELS = [i / 10 for i in range(11)]


def test_the_paper_grid_is_every_network_at_every_level_with_three_seeds():
    grid = GRIDS["paper"].runs()
    assert len({run.run_id for run in grid}) == len(grid) == 4 * 11 * 3
    assert [run.level for run in grid[:3]] == [0.0, 1.0, 0.5]  # ends and middle first
    assert [run.seed for run in grid] == sorted(run.seed for run in grid)
    assert {(run.batch_size, run.data, run.weight_decay, run.random_crop) for run in grid} == {
        (128, "full", 0.0, False)
    }
    for run in grid:
        is_mlp = run.model.startswith("mlp")
        assert (run.epochs, run.epochs_after_fitted) == ((200, 0) if is_mlp else (64, 10))
        assert run.learning_rate == (0.1 if run.model == "inception" else 0.01)
    for model in ("mlp-1x512", "mlp-3x512", "alexnet", "inception"):
        levels = sorted(run.level for run in grid if run.model == model and run.seed == 1)
        assert levels == LEVELS


def test_inception_until_fitted_differs_from_the_paper_grid_in_its_length_alone():
    short, long = (GRIDS[name].one_seed for name in ("paper-until-fitted", "paper"))
    lengths = {"epochs": 64, "epochs_after_fitted": 10}
    assert [replace(run, **lengths) for run in short] == [r for r in long if r.model == "inception"]
    assert {(run.epochs, run.epochs_after_fitted) for run in short} == {(10, 5)}


def test_regularization_is_table_1_row_by_row():
    names = {
        "Inception": "inception",
        "Inception w/o BN": "inception-no-bn",
        "AlexNet": "alexnet",
        "MLP 3x512": "mlp-3x512",
        "MLP 1x512": "mlp-1x512",
    }
    printed = {
        (names[model], crop, decay, labels)
        for model, _, crop, decay, labels, _, _ in paper()["table1_percent_accuracy"]["rows"]
    }
    table_1 = GRIDS["regularization"].one_seed[:19]
    ours = {
        (run.model, run.random_crop, run.weight_decay > 0, "random" if run.level else "true")
        for run in table_1
    }
    assert ours == printed
    for run in table_1:
        if run.weight_decay:  # its loss comes to rest where it would count as fitted
            assert run.epochs_after_fitted == 0
            assert run.epochs == (100 if run.model.startswith("mlp") else 64)
        else:
            assert run.epochs_after_fitted == 10 or run.model.startswith("mlp")


def test_table_4_is_random_labels_with_a_regularizer():
    table_4 = GRIDS["regularization"].one_seed[19:]
    assert {run.level for run in table_4} == {1.0}
    printed = paper()["table4_percent_train_accuracy_on_random_labels_with_a_regularizer"]
    with_decay = {run.model for run in table_4 if run.weight_decay}
    assert len(with_decay) == len(printed["weight decay"]) == 4
    assert [run.weight_decay for run in table_4 if run.model == "alexnet"] == [0.0005, 0.004]
    assert [run.model for run in table_4 if run.random_crop] == ["inception"]


def test_randomization_is_figure_1a():
    runs = [run for run in GRIDS["randomization"].one_seed if run.model == "inception"]
    assert {run.epochs for run in runs} == {64} and len(GRIDS["randomization"].one_seed) == 4 * 5
    assert [(run.corruption, run.level) for run in runs] == [
        ("labels", 0.0),
        ("labels", 1.0),
        ("shuffled-pixels", 0.0),
        ("random-pixels", 0.0),
        ("gaussian", 0.0),
    ]


def test_the_poster_grid_keeps_the_papers_learning_rate_at_the_posters_batch_sizes():
    poster = GRIDS["poster"].one_seed
    assert len(poster) == len(set(poster)) == 11 + 2 * 2 * 11
    small, inceptions = poster[:11], poster[11:]
    assert {(run.model, run.batch_size, run.epochs) for run in small} == {("mlp-1x512", 128, 200)}
    for model in ("inception", "inception-7x7"):
        for size in (32, 64):
            runs = [run for run in inceptions if (run.model, run.batch_size) == (model, size)]
            assert sorted(run.level for run in runs) == LEVELS
    lengths = {(run.epochs, run.epochs_after_fitted, run.max_epochs) for run in inceptions}
    assert lengths == {(10, 5, 100)} and {run.learning_rate for run in inceptions} == {0.1}
    first = [(run.model, run.batch_size, run.level) for run in inceptions[:4]]
    assert first == [("inception", 32, 1.0), *(("inception-7x7", 32, p) for p in (0.0, 1.0, 0.5))]
    spent = 1 - 0.95**100  # of all that the learning rates of ever more epochs sum up to
    assert round(spent, 3) == 0.994


def test_the_mini_grid_is_four_networks_on_the_embedded_images():
    mini = GRIDS["mini"].one_seed
    assert {(run.data, run.batch_size, run.epochs) for run in mini} == {("embedded", 64, 60)}
    assert len(mini) == 44


def test_seed_0_of_everything_comes_first_and_nothing_twice():
    runs = all_runs()
    assert len({run.run_id for run in runs}) == len(runs)
    assert [run.seed for run in runs] == sorted(run.seed for run in runs)
    assert {run.run_id for run in runs} == {
        run.run_id for grid in GRIDS.values() for run in grid.runs()
    }
