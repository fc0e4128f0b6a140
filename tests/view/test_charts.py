import json
import re
import tomllib
from pathlib import Path

import altair as alt
import numpy as np
import pandas as pd
import pytest

from core.choices import DEFENCES, NETWORKS
from core.config import RunConfig
from core.sweep.figures import relative_fit_times
from core.sweep.reference import paper
from core.sweep.results import load_runs
from core.view.cures import charts as cures
from core.view.images import charts as biography
from core.view.images import transitions
from core.view.run import charts as history
from core.view.run.floor import floor_of
from core.view.style import COLOURS, SERIES_COLOURS, enlarged
from core.view.sweep import charts as by_level
from core.view.widths import charts as widths
from core.view.words import CHANGED, CHANGED_MEAN, FLOOR, LABELS
from tests.samples import record

CONFIG = RunConfig(level=0.5, epochs=40)


def error_history(records, config):
    return history.error_history(records, config, floor_of(config))


HISTORIES = [error_history, history.fate_history, history.loss_history, history.changes_history]


def specification(chart) -> str:
    """The chart without its data."""
    spec = chart.to_dict()
    spec.pop("datasets")
    text = json.dumps(spec, sort_keys=True)
    names = sorted(set(charts_data_names(spec)))
    for i, name in enumerate(names):
        text = text.replace(name, f"data-{i}")
    return text


def charts_data_names(spec):
    if isinstance(spec, dict):
        if set(spec) == {"name"}:
            yield spec["name"]
        for value in spec.values():
            yield from charts_data_names(value)
    elif isinstance(spec, list):
        for value in spec:
            yield from charts_data_names(value)


def rows(chart) -> pd.DataFrame:
    (data,) = chart.to_dict()["datasets"].values()
    return pd.DataFrame(data)


@pytest.mark.parametrize("history", HISTORIES)
def test_a_live_chart_never_changes_its_specification(history):
    """It would flicker at every tick."""
    ticks = [[], [record(1)], [record(i) for i in range(1, 41)]]
    assert len({specification(history(records, CONFIG)) for records in ticks}) == 1


@pytest.mark.parametrize("history", HISTORIES)
def test_a_history_has_axes_with_names_and_fixed_ranges(history):
    encoding = history([record(1)], CONFIG).to_dict()["layer"][0]["encoding"]
    for axis in ("x", "y"):
        scale = encoding[axis]["scale"]
        assert encoding[axis]["title"] and ("domain" in scale or "domainMax" in scale)
        assert encoding[axis]["type"] == "quantitative"


def test_error_history_shows_every_epoch_and_the_line_of_0_9_p():
    table = rows(history.error_history([record(1), record(2)], CONFIG, floor_of(CONFIG)))
    assert table[table.quantity == "training error"].value.tolist() == [0.5, 0.25]
    assert table[table.quantity == FLOOR].value.tolist() == [0.45, 0.45]
    assert table[table.label != ""].epoch.min() == 2
    assert FLOOR not in set(
        rows(history.error_history([record(1)], RunConfig(), floor_of(RunConfig()))).quantity
    )


def test_no_two_names_are_written_on_top_of_each_other():
    close = record(1, train_error=0.01, right_label_error=0.0)
    table = rows(history.error_history([close], CONFIG, floor_of(CONFIG)))
    assert set(table.label) - {""} == {"test error", "training error", "no memorizing"}


def test_the_epoch_at_which_changes_stop_the_training_is_named_on_their_mean():
    changes = (None, 0.5, 0.3, 0.1, 0.2, 0.6)
    records = [record(n, prediction_changes=change) for n, change in enumerate(changes, 1)]
    table = rows(history.changes_history(records, CONFIG))
    mean = table[table.quantity == CHANGED_MEAN]
    assert mean.value.tolist() == pytest.approx([0.3, 0.2, 0.3])
    assert mean[mean.label != ""].epoch.tolist() == [4]
    assert table[table.quantity == CHANGED].value.tolist() == list(changes[1:])


def test_what_does_not_exist_is_not_drawn():
    nothing = record(1, memorized=None, recovered=None)
    assert history.fate_history([nothing], CONFIG).to_dict()["datasets"] is not None
    chart = history.fate_history([nothing], CONFIG)
    assert "repeated" not in json.dumps(chart.to_dict()["datasets"])


def sweep_rows(*points) -> pd.DataFrame:
    columns = ["model", "level", "seed", "final_test_error", "final_train_error"]
    types = {**dict.fromkeys(columns, float), "model": str, "seed": int}
    return pd.DataFrame(points, columns=columns).astype(types)


def test_error_against_level_holds_our_means_and_the_papers_points():
    ours = sweep_rows(("mlp-1x512", 0.5, 0, 0.7, 0.0), ("mlp-1x512", 0.5, 1, 0.8, 0.1))
    chart = by_level.error_against_level(ours, paper(), "mlp-1x512")
    table = rows(chart)
    mine = table[table.source == "ours"].dropna(subset="error").set_index("quantity").error
    assert mine["test error"] == pytest.approx(0.75) and mine["training error"] == pytest.approx(0.05)
    theirs = table[table.source == "the paper"]
    assert theirs.error.tolist() == paper()["fig1c_test_error"]["series"]["MLP 1x512"]
    assert theirs.level.tolist() == [i / 10 for i in range(11)]


@pytest.mark.slow
def test_only_what_was_computed_is_drawn():
    chart = by_level.error_against_level(sweep_rows(), paper(), "alexnet")
    assert set(rows(chart).source.dropna()) == {"the paper"}
    nothing = by_level.error_against_level(sweep_rows(), paper(), "mlp-3x512")
    assert rows(nothing).quantity.tolist() == [FLOOR, FLOOR, FLOOR]


@pytest.mark.slow
def test_a_line_breaks_where_a_level_is_not_computed():
    vl_convert = pytest.importorskip("vl_convert")
    levels = (0.0, 0.1, 0.5, 0.9, 1.0)
    ours = sweep_rows(*(("alexnet", level, 0, 0.5, 0.0) for level in levels))
    table = rows(by_level.error_against_level(ours, None, "alexnet"))
    mine = table[(table.source == "ours") & (table.quantity == "test error")]
    assert mine.dropna(subset="error").level.tolist() == list(levels)
    assert mine.level.tolist() == [i / 10 for i in range(11)]

    def pieces(chart) -> list[int]:
        """Into how many pieces each line falls that is as thick as ours."""
        svg = vl_convert.vegalite_to_svg(chart.to_dict())
        lines = re.findall(r'<path[^>]*d="([^"]*)"[^>]*stroke-width="2.5"', svg)
        return [line.count("M") for line in lines]

    assert pieces(by_level.error_against_level(ours, None, "alexnet")) == [3, 3]
    times = relative_fit_times(
        pd.DataFrame({"model": "alexnet", "level": levels, "seed": 0, "epoch": [9, 10, 15, 18, 20]})
    )
    assert pieces(by_level.time_against_level(times, None, "alexnet")) == [3]


def test_a_visitors_runs_are_points_of_their_own():
    own = pd.DataFrame(
        {
            "model": ["mlp-1x512"] * 2,
            "level": [0.3] * 2,
            "run": ["a", "b"],
            "test_error": [0.6, 0.9],
            "train_error": [0.0, 0.8],
        }
    )
    table = rows(by_level.error_against_level(sweep_rows(), paper(), "mlp-1x512", own))
    mine = table[table.source == "your run"]
    assert sorted(mine.error) == [0.0, 0.6, 0.8, 0.9]  # unlike runs are not averaged
    assert mine.run.tolist() == ["a", "b", "a", "b"]


def test_compared_runs_are_a_line_each():
    runs = [("a", CONFIG, [record(1), record(2)]), ("b", CONFIG, [record(1)])]
    table = rows(history.compared(runs, "test_error"))
    assert table.groupby("run").size().to_dict() == {"a": 2, "b": 1}


def test_transition_heatmap_has_a_cell_for_every_pair():
    counts = np.arange(100).reshape(10, 10)
    table = rows(transitions.transition_heatmap(counts))
    assert len(table) == 100
    cell = table[(table.true == "bird") & (table.given == "dog")]
    assert cell.images.item() == counts[2, 5]


def test_colours_and_marks_are_each_ones_own():
    errors = [*(LABELS[name] for name in (*history.ERRORS, *history.FATES)), FLOOR]
    assert len({COLOURS[name] for name in errors}) == len(errors)
    assert len({network.mark for network in NETWORKS.values()}) == len(NETWORKS)


@pytest.mark.slow
def test_every_chart_compiles_to_svg():
    vl_convert = pytest.importorskip("vl_convert")
    runs = load_runs()
    records = [record(i) for i in range(1, 41)]
    drawn = [draw(records, CONFIG) for draw in HISTORIES]
    drawn += [
        by_level.error_against_level(runs, paper(), "mlp-1x512"),
        by_level.networks_against_level(runs, paper(), {"mlp-1x512": "small", "alexnet": "AlexNet"}),
        history.compared([("a", CONFIG, records)], "memorized"),
        transitions.transition_heatmap(np.eye(10, dtype=int)),
    ]
    for chart in drawn:
        assert isinstance(chart, alt.LayerChart)
        svg = vl_convert.vegalite_to_svg(chart.to_dict())
        assert svg.startswith("<svg") and ".000000%" not in svg  # what a screen reader says of an axis


def test_for_a_projector_every_axis_has_large_words_also_one_that_says_nothing_of_itself():
    chart = alt.Chart(pd.DataFrame({"a": [1], "b": [2]})).mark_bar()
    plain = chart.encode(x="a:Q", y=alt.Y("b:Q", axis=None), x2="b:Q").to_dict()["encoding"]
    large = enlarged(plain)
    assert large["x"]["axis"]["labelFontSize"] == large["x"]["axis"]["titleFontSize"] == 24
    assert large["y"]["axis"] is None and large["x2"] == plain["x2"]


def test_runs_side_by_side_are_named_by_what_differs():
    assert history.what_differs(["mlp, level 20%, 5k", "mlp, level 40%, 5k"]) == [
        "level 20%",
        "level 40%",
    ]
    assert history.what_differs(["a, b", "a, b, c"]) == [
        "a, b",
        "a, b, c",
    ]  # of the first nothing is left
    assert history.what_differs(["mlp, level 20%"]) == ["mlp, level 20%"]
    assert history.what_differs([]) == []


def luminance(colour: str) -> float:
    """Relative, as WCAG 2.2 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_line_is_seen_on_the_page(scheme):
    config = Path(__file__).parents[2] / ".streamlit" / "config.toml"
    page = luminance(tomllib.loads(config.read_text())["theme"][scheme]["backgroundColor"])
    palettes = [COLOURS, SERIES_COLOURS, widths.LEVEL_COLOURS, biography.SAID]
    palettes += [
        biography.LABELLED,
        cures.STOPPING_COLOURS,
        {name: each.colour for name, each in (NETWORKS | DEFENCES).items()},
    ]
    for colour in {colour for palette in palettes for colour in palette.values()}:
        darker, lighter = sorted((page, luminance(colour)))
        assert (lighter + 0.05) / (darker + 0.05) >= 3, colour
