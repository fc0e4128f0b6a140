"""`core` as a library: what it offers by name, and installed from a wheel."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

import core
from core.config import RunConfig
from core.paths import ROOT
from core.training.run import Run


def test_every_name_that_core_offers_is_there_and_documented():
    for name in core.__all__:
        assert getattr(core, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'made_up'"):
        _ = core.made_up


def test_a_run_keeps_its_network_and_says_what_it_sees(tiny):
    """Its predictions are those that were evaluated: test error, and the followed images."""
    run = Run(RunConfig(level=0.4, epochs=2, batch_size=20), tiny, "cpu")
    first = next(run.epochs())  # paused after one epoch
    assert [record.epoch for record in run.records] == [1] and first is run.records[0]
    last = run.train().records[-1]
    assert last.epoch == 2 and run.scores.epochs == 2
    test_error = np.mean(run.predict(tiny.test_images) != tiny.test_labels)
    assert test_error == pytest.approx(last.test_error)
    given = run.labels
    assert np.mean(run.predict(tiny.train_images) != given.labels) == pytest.approx(last.train_error)
    probabilities = run.probabilities(tiny.test_images)
    assert probabilities.shape == (100, 10) and np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    cropped = tiny.test_images[:, :, 2:30, 2:30]
    assert np.array_equal(run.probabilities(cropped), probabilities)
    assert len(run.model) == 4


@pytest.mark.slow
def test_the_wheel_has_the_library_its_images_and_the_command(tmp_path):
    """Without this checkout in sight; `pip install -e .` reads the same settings."""
    project = tmp_path / "project"  # building leaves files behind
    for folder in ("core", "assets"):
        shutil.copytree(ROOT / folder, project / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, project)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", tmp_path, project], check=True
    )
    (wheel,) = tmp_path.glob("*.whl")
    site = tmp_path / "site"
    subprocess.run([*pip, "install", "--no-deps", "--target", site, wheel], check=True)
    assert not (site / "pages").exists()
    program = (
        "import core, numpy\n"
        f"assert core.__file__.startswith({str(site)!r})\n"
        "from core import Run, RunConfig, load\n"
        "data = load('embedded')\n"
        "run = Run(RunConfig(width=8, epochs=1)).train()\n"
        "print(len(run.records), run.predict(data.test_images[:3]).shape)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(site), "HOME": str(tmp_path)}
    del environment["LAB_DATA"]

    def said(*arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True
        )

    assert said("-c", program).stdout == "1 (3,)\n"
    lab = said(str(site / "bin" / "lab"), "--help")
    assert lab.returncode == 0 and "sweep" in lab.stdout, lab.stderr
    assert "only the library is installed" in said("-m", "core", "serve").stderr
