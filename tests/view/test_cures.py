"""The sentences and charts about noticing and repairing wrong labels."""

import altair as alt
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from core.cleaning.ranking import Ranking, score_ranking
from core.cleaning.scores import no_scores
from core.config import RunConfig
from core.data.corruption import LabelCorruption
from core.records import LOSS_EDGES, count_losses
from core.sweep import reference
from core.view.cures import captions as said
from core.view.cures import charts as cures
from core.view.finding import captions as finding
from core.view.finding import charts as finding_charts
from core.view.images import captions as said_of_images
from core.view.images import charts as biography
from tests.samples import record

RNG = np.random.default_rng(5)


def test_the_marks_of_a_visitor_are_counted():
    is_wrong = np.array([True, False, True, True])
    assert finding.describe_marks(is_wrong, [0, 1]) == (
        "Of the 2 photographs that you marked, 1 has a wrong label; of all 4, 3 have one."
    )


def test_what_mending_costs_is_counted_for_both_actions():
    labels, true = np.array([0, 1, 2, 3]), np.array([0, 1, 5, 3])
    corrupted = LabelCorruption(labels, labels != true, labels != true)
    ranking = Ranking(np.array([2, 0, 1, 3]), np.array([0, 1, 5, 3]))
    drop = RunConfig(level=0.4, repair="drop", repaired=0.5)
    text = finding.describe_cost(drop, ranking, corrupted, true)
    assert "2 photographs are left out: 1 with a wrong label and 1 with a right one" in text
    assert "Of the 2 labels that remain, 0 are wrong: 0%" in text
    relabel = RunConfig(level=0.4, repair="relabel", repaired=0.5)
    text = finding.describe_cost(relabel, ranking, corrupted, true)
    assert "After that, 2 of the 2 labels are right" in text


@pytest.mark.parametrize(
    ("errors", "sentence"),
    [
        ((0.7, 0.65, 0.6), "fell by 5.0 points, from 70.0% to 65.0%. That is 50% of the way"),
        ((0.7, 0.75, 0.6), "rose by 5.0 points"),
        (
            (0.7, 0.69, 0.6),
            "fell by 1.0 points, from 70.0% to 69.0%: such a small change may be chance.**",
        ),
        ((0.7, None, 0.6), "Train again to see"),
        ((None, 0.7, None), "Train again to see"),
        ((0.7, 0.65, None), "fell by 5.0 points, from 70.0% to 65.0%.**"),
    ],
)
def test_what_mending_gave(errors, sentence):
    names = ("Before", "After", "With true labels")
    ends = {
        name: None if error is None else record(1, test_error=error)
        for name, error in zip(names, errors, strict=True)
    }
    assert sentence in finding.describe_repaired(ends)


@pytest.mark.parametrize(
    ("stopped", "sentence"),
    [
        (2, "Exactly right: in epoch 2 the test error was lowest, 50.0%"),
        (1, "lowest after epoch 2: 50.0%"),
    ],
)
def test_a_stop_is_held_against_the_best_one(stopped, sentence):
    assert sentence in said.describe_stop(stopped, [0.6, 0.5, 0.7])


def test_the_stops_of_a_room_are_counted():
    assert said.describe_stops([], 5) == "Nobody has stopped yet."
    assert (
        said.describe_stops([3, 7, 8], 5) == "3 stops so far, 2 within two epochs of the best one (5)."
    )


def defended(**errors) -> pd.DataFrame:
    rows = [
        {
            "defence": name,
            "level": level,
            "seed": 0,
            "last": error,
            "best": error,
            "memorized": 0.5,
        }
        for name, error in errors.items()
        for level in (0.0, 0.4)
    ]
    return pd.DataFrame(rows).replace(
        {"defence": {"label": "label-smoothing", "early": "early-learning"}}
    )


def test_a_defence_that_does_not_help_is_said_not_to():
    model = "mlp-1x512"
    text = said.describe_defences(
        defended(none=0.7, mixup=0.6, label=0.705, generalized=0.65, early=0.75), 0.4, model
    )
    assert (
        "mixup helps most: the network misreads 60.0% of new photographs at the end instead of 70.0%"
        in text
    )
    assert "Also helpful: generalized cross-entropy. Too close to call: label smoothing." in text
    assert "Worse than none: early-learning" in text
    text = said.describe_defences(defended(none=0.7, mixup=0.71), 0.4, model)
    assert "none of these defences helps" in text and "Too close to call: mixup" in text
    missing = said.describe_defences(defended(mixup=0.6), 0.4, model)
    assert "not computed yet" in missing and f"--grid mini-defences --model {model}" in missing
    table = said.defence_rows(defended(none=0.7, mixup=0.6), 0.4, {"none": 1.0, "mixup": 1.25})
    assert table["Test error"].tolist() == ["70.0%", "60.0%"]
    assert table["Time of an epoch"].tolist() == ["x 1.00", "x 1.25"]
    noise = said.defence_rows(defended(none=0.7, mixup=0.6), 0.4, {"none": 1.0, "mixup": None})
    assert noise["Time of an epoch"].tolist() == ["x 1.00", "no difference"]
    assert table.Defence.tolist() == ["No defence", "Mixup"] and table.Seeds.tolist() == [1, 1]


def test_which_defence_keeps_wrong_labels_from_being_memorized():
    table = defended(none=0.7, mixup=0.6, label=0.7)
    assert said.describe_memorized(table, 0.4).endswith(
        "50% of the wrong labels without a defence. Each defence makes little difference."
    )
    table.loc[table.defence == "mixup", "memorized"] = 0.1
    text = "without a defence, 10% with mixup. The other defences make little difference."
    assert said.describe_memorized(table, 0.4).endswith(text)
    assert said.describe_memorized(table[table.defence == "none"], 0.4) == ""


def test_a_defence_is_compared_with_none_on_the_seeds_that_both_have():
    """One lucky seed against the mean of three would help by ten points that are not there."""
    three = [defended(none=error).assign(seed=seed) for seed, error in enumerate((0.6, 0.7, 0.8))]
    table = pd.concat([*three, defended(mixup=0.6)])
    text = said.describe_defences(table, 0.4, "alexnet")
    assert "none of these defences helps" in text and "Too close to call: mixup" in text
    rows = said.defence_rows(table, 0.4, {})
    assert rows.Gained.tolist() == ["–", "+0.0 points"] and rows.Seeds.tolist() == [3, 1]
    assert "1 to 3 seeds" in said.explain_defences(table, 0.4)


def test_a_lucky_seed_of_one_defence_is_not_said_to_help_most():
    """Its 2 points of one seed may be chance; another's 1.8 points of three seeds are not."""
    three = [defended(none=0.7, mixup=0.682).assign(seed=seed) for seed in range(3)]
    text = said.describe_defences(pd.concat([*three, defended(generalized=0.68)]), 0.4, "alexnet")
    assert "mixup helps most" in text and "Too close to call: generalized" in text


def stopped(**errors) -> pd.DataFrame:
    """Points of one network: by level, the errors at the end and where it was stopped, of one seed."""
    rows = [
        {"level": float(level[1:]) / 10, "seed": 0, "run_id": level, "kind": kind, "test_error": error}
        for level, both in errors.items()
        for kind, error in zip(("end", "held_out", "best"), (*both, 0.1), strict=True)
    ]
    return pd.DataFrame(rows)


def test_stopping_tells_gains_from_chance_and_names_its_price():
    points = stopped(p2=(0.55, 0.54), p6=(0.73, 0.66), p8=(0.8, 0.81))
    text = said.describe_stopping(points, "alexnet")
    assert "AlexNet misreads fewer new photographs at 2 of 3 levels" in text
    assert "2.3 points fewer on average (one seed). At 60% corruption: 66.0% instead of 73.0%" in text
    again = pd.concat([points, points.assign(seed=1), points.assign(seed=2)])
    by_seed = "(by seed: 2.3, 2.3, 2.3; 95% interval ± 0.0). At"
    assert by_seed in said.describe_stopping(again, "alexnet")
    worse = points.assign(seed=1)
    worse.loc[worse.kind == "held_out", "test_error"] += 0.03
    text = said.describe_stopping(pd.concat([points, worse]), "alexnet")
    assert "which may be chance. At" in text  # 2.3 and -0.7 points
    whole = pd.DataFrame({"level": [0.2, 0.6], "seed": 0, "final_test_error": [0.5, 0.72]})
    price = said.describe_held_out_cost(points, whole)
    assert "the stopped one is better at 60%; worse at 20%." in price
    assert said.describe_held_out_cost(points, whole[:0]) == ""
    missing = said.describe_stopping(points[:0], "alexnet")
    assert "--grid mini-stopping --model alexnet" in missing


def test_other_shapes_of_noise_have_a_row_each():
    points = stopped(p4=(0.6, 0.65), p10=(0.7, 0.6))
    rows = said.noise_rows(points, {"p4": "confusable", "p10": "cifar10n-worst-matrix"})
    first, second = sorted(rows.to_dict("records"), key=lambda row: "40%" not in row["Labels"])
    assert first["Labels"] == "40% labels of a look-alike" and first["Gained"] == "-5.0 points"
    assert second["Stopped"] == "60.0%" and second["Seeds"] == 1


def test_how_far_apart_the_hills_are_is_the_area_under_the_roc_curve():
    """scikit-learn's, of losses that are the middles of the bins."""
    is_wrong = RNG.random(2000) < 0.4
    bins = RNG.integers(0, 20, size=2000) + 8 * is_wrong
    losses = np.array(LOSS_EDGES)[bins] + 0.1
    text = said_of_images.describe_losses(record(3, loss_counts=count_losses(losses, is_wrong)))
    assert f"in {roc_auc_score(is_wrong, losses):.0%} of all pairs" in text
    assert f"{np.mean(losses[is_wrong] >= 2):.0%} of the wrong labels have a loss of 2 or more" in text


def test_when_images_were_learned():
    labels = np.zeros(4, dtype=np.int64)
    scores = no_scores(4, np.array([], dtype=np.int64), 2)
    for correct in ([1, 1, 0, 0], [1, 1, 1, 0]):
        answers = np.log(np.where(np.array(correct)[:, None] == [1, 0], 0.9, 0.1)).astype(np.float32)
        scores = scores.add_epoch(np.arange(4), answers, labels, None)
    is_wrong = np.array([False, False, True, True])
    text = said_of_images.describe_learned(scores, is_wrong)
    assert text.startswith(
        "100% of the images with a right label are learned for good, half of them by epoch 1"
    )
    assert text.endswith("of those with a wrong label 50%, half by epoch 2.")
    rows = biography.learned_rows(scores, is_wrong).set_index(["labels", "epoch"]).share
    assert rows["right labels", 1] == 1 and rows["wrong labels", 2] == 0.5


def test_a_biography_tells_label_true_name_and_other_apart():
    records = [record(1, predictions=(3, 3, 3)), record(2, predictions=(5, 3, 7))]
    rows = biography.said_rows(records, [0, 1, 2], given=[3, 3, 5], true=[5, 3, 5])
    kinds = rows.pivot(index="number", columns="epoch", values="kind")
    assert kinds.loc[1].tolist() == ["its label, which is wrong", "its true name"]
    assert kinds.loc[2].tolist() == ["its label, which is right"] * 2
    assert kinds.loc[3].tolist() == ["another name"] * 2


def test_the_visitor_s_own_point_is_the_precision_and_recall_of_the_marks():
    is_wrong, marks = np.arange(50) < 20, np.array([3, 18, 30, 31])
    rows = finding_charts.precision_rows(score_ranking(np.arange(50), is_wrong), is_wrong, marks)
    own = rows[rows.kind == "you"].iloc[0]
    assert (own.precision, own.recall, own.looked_at) == (0.5, 0.1, 4)
    assert rows[rows.kind == "floor"].precision.tolist() == [0.4, 0.4]


def test_a_change_is_in_points_and_of_two_different_runs():
    first, second = record(1, test_error=0.7), record(1, test_error=0.65)
    assert finding.change(first, second) == "-5.0 points"
    assert finding.change(first, first) is None and finding.change(None, second) is None


@pytest.mark.slow
def test_every_chart_compiles_to_svg():
    vl_convert = pytest.importorskip("vl_convert")
    means = pd.DataFrame(
        {
            "kind": ["end", "held_out", "best"],
            "level": 0.4,
            "error": 0.5,
            "low": 0.4,
            "high": 0.6,
            "seeds": 3,
        }
    )
    found = score_ranking(np.arange(50), np.arange(50) < 20)
    precision = finding_charts.precision_against_recall()
    precision.data = finding_charts.precision_rows(found, np.arange(50) < 20, np.arange(10, 30))
    records = [record(1, loss_counts=tuple(range(66)))]
    hills = biography.losses()
    hills.data = biography.loss_rows(records[0])
    drawn = [
        cures.stopping(means),
        cures.stops([3, 4, 9], 60, 5),
        cures.stops([], 60, 5),
        cures.defences(defended(none=0.7, mixup=0.6), "last", "Test error"),
        cures.defences(defended(none=1.0, mixup=1.0), "last", "Test error"),
        precision,
        hills,
        biography.learned(),
        biography.image_scores_of(biography.said_rows(records, [0], [3], [5])),
    ]
    for chart in drawn:
        assert isinstance(chart, (alt.LayerChart, alt.Chart))
        svg = vl_convert.vegalite_to_svg(chart.to_dict(validate=False))
        assert svg.startswith("<svg") and ".000000%" not in svg  # what a screen reader says of an axis
        for layer in chart.to_dict(validate=False).get("layer", ()):
            if layer["mark"]["type"] == "bar":  # from the axis up: with x2 alone it is a dash
                assert "y2" in layer["encoding"]


def test_a_bar_of_the_stops_holds_two_epochs_and_the_last_epoch_has_its_place():
    bars = cures.stops([1, 3, 4, 60], 60, 5).layer[0].data
    assert dict(zip(bars.when, bars.visitors, strict=True)) == {
        "epochs 1 and 2": 1,
        "epochs 3 and 4": 2,
        "epochs 59 and 60": 1,
    }
    row = bars[bars.when == "epochs 3 and 4"].iloc[0]
    assert row.left < 3 and row.right > 4 and bars.right.max() < 61


def test_the_machine_chooses_from_the_same_photographs_as_the_visitor():
    """Its easiest ten of all five thousand would be no match."""
    is_wrong = np.arange(50) < 20
    ranking = Ranking(np.array([*range(30, 50), *range(30)]), np.zeros(50, dtype=np.int64))
    score = score_ranking(ranking.order, is_wrong)
    text = finding.describe_found(score, ranking, is_wrong, np.array([0, 25]), np.arange(28))
    assert "Your 2 marks hit 1 wrong labels; the machine's 2, chosen from the same 28" in text
    assert "photographs, hit 2. Of all 50 labels 20 are wrong" in text


def test_a_line_breaks_off_where_a_level_is_missing():
    """It would say something of 20% that nobody has computed."""
    at_20 = defended(none=0.7).replace({"level": {0.4: 0.2}})
    table = pd.concat([defended(none=0.7, mixup=0.6), at_20], ignore_index=True)
    rows = cures.defences(table, "last", "Test error").data.set_index(["defence", "level"]).value
    assert pd.isna(rows["mixup", 0.2]) and rows["mixup", 0.4] == 0.6 and rows["none", 0.2] == 0.7


def test_published_numbers_are_those_of_the_reference():
    literature = reference.noisy_labels()
    assert not any("from_memory" in str(each) for each in literature.values())
    defences = said.describe_published_defences(literature)
    assert "89.1% of the test photographs" in defences and "79.4% at 50%" in defences
    cleaning = finding.describe_published_cleaning(literature)
    assert "87.1% of the test photographs" in cleaning and "trained on all, 60.2%" in cleaning


def forgotten(wrong: float, right: float, test: float):
    """Records of two halves: three epochs, then two on the other half."""
    before = [record(n, memorized=1.0, right_label_error=0.0, test_error=0.7) for n in (1, 2, 3)]
    first, second = (
        [
            *before,
            record(4, memorized=wrong + d, right_label_error=1 - right, test_error=test),
            record(5, memorized=wrong + d, right_label_error=1 - right, test_error=test),
        ]
        for d in (0.01, -0.01)
    )
    return finding_charts.forgetting_rows([first, second], 3)


def test_what_is_forgotten_is_the_mean_of_the_two_halves():
    rows = forgotten(0.1, 0.3, 0.66).set_index(["quantity", "epoch"]).share
    assert rows["wrong labels repeated"].to_dict() == pytest.approx({0: 1.0, 1: 0.1, 2: 0.1})
    assert rows["right labels repeated"].to_dict() == pytest.approx({0: 1.0, 1: 0.3, 2: 0.3})
    assert rows["new photographs named correctly"].to_dict() == pytest.approx(
        {0: 0.3, 1: 0.34, 2: 0.34}
    )


def test_wrong_labels_are_said_to_be_gone_only_where_they_are_at_chance():
    text = finding.describe_forgetting(forgotten(0.1, 0.3, 0.66))
    assert "repeats 10% of the wrong labels and 30% of the right ones" in text and "are gone" in text
    assert "Of new photographs it then names 34% correctly." in text
    text = finding.describe_forgetting(forgotten(0.27, 0.46, 0.75))
    assert "not all of them" in text and "are gone" not in text
    rows = forgotten(0.1, 0.3, 0.66)
    true = rows[rows.quantity != "wrong labels repeated"]
    assert "30% of the labels" in finding.describe_forgetting(true)


def test_more_wrong_labels_than_before_and_fewer_errors_is_worth_a_sentence():
    ends = {"Before": record(1, test_error=0.71), "After": record(1, test_error=0.66)}
    ends["With true labels"] = record(1, test_error=0.56)
    said_more = finding.describe_repaired(ends, (0.36, 0.45))
    assert "more labels are wrong than before, 45% instead of 36%" in said_more
    assert "more labels" not in finding.describe_repaired(ends, (0.36, 0.25))
    assert "more labels" not in finding.describe_repaired(ends)
    worse = {**ends, "After": record(1, test_error=0.75)}
    assert "more labels" not in finding.describe_repaired(worse, (0.36, 0.45))
