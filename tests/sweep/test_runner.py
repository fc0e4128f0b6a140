"""The engine: runs killed, taken, damaged and resumed, in real processes where that matters."""

import itertools
import json
import os
import random
import resource
import signal
import subprocess
import sys
from contextlib import closing

import pytest
from safetensors import safe_open

from core.cleaning.ranking import sources
from core.config import RunConfig
from core.errors import DataError, DivergedError, SweepError, TakenError, TooLargeError
from core.sweep import runner
from core.sweep.results import load_epochs, load_records, load_runs, load_scores
from core.sweep.runner import EpochTrained, RunEnded, RunStarted, Sweep, missing, stored_ranking
from core.sweep.verify import verify
from core.training import concurrent_runs
from core.training.concurrent_runs import ConcurrentRuns
from core.training.self_check import Abilities
from core.training.training import train
from tests.samples import as_on_a_gpu, reproducible, trained

CONFIG = RunConfig(level=0.5, epochs=3)
SHORT = RunConfig(level=1.0, epochs=8)
# The command line itself, its smallest grid cut down to one short run.
COMMAND = """
import sys
from core.__main__ import main
from core.config import RunConfig
from core.sweep.grids import GRIDS, Grid
GRIDS["mini"] = Grid("mini", "One short run.", (RunConfig(level=1.0, epochs=8),))
sys.exit(main(["sweep", "--grid", "mini", "--seed", "0", "--folder", sys.argv[1]]))
"""


def start(folder, **options) -> subprocess.Popen:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", COMMAND, str(folder)], **pipes, **options)


def train_run(config, device, folder, data):
    """The epochs of a sweep of one run."""
    with closing(iter(Sweep([config], device, folder, data))) as sweep:
        for event in sweep:
            match event:
                case RunEnded(_, Exception() as failure):
                    raise failure
                case EpochTrained(_, record):
                    yield record


@pytest.fixture(scope="module")
def uninterrupted(embedded):
    return reproducible(train(SHORT, embedded, "cpu"))


def test_a_finished_run_is_added_and_no_longer_missing(tmp_path, tiny):
    other = RunConfig(level=0.5, epochs=3, seed=1)
    assert missing([CONFIG, other], tmp_path) == [CONFIG, other]
    records = list(train_run(CONFIG, "cpu", tmp_path, tiny))
    assert missing([CONFIG, other], tmp_path) == [other]
    assert load_records(CONFIG.run_id, tmp_path) == records
    assert not list(tmp_path.glob("running/*.safetensors"))
    assert list(train_run(CONFIG, "cpu", tmp_path, tiny)) == []  # nothing twice


REPAIRED = RunConfig(level=0.5, epochs=3, repair="drop", repaired=0.2)


def ends(sweep):
    """Run ids in the order in which they ended, and what ended them."""
    with closing(iter(sweep)) as events:
        return {event.config.run_id: event.failure for event in events if isinstance(event, RunEnded)}


@pytest.mark.slow
@pytest.mark.parametrize("at_once", [1, 4])
def test_a_repaired_run_waits_for_those_that_rank_its_labels(tmp_path, tiny, monkeypatch, at_once):
    """Also where a GPU would begin it beside them."""
    (source,) = sources(REPAIRED, "loss")
    sweep = Sweep([source, REPAIRED, SHORT], "cpu", tmp_path, tiny)
    if at_once > 1:
        as_on_a_gpu(sweep.runs, at_once, monkeypatch)
    assert ends(sweep) == dict.fromkeys((source.run_id, REPAIRED.run_id, SHORT.run_id))
    ranking = stored_ranking(REPAIRED, tiny, tmp_path)
    expected, _ = trained(REPAIRED, tiny, "cpu", ranking)
    assert reproducible(load_records(REPAIRED.run_id, tmp_path)) == reproducible(expected)
    assert load_scores(REPAIRED.run_id, tmp_path).epochs == 3
    for _, run in load_runs(tmp_path).iterrows():
        assert verify(run, 2, tmp_path, tiny).difference == 0


def test_a_repaired_run_that_nothing_ranks_ends_in_a_sentence_and_the_others_go_on(tmp_path, tiny):
    found = ends(Sweep([REPAIRED, CONFIG], "cpu", tmp_path, tiny))
    assert found[CONFIG.run_id] is None
    assert "first train the runs that find the wrong labels" in str(found[REPAIRED.run_id])
    assert missing([REPAIRED, CONFIG], tmp_path) == [REPAIRED]


@pytest.mark.slow
@pytest.mark.parametrize(("at_once", "begun"), [(None, 4), (2, 2)])
def test_fewer_side_by_side_are_done_sooner(tmp_path, tiny, monkeypatch, at_once, begun):
    """Where the time is short: else all would be half done when it is over."""
    device = Abilities("cpu", use_graphs=False, max_at_once=32)
    monkeypatch.setattr(concurrent_runs, "check_device", lambda _: device)
    configs = [RunConfig(level=0.5, epochs=2, seed=seed) for seed in range(4)]
    sweep = Sweep(configs, "cpu", tmp_path, tiny, at_once)
    as_on_a_gpu(sweep.runs, sweep.runs.max_at_once, monkeypatch)
    events = list(sweep)
    first_end = next(place for place, event in enumerate(events) if isinstance(event, RunEnded))
    assert sum(isinstance(event, RunStarted) for event in events[:first_end]) == begun
    assert missing(configs, tmp_path) == []


def test_an_interrupted_run_resumes_and_loses_no_record(tmp_path, tiny):
    training = train_run(CONFIG, "cpu", tmp_path, tiny)
    next(training)
    training.close()
    list(train_run(CONFIG, "cpu", tmp_path, tiny))
    expected = [record.test_error for record in train(CONFIG, tiny, "cpu")]
    assert load_epochs([CONFIG.run_id], tmp_path).test_error.tolist() == expected


@pytest.mark.slow
def test_a_run_is_trained_until_it_is_fitted(tmp_path, tiny):
    config = RunConfig(level=0.0, epochs=2, epochs_after_fitted=3)
    records = list(train_run(config, "cpu", tmp_path, tiny))
    run = load_runs(tmp_path).iloc[0]
    assert run.epochs_trained == len(records) == run.fitted_epoch + 3


def test_a_run_that_is_being_trained_is_left_alone(tmp_path, tiny):
    training = train_run(CONFIG, "cpu", tmp_path, tiny)
    next(training)
    with pytest.raises(TakenError, match=CONFIG.run_id):
        next(train_run(CONFIG, "cpu", tmp_path, tiny))
    training.close()
    assert len(list(train_run(CONFIG, "cpu", tmp_path, tiny))) == 3


@pytest.mark.parametrize("error", [RuntimeError("no kernel for this"), TooLargeError("too big")])
def test_what_one_run_cannot_do_ends_that_run_and_not_the_sweep(tmp_path, tiny, monkeypatch, error):
    other = RunConfig(level=0.5, epochs=3, seed=1)
    launch = ConcurrentRuns.launch

    def refuses_one(runs, run_id):
        if run_id == CONFIG.run_id and runs.records(run_id):
            raise error
        return launch(runs, run_id)

    monkeypatch.setattr(ConcurrentRuns, "launch", refuses_one)
    events = list(Sweep([CONFIG, other], "cpu", tmp_path, tiny))
    assert [event for event in events if isinstance(event, RunEnded)] == [
        RunEnded(CONFIG, error),
        RunEnded(other),
    ]
    epochs = [event for event in events if isinstance(event, EpochTrained)]
    assert [epoch.record.epoch for epoch in epochs if epoch.config == other] == [1, 2, 3]
    assert missing([CONFIG, other], tmp_path) == [CONFIG]
    monkeypatch.undo()
    assert len(list(train_run(CONFIG, "cpu", tmp_path, tiny))) == 3  # nobody holds it any more


def test_a_diverging_run_ends_and_the_next_one_is_trained(tmp_path, tiny):
    wild = RunConfig(level=0.5, epochs=3, learning_rate=10.0, momentum=0.99)
    events = Sweep([wild, CONFIG], "cpu", tmp_path, tiny)
    ends = [event for event in events if isinstance(event, RunEnded)]
    assert isinstance(ends[0].failure, DivergedError) and ends[0].config == wild
    assert ends[1].failure is None and missing([wild, CONFIG], tmp_path) == [wild]


@pytest.mark.slow
def test_killed_at_several_moments_it_loses_at_most_one_epoch(tmp_path, uninterrupted):
    moments = random.Random(0)
    for epochs in (1, moments.randrange(3, 7)):
        with start(tmp_path) as process:
            printed = 0
            for line in process.stdout:
                if line.startswith("epoch"):
                    printed = int(line.split()[1].partition("/")[0])
                    if printed >= epochs:
                        break
            process.send_signal(signal.SIGKILL)
        with safe_open(tmp_path / f"running/{SHORT.run_id}.safetensors", "pt") as checkpoint:
            kept = len(json.loads(checkpoint.metadata()["records"]))
        assert kept >= printed  # what was said to be done is kept
    with start(tmp_path) as process:
        said, complaints = process.communicate(timeout=120)
    assert process.returncode == 0 and complaints == "" and "1 of 1 runs trained" in said
    assert reproducible(load_records(SHORT.run_id, tmp_path)) == uninterrupted


def test_killed_while_the_results_are_written_it_has_lost_nothing(tmp_path, tiny, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(runner, "add_results", killed)
        list(train_run(CONFIG, "cpu", tmp_path, tiny))
    assert missing([CONFIG], tmp_path) == [CONFIG]
    epochs = [record.epoch for record in train_run(CONFIG, "cpu", tmp_path, tiny)]
    assert epochs == [1, 2, 3] and missing([CONFIG], tmp_path) == []


@pytest.mark.slow
def test_two_sweeps_do_not_train_the_same_run_twice(tmp_path):
    with start(tmp_path) as first, start(tmp_path) as second:
        said = [process.communicate(timeout=120) for process in (first, second)]
    lines = list(itertools.chain.from_iterable(out.splitlines() for out, _ in said))
    assert sum(line.startswith("epoch   8/8") for line in lines) == 1
    assert sum("is being trained by another sweep" in complaint for _, complaint in said) == 1
    assert len(load_records(SHORT.run_id, tmp_path)) == 8


def test_a_damaged_checkpoint_is_set_aside_and_the_run_starts_again(tmp_path, tiny, caplog):
    training = train_run(CONFIG, "cpu", tmp_path, tiny)
    next(training)
    training.close()
    checkpoint = tmp_path / f"running/{CONFIG.run_id}.safetensors"
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    assert len(list(train_run(CONFIG, "cpu", tmp_path, tiny))) == 3
    assert checkpoint.with_suffix(".damaged").stat().st_size == 1000
    assert "starts again" in caplog.text and len(caplog.text.splitlines()) == 1


@pytest.mark.parametrize("name", ["runs.parquet", "epochs.parquet"])
def test_a_broken_result_file_is_one_sentence_and_no_run_is_lost(tmp_path, tiny, name):
    list(train_run(CONFIG, "cpu", tmp_path, tiny))
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    other = RunConfig(level=0.5, epochs=2, seed=1)
    with pytest.raises(SweepError, match=f"{name} cannot be read"):
        list(train_run(other, "cpu", tmp_path, tiny))
    assert (tmp_path / name).read_bytes() == whole[: len(whole) // 2]
    (tmp_path / name).write_bytes(whole)  # brought back
    list(train_run(other, "cpu", tmp_path, tiny))
    assert set(load_runs(tmp_path).run_id) == {CONFIG.run_id, other.run_id}


@pytest.mark.slow
def test_a_broken_result_file_on_the_command_line(tmp_path):
    (tmp_path / "runs.parquet").write_text("no parquet")
    with start(tmp_path) as process:
        _, complaint = process.communicate(timeout=60)
    assert process.returncode == 1 and complaint.count("\n") == 1
    assert "copy it there again" in complaint and "Traceback" not in complaint


@pytest.mark.slow
def test_a_full_disk_ends_in_one_sentence_and_leaves_nothing_half_written(tmp_path):
    def no_room():  # files cannot grow beyond a megabyte, a checkpoint has to
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    with start(tmp_path, preexec_fn=no_room, env={**os.environ, "OMP_NUM_THREADS": "1"}) as process:
        _, complaint = process.communicate(timeout=60)
    assert process.returncode == 1 and "Traceback" not in complaint
    assert "make room" in complaint and complaint.count("\n") == 1
    assert [path.name for path in (tmp_path / "running").iterdir()] == [f"{SHORT.run_id}.lock"]


def test_what_concerns_the_whole_sweep_ends_it(tmp_path, tiny, monkeypatch, data_folder):
    """No images, or results that cannot be read: not a failure of this run or that."""
    with pytest.raises(DataError, match="make data"):
        list(Sweep([RunConfig(data="full"), CONFIG], "cpu", tmp_path))

    def unreadable(*_, **__):
        raise SweepError("runs.parquet cannot be read")

    monkeypatch.setattr(runner, "add_results", unreadable)
    with pytest.raises(SweepError, match="cannot be read"):
        list(Sweep([CONFIG, RunConfig(level=0.5, epochs=3, seed=1)], "cpu", tmp_path, tiny))
    monkeypatch.undo()
    assert len(list(train_run(CONFIG, "cpu", tmp_path, tiny))) == 3  # from its checkpoint
