import json
from dataclasses import replace

import pytest

from core.choices import DEFENCES, NETWORKS
from core.config import RunConfig
from core.errors import ConfigError
from core.training import speed
from tools import bench, bench_defences, bench_levels


@pytest.fixture(autouse=True)
def small_products(monkeypatch):
    monkeypatch.setattr(speed, "PEAK_SIZES", (128,))


@pytest.mark.slow
def test_a_row_has_every_figure(capsys, tmp_path):
    bench.print_bench(["mlp-1x512"], [128], seconds=0.2, out=tmp_path / "bench.json")
    printed = capsys.readouterr().out
    assert "GFLOP/s" in printed and "mlp-1x512" in printed
    (row,) = json.loads((tmp_path / "bench.json").read_text())["rows"]
    assert row["images_per_second"] > 0 and row["epoch_images_per_second"] > 0
    assert (
        row["plain_images_per_second"] > 0
        and 0 < row["evaluation_share_full"] < 1
        and row["share_of_peak"] > 0
    )


@pytest.mark.slow
def test_concurrent_runs_are_measured_beside_one_run_and_the_plain_loop(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(speed, "CONCURRENT", (1, 3))
    bench.print_concurrent(["mlp-1x512"], [128], seconds=0.2, out=tmp_path / "concurrent.json")
    assert "3 side by side" in capsys.readouterr().out
    rows = json.loads((tmp_path / "concurrent.json").read_text())["rows"]
    assert [row["runs"] for row in rows] == [1, 1, 1, 3]
    assert all(row["images_per_second"] > 0 for row in rows)
    assert rows[3]["bytes_planned"] == 3 * rows[2]["bytes_planned"]


def test_unknown_networks_are_refused():
    with pytest.raises(ConfigError, match="one of"):
        bench.print_bench(["vgg"])


def test_the_reference_figures_cover_every_network():
    from core.live.training.estimate import reference

    assert {row["model"] for row in reference()["rows"]} >= set(NETWORKS)
    assert reference()["device"] and reference()["date"]


@pytest.mark.slow
def test_the_whole_curve_is_measured_beside_its_bare_epochs(monkeypatch):
    monkeypatch.setattr(bench_levels, "all_levels", lambda config: [config, replace(config, level=1.0)])
    row = bench_levels.level_sweep_speed(RunConfig(epochs=1, batch_size=128))
    assert row.runs == 2 and row.bare_seconds > 0
    assert 0 < row.first_seconds <= row.curve_seconds


@pytest.mark.slow
def test_the_cost_of_each_defence_is_beside_that_of_none(monkeypatch, tiny):
    monkeypatch.setattr(bench_defences, "load", lambda _: tiny)
    rows = {row.defence: row for row in bench_defences.defence_costs("mlp-1x512", 0.01)}
    assert set(rows) == set(DEFENCES) and rows["none"].times == 1
    assert all(row.epoch_seconds > 0 for row in rows.values())
    assert all(row.least <= row.times <= row.most for row in rows.values())


def test_measuring_one_network_again_keeps_the_rows_of_the_others(tmp_path):
    out, here = tmp_path / "bench.json", {"device": "here", "peak_flops_per_second": 2.0}
    old = [{"model": name, "batch_size": 32, "images_per_second": 1.0} for name in list(NETWORKS)[:3]]
    new = [{**old[1], "images_per_second": 5.0}, {**old[1], "batch_size": 64}]
    assert bench.merged(out, here, old) == {**here, "rows": old}  # there is no file yet
    out.write_text(json.dumps({**here, "rows": old}))
    assert bench.merged(out, here, new) == {**here, "rows": [old[0], *new, old[2]]}
    elsewhere = bench.merged(out, {**here, "device": "there"}, new)
    assert elsewhere["device"] == "here"
    assert [row.get("device") for row in elsewhere["rows"]] == [None, "there", "there", None]
    assert bench.merged(out, {**here, "device": "there"}, old)["device"] == "there"  # all of them
