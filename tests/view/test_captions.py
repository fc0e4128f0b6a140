"""Every sentence that says something about numbers."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from core.config import RunConfig
from core.data.corruption import corrupt_labels
from core.live.runs.store import Status
from core.live.training.estimate import Estimate
from core.sweep.figures import (
    epochs_to_fit,
    fit_epochs,
    loss_curves,
    next_to_paper,
    regularized,
    relative_fit_times,
)
from core.sweep.protocol import label_runs, protocol_runs
from core.sweep.reference import paper, paper_fit_times
from core.sweep.results import load_epochs, load_runs
from core.sweep.statistics import PowerLaw
from core.view.classroom.captions import describe_queue
from core.view.images.corruption import describe_corruption
from core.view.run.captions import (
    describe_changes,
    describe_empty,
    describe_errors,
    describe_evaluation,
    describe_fate,
    describe_loss,
    describe_start,
    describe_status,
)
from core.view.run.floor import floor_of
from core.view.sweep.captions import (
    describe_lacking,
    describe_message,
    describe_sources,
    describe_sweep,
    describe_worth,
)
from core.view.sweep.fitting import describe_fit_rule, describe_fits, describe_fitted
from core.view.sweep.regularizers import describe_failed_alexnet, describe_regularized
from core.view.sweep.replication import describe_decay, describe_gap
from tests.samples import live_run, record

HALF = RunConfig(level=0.5, epochs=40)


def test_corruption_counts_the_wrong_labels(embedded):
    corrupted = corrupt_labels(embedded.train_labels, 0.5, 0)
    text = describe_corruption(HALF, corrupted)
    assert f"{corrupted.is_wrong.sum():,} are wrong" in text and "50%" in text
    assert "true" in describe_corruption(RunConfig(), corrupt_labels([1, 2], 0, 0))
    assert "reordered" in describe_corruption(RunConfig(corruption="random-pixels"), corrupted)


def test_errors_tell_finding_the_pattern_from_memorizing():
    early = describe_errors(HALF, [record(1, recovered=0.3, memorized=0.17)])
    both = describe_errors(HALF, [record(1, recovered=0.3, memorized=0.2)])
    later = describe_errors(HALF, [record(5, recovered=0.2, memorized=0.3, test_error=0.5)])
    late = describe_errors(HALF, [record(9, train_error=0.1, memorized=0.97, test_error=0.5)])
    assert (
        "finding the pattern: " in early
        and "names 30% of the images with a wrong label correctly" in early
    )
    assert "wrong label of 17% (by chance, its mistakes would hit 8%)" in early
    assert "finding the pattern, and already memorizing" in both
    assert "is memorizing" in later and "30% of the wrong labels" in later and "50%" in later
    assert "In epoch" not in later  # the best one is this one
    assert "memorized 97% of the wrong labels" in late
    blind = describe_errors(HALF, [record(1, recovered=0.099, memorized=0.101)])
    assert "no better than a blind guess on" in blind
    assert "memoriz" not in describe_errors(RunConfig(), [record(1, memorized=None, recovered=None)])


def test_at_level_1_there_is_no_pattern_and_chance_is_not_called_memorizing():
    """Inception's first epoch: what repeats a tenth of the labels knows nothing of them."""
    first = [record(1, train_error=0.9, recovered=0.11, memorized=0.1)]
    random = RunConfig(level=1.0)
    said = describe_errors(random, first) + describe_fate(random, first)
    assert "no pattern to find" in said and "10% of its labels (a blind guess: 10%)" in said
    assert "has memorized" not in said and "correctly" not in said and "would hit 10%" in said


def test_low_levels_are_not_said_to_look_for_the_pattern_for_ever():
    """The full MLP at 10%: 57% of the wrong labels repeated, and still above 0.9 p + 0.05."""
    said = describe_errors(
        RunConfig(level=0.1), [record(9, train_error=0.2, recovered=0.15, memorized=0.57)]
    )
    assert "memorizing" in said and "finding the pattern" not in said


def test_a_level_so_small_that_no_label_is_wrong_is_told_like_level_0():
    assert "misreads" in describe_errors(RunConfig(level=1e-5), [record(1, memorized=None)])


def test_the_fate_says_when_most_were_predicted_truly():
    records = [record(1, recovered=0.1), record(2, recovered=0.4), record(3, recovered=0.0)]
    assert "In epoch 2 the network named 40%" in describe_fate(HALF, records)
    assert "would hit 11%" in describe_fate(HALF, records)  # (1 - 0) / 9
    assert "No label is wrong" in describe_fate(HALF, [record(1, memorized=None)])


def test_what_is_measured_on_a_part_says_so():
    assert describe_evaluation([record(1), record(2)]) == ""
    part = describe_evaluation([record(1, evaluated_on=5_000), record(2)])
    assert "5,000 of them" in part and "at the end they come from all" in part


def test_loss_says_when_the_set_was_fitted():
    assert "reached 0.05 in epoch 2" in describe_loss([record(1), record(2, train_loss=0.04)])
    assert "average training loss is 2.00" in describe_loss([record(1)])


@given(status=st.sampled_from(["queued", "running", "paused", "finished", "cancelled", "failed"]),
       epochs=st.integers(0, 40), others=st.integers(0, 3))  # fmt: skip
def test_there_is_a_status_for_every_state(status, epochs, others):
    run = live_run(HALF, status=status, epochs_done=epochs)
    beside = [live_run(RunConfig(seed=seed)) for seed in range(others)] if run.is_active else []
    text = describe_status(run, [record(i + 1) for i in range(epochs)], beside, {})
    assert text and "\n" not in text
    if run.is_active and epochs:
        assert "left" in text and ("takes turns" in text) == (others > 0)


def test_time_left_counts_what_the_others_turns_cost():
    records = [record(i, seconds=2.0) for i in range(1, 21)]  # 20 epochs of 2 s are left
    speeds = {("mlp-1x512", 64): 5_000.0, ("inception", 64): 250.0}  # 1 s and 20 s an epoch
    assert "40 s left" in describe_status(live_run(HALF), records, [], speeds)
    short = live_run(RunConfig(seed=1, epochs=15), epochs_done=5, owner="ben")  # wants 10 s
    said = describe_status(live_run(HALF), records, [short], speeds)
    assert "50 s left" in said and "takes turns with 1 other run from 1 other visitor" in said
    long = live_run(RunConfig(model="inception", epochs=50), owner="eve")  # gets as much time as we
    assert "80 s left" in describe_status(live_run(HALF), records, [long], speeds)
    assert "2 min left" in describe_status(live_run(HALF), records, [short, long], speeds)  # 90 s
    more = live_run(RunConfig(model="inception", epochs=50, seed=1), owner="eve")
    assert "80 s left" in describe_status(live_run(HALF), records, [long, more], speeds)  # no more
    own = live_run(RunConfig(seed=2, epochs=30))  # of the same visitor: wants 30 s
    assert "70 s left" in describe_status(live_run(HALF), records, [own], speeds)
    assert "paused all" in describe_status(live_run(HALF), records, [], speeds, is_paused=True)


def test_within_an_epoch_the_status_says_how_far_it_is_and_the_loss_so_far():
    run = live_run(HALF)._replace(images_done=1250, running_loss=1.834)
    said = "25% through the next (average loss 1.83)"
    assert said in describe_status(run, [record(1)], [], {})
    for status in (Status.PAUSED, Status.CANCELLED):
        assert said not in describe_status(run._replace(status=status), [], [], {})


def test_start_says_how_long_and_what_is_there_already():
    needed = Estimate(12.0, "as measured on this machine")
    assert "about 12 s, as measured" in describe_start(HALF, None, needed, 0)
    assert "2 other runs take turns" in describe_start(HALF, None, needed, 2)
    assert "is shown at once" in describe_start(HALF, live_run(HALF, status="finished"), needed, 0)
    assert "about 12 s" in describe_start(HALF, live_run(HALF, status="cancelled"), needed, 0)


def test_sources_say_what_is_ours_and_what_is_not_computed():
    runs = label_runs(load_runs())
    text = describe_sources(runs, "mlp-1x512", "full", 0)
    assert f"{runs[runs.model == 'mlp-1x512'].level.nunique()} of 11 levels" in text
    empty = runs[runs.model == "none"]
    assert "not computed yet" in describe_sources(empty, "alexnet", "full", 0)
    assert "--grid mini --model alexnet" in describe_sources(empty, "alexnet", "embedded", 0)
    assert "your own" in describe_sources(empty, "alexnet", "full", 2)


def test_corrupted_test_labels_are_not_said_to_be_misread():
    runs = label_runs(load_runs())
    assert "the more it misreads" in describe_sweep(runs, "mlp-1x512")
    said = describe_sweep(runs, "mlp-1x512", are_corrupted=True)
    assert "the more it misreads" not in said and "including those of the new images" in said


def test_what_is_not_computed_is_named_in_one_sentence():
    assert describe_lacking([], []) == ""
    said = describe_lacking(["alexnet", "mlp-3x512"], ["Time to fit", "Regularizers"])
    assert said == (
        "Not computed yet: AlexNet, the deeper network. “Time to fit” and “Regularizers” need more runs of this "
        "network."
    )


def test_the_gap_to_the_paper_is_said_in_its_own_numbers():
    runs = label_runs(load_runs())
    table = next_to_paper(runs, paper(), "mlp-1x512")
    text = describe_gap(table)
    half = table[table.level == 0.5].iloc[0]
    assert half.paper == 0.7961 and abs(half.converted - half.paper) < 0.015
    assert "percentage points above ours" in text
    assert describe_gap(table[table.level == 0]) == ""


def test_the_message_names_what_rises_what_stays_and_how_it_can_be():
    runs = label_runs(load_runs())
    said = describe_message(runs, "mlp-1x512")
    assert "What rises" in said and "What stays near zero" in said and "Why" in said
    assert "two layers with 102,352 adjustable numbers" in said and "1,209,866" in said
    mini = describe_message(label_runs(load_runs(), "embedded"), "alexnet")
    assert (
        "12,352 adjustable numbers (weights) can be built that gives 5,000 images" in mini
        and "1,387,786" in mini
    )
    assert "100%" in said and describe_message(runs, "inception-no-bn") == ""


def test_what_wrong_labels_cost_is_said_in_images():
    runs = load_runs()
    said = describe_worth(label_runs(runs), label_runs(runs, "embedded"), "mlp-1x512")
    assert "about 25% of the labels" in said and "nine tenths" in said
    assert describe_worth(label_runs(runs), label_runs(runs, "embedded"), "inception-no-bn") == ""
    said = describe_worth(label_runs(runs), label_runs(runs, "embedded"), "inception")
    # As it was trained, not the 10 epochs that its config asks for at least.
    trained = label_runs(runs).query("model == 'inception'").epochs_trained
    assert f"shown {trained.min()} to {trained.max()} times in batches of 128" in said


def test_our_times_to_fit_are_compared_with_the_papers_in_epochs():
    theirs = paper_fit_times(paper(), "inception")
    levels = theirs.level.tolist()
    ours = theirs.assign(model="inception", epochs=theirs.epochs + np.eye(11)[0] - np.eye(11)[1])
    text = describe_fit_rule(ours, ours, "inception", "error", theirs)
    assert "needed 10 epochs on true labels and 36 on random ones" in text
    assert "Ours needed 11 and 36." in text
    assert "differ by 0.4 epochs (root mean square): the paper's figure is replicated." in text
    later = ours.assign(epochs=ours.epochs - 18)
    text = describe_fit_rule(later, later, "inception", "error", theirs)
    assert (
        "Inception needs 18 epochs more than ours, almost the same number at every level (± 0.4)"
        in text
    )
    assert "We do not know why." in text
    other = ours.assign(epochs=ours.epochs + np.arange(11))
    text = describe_fit_rule(other, other, "inception", "error", theirs)
    assert "needs 5 epochs fewer than ours on average (± 3" in text
    alone = ours[ours.level == 0]
    text = describe_fit_rule(alone, ours, "inception", "error", theirs)
    assert "Over" not in text and "Ours needed" not in text
    assert f"Not drawn: levels {', '.join(f'{level:.0%}' for level in levels[1:])}" in text


def test_the_stored_runs_replicate_the_papers_inception_and_alexnet_is_later_by_a_constant():
    """The referee's numbers: 1.2 epochs, and +18.4 and +20.8."""
    for model, rule, said in (
        ("inception", "loss", "differ by 1.2 epochs"),
        ("alexnet", "loss", "AlexNet needs 18 epochs more than ours, almost the same number"),
        ("alexnet", "error", "AlexNet needs 21 epochs more than ours, almost the same number"),
    ):
        runs = label_runs(load_runs())
        epochs = load_epochs(runs.run_id)
        times = relative_fit_times(fit_epochs(runs, epochs, rule))
        assert said in describe_fit_rule(times, runs, model, rule, paper_fit_times(paper(), model))


def test_the_slopes_are_told():
    said = describe_decay(
        PowerLaw(1.06, 0.4, 0.02, 8), PowerLaw(1.96, 0.4, 0.03, 7), are_corrupted=False
    )
    assert (
        "true test labels: exponent 1.06 ± 0.02 (8 levels)" in said
        and "paper's: 1.96 ± 0.03 (7 levels)" in said
    )
    assert "corrupted, too" in describe_decay(PowerLaw(2.06, 0.4, 0.02, 8), None, are_corrupted=True)
    assert "too few levels" in describe_decay(None, None, are_corrupted=False)


def test_the_order_in_which_series_are_fitted_is_the_papers():
    curves = loss_curves({}, load_epochs([]), paper())
    said = describe_fits(epochs_to_fit(curves), {}, "inception")
    assert "true labels 10, shuffled pixels 15, gaussian 21, random pixels 23, random labels 36" in said


def test_the_queue_tells_who_trains_from_who_is_paused():
    ann, ben = live_run(HALF), live_run(RunConfig(seed=1), owner="ben")
    paused = live_run(RunConfig(seed=2), status="paused")
    assert describe_queue([], False) == "Nobody is training."
    assert describe_queue([paused], False) == "Nobody is training. 1 run is paused."
    assert describe_queue([ann, paused], False) == "1 run is training. 1 run is paused."
    assert describe_queue([ann, ben], False) == "2 runs from 2 visitors are taking turns."
    assert describe_queue([ann, ben], True) == "All training is paused: 2 runs wait."


def test_0_9_p_is_explained_where_it_is_drawn():
    runs = label_runs(load_runs())
    for text in (describe_sources(runs, "mlp-1x512", "full", 0), describe_empty(HALF, floor_of(HALF))):
        assert "every image correctly" in text and "corruption level" in text


def test_what_made_the_papers_alexnet_fail_is_said_by_what_ours_did():
    runs = protocol_runs(load_runs(), "embedded")
    ours = runs[(runs.model == "alexnet") & (runs.level == 1) & (runs.weight_decay == 0.0005)]
    said = describe_failed_alexnet(ours)
    assert "failed to converge" in said and said.endswith("100.0% (0.0005) of the labels.")
    stronger = ours.assign(weight_decay=0.004)
    both = pd.concat([ours, stronger])
    assert "does not explain the paper's failure" in describe_failed_alexnet(both)
    failed = pd.concat([ours, stronger.assign(final_train_error=0.899)])
    assert "10.1% (0.004)" in describe_failed_alexnet(failed)
    assert "it may be the paper's" in describe_failed_alexnet(failed)
    strongest = [stronger.assign(weight_decay=decay, final_train_error=0.9) for decay in (0.1, 0.05)]
    assert describe_failed_alexnet(pd.concat([both, *strongest])).endswith("It fails with 0.05.")
    assert "not computed yet" in describe_failed_alexnet(ours[:0])


def test_regularizers_are_told_with_their_numbers():
    said = describe_regularized(regularized(load_runs(), "full", paper(), "mlp-1x512"))
    assert "with weight decay" in said and "On true labels the test accuracy changes" in said
    mini = describe_regularized(regularized(load_runs(), "embedded", paper(), "mlp-1x512"))
    assert said.startswith("Weight decay: no.") and "Random crops: in part" in mini
    assert "with weight decay 100.0%" in mini and "with random crops 73" in mini  # never one for both
    nothing = regularized(load_runs()[:0], "embedded", paper(), "mlp-1x512")
    assert "is computed yet" in describe_regularized(nothing)


def test_what_is_not_fitted_is_not_said_to_be():
    """AlexNet on 5,000 images of noise still had 5% of its labels wrong after 60 epochs."""
    fitted = pd.DataFrame({"source": ["ours"], "series": ["true labels"], "epoch": [13]})
    errors = {"true labels": pd.Series([0.43]), "gaussian": pd.Series([0.9])}
    text = describe_fitted(fitted, errors, {"gaussian": 0.953, "true labels": 1.0})
    assert "With gaussian the average training loss stayed above" in text
    assert "though the network repeats 95.3% of the labels." in text
    said = describe_fits(fitted, errors, "alexnet")
    assert "Not fitted in the epochs trained here: gaussian." in said and "by heart" not in said
    fitted.loc[1] = ["ours", "gaussian", 40]
    assert "even those of pure noise" in describe_fitted(fitted, errors, {})
    del errors["gaussian"]  # not trained
    assert "any labels: true ones. How" in describe_fitted(fitted, errors, {})
    errors["random labels"], fitted.loc[2] = pd.Series([0.9]), ["ours", "random labels", 20]
    assert "true ones, random ones. How" in describe_fitted(fitted, errors, {})
    assert "Not fitted in the epochs" not in describe_fits(fitted, errors, "alexnet")


def test_where_prediction_changes_would_have_stopped_is_said():
    changes = (None, 0.5, 0.3, 0.1, 0.2, 0.6)
    records = [
        record(n, prediction_changes=change, test_error=n / 10) for n, change in enumerate(changes, 1)
    ]
    said = describe_changes(records)
    assert "after epoch 4: stopped there, the network would misread 40%" in said and "60%" in said
    assert "does not stop yet" in describe_changes(records[:4])
