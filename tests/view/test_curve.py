"""The whole curve and the widths: sentences and charts."""

import numpy as np
import pandas as pd
import pytest
import vl_convert

from core.cleaning.annotators import Answer
from core.config import LEVELS, RunConfig
from core.live.classroom.classroom import Attendance
from core.live.classroom.level_sweep import LevelPoint
from core.sweep.grids import WIDTHS
from core.sweep.reference import paper
from core.sweep.widths import ENOUGH, weights_of, width_means, width_runs
from core.view.classroom import annotation, charts, level_sweep
from core.view.widths import captions as widths
from core.view.widths import charts as width_charts
from tests.samples import record, swept


def point(level: float, seed: int = 0, train: float = 0.0, epoch: int = 9, is_finished: bool = True):
    return LevelPoint(
        level, seed, epoch, 9, train, 0.5 + 0.4 * level, is_finished, is_active=not is_finished
    )


def test_the_sentence_says_what_is_there_and_no_more():
    assert "Which error will fall" in level_sweep.describe_levels([])
    assert "Which error will fall" in level_sweep.describe_levels(
        [LevelPoint(0.0, 0, 0, 9, None, None, False, True)]
    )
    some = [point(0.0), point(0.5, train=0.3, is_finished=False)]
    text = level_sweep.describe_levels(some)
    assert text == (
        "1 of 11 levels trained. So far the training error is 0% to 30%, the test error 50% to 70%."
    )
    every = [point(level) for level in LEVELS]
    assert "every network repeats all the labels it was given" in level_sweep.describe_levels(every)
    assert (
        "the network misreads 50% of new photographs; trained on random labels, 90%"
        in level_sweep.describe_levels(every)
    )
    nearly = [*every[:-1], point(1.0, train=0.012)]
    assert "repeats 98.8% or more of the labels" in level_sweep.describe_levels(nearly)
    not_yet = [*every[:-1], point(1.0, train=0.4)]
    assert (
        "at 100% corruption, 40% of the given labels are not learned yet"
        in level_sweep.describe_levels(not_yet)
    )


def test_whom_the_class_waits_for():
    cancelled = point(0.5, is_finished=False)._replace(is_active=False)
    said = level_sweep.describe_lacking([point(0.0), cancelled], Attendance(7, 0, 1, 1))
    assert "1 stopped before the end" in said and "in training" not in said
    said = level_sweep.describe_lacking(
        [point(0.0), point(1.0, is_finished=False)], Attendance(7, 0, 1, 1)
    )
    assert said == (
        "7 visitors in the room · 2 places taken · 1 still in training · 9 of 11 levels wait for somebody"
    )
    assert "the figure is complete" in level_sweep.describe_lacking(
        list(map(point, LEVELS)), Attendance(9, 0, 0, 9)
    )
    assert "no place taken" in level_sweep.describe_lacking([], Attendance(1, 0, 0, 0))


def test_the_mean_and_the_spread_of_several_seeds():
    points = [
        point(0.5, 0, train=0.1),
        point(0.5, 1, train=0.3),
        LevelPoint(0.5, 2, 0, 9, None, None, False, True),
    ]
    rows = charts.level_rows(points)
    (mean,) = rows[(rows.kind == "mean") & (rows.quantity == "training error")].to_dict("records")
    assert mean["error"] == pytest.approx(0.2) and (mean["low"], mean["high"]) == (0.1, 0.3)
    assert (rows.kind == "run").sum() == 4  # two quantities of two that have begun


def test_the_title_names_all_but_the_level():
    assert level_sweep.level_sweep_title(RunConfig(level=0.4, loss="generalized")) == (
        "Every level, small network, 5,000 photographs, generalized cross-entropy"
    )
    assert level_sweep.level_sweep_title(RunConfig(level=0.4, noise="cifar10n-worst-matrix")) == (
        "Every level of labels that people confuse, the worst of three, small network, 5,000 photographs"
    )


def test_the_dashed_line_is_the_share_of_wrong_labels_whatever_the_noise():
    for wrong, said in ((0.9, "0.9 p"), (1.0, "1 p"), (0.402, "0.4 p")):
        rows = charts.level_rows([point(0.0)], wrong=wrong)
        floor = rows[rows.kind == "floor"].set_index("level")
        assert floor.error[1.0] == wrong and floor["name"][0.4].endswith(f": {said}")


@pytest.mark.slow
def test_the_chart_compiles_with_all_its_rows():
    runs = pd.concat([swept(level=0.0), swept(level=1.0)])
    rows = charts.level_rows([point(0.0), point(1.0)], runs, paper(), "mlp-1x512")
    assert {"run", "mean", "floor", "stored", "paper"} == set(rows.kind)
    figure = charts.all_levels().properties(data=rows)
    assert "test error" in vl_convert.vegalite_to_svg(figure.to_dict())


def widths_of(errors: dict[int, float], level: float, column: str) -> pd.DataFrame:
    rows = [
        swept(level=level, width=width, data="embedded", epochs=60, batch_size=64) for width in errors
    ]
    table = pd.concat(rows, ignore_index=True)
    return table.assign(**{column: list(errors.values())})


def test_how_many_weights_it_takes_is_read_from_the_runs():
    runs = widths_of({1: 0.8, 64: 0.2, 512: 0.0}, 1.0, "final_train_error")
    means = width_means(width_runs(runs), "final_train_error")
    assert means.weights.tolist() == [weights_of(1), weights_of(64), weights_of(512)]
    text = widths.describe_fitting(means, ENOUGH)
    assert "With 1 hidden unit the network fails to learn 80% of 5,000 random labels" in text
    assert "with 512 units, 1,209,866 weights, it learns all. In theory" in text and "12,352" in text
    svg = vl_convert.vegalite_to_svg(width_charts.fits_random_labels(means, ENOUGH).to_dict())
    assert "2n + d = 12,352" in svg


@pytest.mark.parametrize(
    ("errors", "said"),
    [
        ((0.8, 0.6, 0.7, 0.65), "it rises by 10.0 points and falls again by 5.0"),
        ((0.8, 0.6, 0.7, 0.7), "it rises again by 10.0 points"),
        (
            (0.8, 0.6, 0.615, 0.58),
            "it rises by 1.5 points and falls again by 3.5 (means of 1 seed on 1,000 images, known to ",
        ),
        ((0.8, 0.7, 0.6, 0.6), "it only falls"),
    ],
)
def test_whether_a_second_descent_shows(errors, said):
    held = [errors[0]] * (len(WIDTHS) - len(errors))  # as it begins
    runs = widths_of(dict(zip(WIDTHS, [*held, *errors], strict=True)), 0.2, "final_test_error")
    means = width_means(width_runs(runs), "final_test_error")
    text = widths.describe_descent(means)
    assert f"at 20% random labels {said}" in text
    assert ("may be chance" in text) == ("rises by 1.5" in said)
    assert "not computed yet" in widths.describe_descent(means.iloc[:-1])  # one width is missing
    assert vl_convert.vegalite_to_svg(width_charts.errors_against_weights(means).to_dict())


def test_a_class_is_told_how_often_it_agrees():
    true = np.arange(20) % 10
    answers = [Answer("ann", image, image % 10, image >= 10) for image in range(19)]
    answers += [Answer("ben", image, 3, False) for image in (3, 5)] + [Answer("ben", 15, 3, True)]
    answers += [Answer("cem", 15, None, True)]
    text = annotation.describe_answers(answers, true, 1)
    assert "22 answers by 3 visitors: 91% agree with the data set's label" in text
    assert "two visitors who see the same photograph agree in 33% of cases" in text
    assert "Most often confused: dog, labeled cat" in text
    assert "Time ran out 1 time" in text and "1 visitor left out" in text
    assert annotation.describe_answers([], true, 0) == "Nobody has named a photograph yet."
    assert annotation.describe_answers([], true, 2) == annotation.NONE_COUNTS


@pytest.mark.parametrize(
    ("own", "random", "said"),
    [
        (0.70, 0.66, "The room's labels hurt more: the test error is 4.0 points higher"),
        (0.66, 0.70, "Random labels hurt more: the test error is 4.0 points higher"),
        (0.70, 0.69, "they differ by 1.0 points"),
    ],
)
def test_which_hurts_more(own, random, said):
    ends = record(9, test_error=own), record(9, test_error=random)
    assert said in annotation.describe_trained("The room's labels", 0.2, *ends)
    assert "one is trained on labels confused like your labels" in annotation.describe_trained(
        "Your labels", 0.2, None, ends[1]
    )


def test_what_else_is_drawn_is_explained():
    said = level_sweep.describe_seeds([], has_stored=True, has_paper=True)
    assert "Thin gray lines: the stored runs" in said and "Gray diamonds: the paper's" in said
    assert "gray" not in level_sweep.describe_seeds([]).lower()
