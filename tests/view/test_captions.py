import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config import RunConfig, run_name
from core.data.corruption import corrupt_labels
from core.live.estimate import Estimate, estimate, reference
from core.live.store import LiveRun
from core.sweep.comparison import (
    against_corrupted_labels,
    beside_paper,
    earlier_points,
    label_runs,
    paper_test_error,
    points,
    poster_points,
    sweep_test_error,
)
from core.sweep.results import earlier_attempts, load_runs, paper, poster
from core.view import captions
from tests.samples import record

HALF = RunConfig(level=0.5, epochs=40)


def live_run(config=HALF, status="running", epochs_done=0, owner="ann") -> LiveRun:
    return LiveRun(config.run_id, config, status, None, 0, "", "2 CPU threads", 0.0, owner, epochs_done)


def test_corruption_counts_the_wrong_labels(embedded):
    corrupted = corrupt_labels(embedded.train_labels, 0.5, 0)
    text = captions.of_corruption(HALF, corrupted)
    assert f"{corrupted.is_wrong.sum():,} of the 5,000" in text and "50%" in text
    assert "true" in captions.of_corruption(RunConfig(), corrupt_labels([1, 2], 0, 0))
    assert "reordered" in captions.of_corruption(RunConfig(corruption="random-pixels"), corrupted)


def test_errors_tell_learning_from_memorizing():
    early = captions.of_errors(HALF, [record(1, train_error=0.6)])
    late = captions.of_errors(HALF, [record(9, train_error=0.1, memorized=0.97, test_error=0.5)])
    assert "looking for the pattern" in early and "60%" in early
    assert "memorized 97% of the wrong labels" in late and "50%" in late
    assert "memorized" not in captions.of_errors(RunConfig(), [record(1)])


def test_a_level_so_small_that_no_label_is_wrong_is_told_like_level_0():
    assert "misreads" in captions.of_errors(RunConfig(level=1e-5), [record(1, memorized=None)])


def test_lies_say_when_most_were_seen_through():
    records = [record(1, recovered=0.1), record(2, recovered=0.4), record(3, recovered=0.0)]
    assert "40% of the lies in epoch 2" in captions.of_lies(HALF, records)
    assert "No label is wrong" in captions.of_lies(RunConfig(), [record(1, memorized=None)])


def test_loss_says_when_the_set_was_fitted():
    assert "after 2 epochs" in captions.of_loss([record(1), record(2, train_loss=0.04)])
    assert "counts as fitted at 0.05" in captions.of_loss([record(1)])


@given(status=st.sampled_from(["queued", "running", "paused", "finished", "cancelled", "failed"]),
       epochs=st.integers(0, 40), others=st.integers(0, 3))  # fmt: skip
def test_there_is_a_status_for_every_state(status, epochs, others):
    run = live_run(status=status, epochs_done=epochs)
    beside = [live_run(RunConfig(seed=seed)) for seed in range(others)] if run.is_active else []
    text = captions.of_status(run, [record(i + 1) for i in range(epochs)], beside, {})
    assert text and "\n" not in text
    if run.is_active and epochs:
        assert "left" in text and ("takes turns" in text) == (others > 0)


def test_time_left_counts_what_the_others_turns_cost():
    records = [record(i, seconds=2.0) for i in range(1, 21)]  # 20 epochs of 2 s are left
    speeds = {("mlp-1x512", 64): 5_000.0, ("inception", 64): 250.0}  # 1 s and 20 s an epoch
    assert "40 s left" in captions.of_status(live_run(), records, [], speeds)
    short = live_run(RunConfig(seed=1, epochs=15), epochs_done=5, owner="ben")  # wants 10 s
    said = captions.of_status(live_run(), records, [short], speeds)
    assert "50 s left" in said and "takes turns with 1 more of 1 other visitor" in said
    long = live_run(RunConfig(model="inception", epochs=50), owner="eve")  # gets as much time as we
    assert "80 s left" in captions.of_status(live_run(), records, [long], speeds)
    assert "2 min left" in captions.of_status(live_run(), records, [short, long], speeds)  # 90 s
    more = live_run(RunConfig(model="inception", epochs=50, seed=1), owner="eve")
    assert "80 s left" in captions.of_status(live_run(), records, [long, more], speeds)  # no more
    own = live_run(RunConfig(seed=2, epochs=30))  # of the same visitor: wants 30 s
    assert "70 s left" in captions.of_status(live_run(), records, [own], speeds)
    assert "paused all" in captions.of_status(live_run(), records, [], speeds, is_paused=True)


def test_start_says_how_long_and_what_is_there_already():
    needed = Estimate(12.0, "as measured on this machine")
    assert "about 12 s, as measured" in captions.of_start(HALF, None, needed, 0)
    assert "2 other runs take turns" in captions.of_start(HALF, None, needed, 2)
    assert "Start shows it" in captions.of_start(HALF, live_run(status="finished"), needed, 0)
    assert "about 12 s" in captions.of_start(HALF, live_run(status="cancelled"), needed, 0)


def test_durations():
    words = [captions.duration(seconds) for seconds in (0.2, 20, 600, 7200)]
    assert words == ["under a second", "20 s", "10 min", "2.0 h"]
    assert captions.about(0.2) == "under a second" and captions.about(20) == "about 20 s"


def test_names_tell_runs_apart():
    configs = [
        HALF,
        RunConfig(level=0.5, seed=1),
        RunConfig(level=0.4),
        RunConfig(corruption="gaussian"),
    ]
    assert len({run_name(config) for config in configs}) == 4
    assert "seed 1" in run_name(configs[1])


def test_sources_say_what_is_ours_and_what_is_not_computed():
    runs = label_runs(load_runs())
    text = captions.of_sources(runs, "mlp-1x512", "full", 0)
    assert f"{runs[runs.model == 'mlp-1x512'].level.nunique()} of 11 levels" in text
    empty = runs[runs.model == "none"]
    assert "not computed yet" in captions.of_sources(empty, "alexnet", "full", 0)
    assert "--grid mini --model alexnet" in captions.of_sources(empty, "alexnet", "embedded", 0)
    assert "your own" in captions.of_sources(empty, "alexnet", "full", 2)


def test_estimates_prefer_what_was_measured_here():
    measured = estimate(HALF, {("mlp-1x512", 64): 20_000.0})
    assert measured.seconds == 5_000 * 40 / 20_000 and "this machine" in measured.basis
    beside = [
        live_run(RunConfig(seed=seed, epochs=40), owner=owner)
        for seed, owner in ((1, "ben"), (2, "eve"))
    ]
    shared = estimate(HALF, {("mlp-1x512", 64): 20_000.0}, beside)
    assert shared.seconds == 3 * measured.seconds
    fresh = estimate(HALF, {})
    assert "none here yet" in fresh.basis
    row = next(r for r in reference()["rows"] if (r["model"], r["batch_size"]) == ("mlp-1x512", 64))
    twice = {("mlp-1x512", 64): 2 * row["epoch_images_per_second"]}
    alexnet = RunConfig(model="alexnet")
    assert estimate(alexnet, twice).seconds == estimate(alexnet, {}).seconds / 2


def test_the_papers_values_are_found_by_level():
    assert paper_test_error(paper(), RunConfig(level=0.3)) == 0.7186
    assert paper_test_error(paper(), RunConfig(level=0.1 + 0.2)) == 0.7186  # 0.30000000000000004
    assert paper_test_error(paper(), RunConfig(level=0.35)) is None
    assert paper_test_error(paper(), RunConfig(model="mlp-3x512", level=0.3)) is None
    assert paper_test_error(paper(), RunConfig(corruption="gaussian")) is None


def test_our_sweep_beside_the_paper():
    runs = label_runs(load_runs())
    at_zero = runs[(runs.model == "mlp-1x512") & (runs.level == 0)].final_test_error.mean()
    assert sweep_test_error(runs, RunConfig(level=0.0)) == pytest.approx(at_zero)
    assert sweep_test_error(runs, RunConfig(model="alexnet")) is None
    table = beside_paper(runs, paper(), "mlp-1x512").set_index("level")
    assert table.paper[0.0] == 0.4951
    assert table.ours[0.0] == pytest.approx(at_zero) == table.converted[0.0]
    assert len(beside_paper(runs, paper(), "mlp-3x512")) == 0  # not in the paper's figure


def test_the_error_against_corrupted_test_labels_is_that_of_a_draw():
    true = np.random.default_rng(0).integers(10, size=400_000)
    said = np.where(np.random.default_rng(1).random(400_000) < 0.3, (true + 1) % 10, true)
    given = corrupt_labels(true, 0.5, 2).labels
    assert against_corrupted_labels(0.3, 0.5) == pytest.approx((said != given).mean(), abs=0.003)
    assert against_corrupted_labels(0.3, 0.0) == pytest.approx(0.3)
    assert against_corrupted_labels(0.3, 1.0) == pytest.approx(0.9)


def test_the_gap_to_the_paper_is_said_in_its_own_numbers():
    runs = label_runs(load_runs())
    table = beside_paper(runs, paper(), "mlp-1x512")
    text = captions.of_gap(table)
    half = table[table.level == 0.5].iloc[0]
    assert half.paper == 0.7961 and abs(half.converted - half.paper) < 0.015
    assert "percentage points above ours" in text
    assert captions.of_gap(table[table.level == 0]) == ""


def test_points_are_finished_runs_with_corrupted_labels():
    table = points([(HALF, record(1)), (RunConfig(corruption="gaussian"), record(1))])
    assert table.level.tolist() == [0.5] and table.test_error.tolist() == [0.7]
    assert points([]).columns.tolist() == ["model", "level", "run", "test_error", "train_error"]


def test_the_posters_and_earlier_attempts_values_are_theirs():
    assert poster_points(poster(), "mlp-1x512")[["level", "error"]].values.tolist() == [
        [0.0, 0.45],
        [1.0, 0.9],
    ]
    assert poster_points(poster(), "inception").error.tolist() == [0.25]
    assert len(poster_points(poster(), "alexnet")) == 0
    earlier = earlier_points(earlier_attempts(), "mlp-1x512")
    assert earlier.level.tolist() == [0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.0]
    assert earlier.error.iloc[1] == 0.5723 and earlier.error.iloc[-1] == pytest.approx(0.9043)
    assert len(earlier_points(earlier_attempts(), "mlp-3x512")) == 0
    said = captions.of_others(True, True, earlier_attempts())
    assert "the test labels were corrupted too" in said and "poster of 2023" in said
    assert captions.of_others(False, False, earlier_attempts()) == ""


def test_the_message_names_what_rises_and_what_stays():
    runs = label_runs(load_runs())
    said = captions.of_message(runs, "mlp-1x512")
    assert "What rises" in said and "What stays at zero" in said and "Why" in said
    assert "100%" in said and captions.of_message(runs, "inception-no-bn") == ""
