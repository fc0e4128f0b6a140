"""Runs side by side: the same as alone, each to be stopped by itself, whatever the memory does."""

import dataclasses
import errno

import pytest
import torch

from core.config import RunConfig
from core.errors import DivergedError, TooLargeError
from core.training import checkpoint as checkpoint_module
from core.training import training as training_module
from core.training.concurrent_runs import ConcurrentRuns, EpochDone, EpochFailed
from core.training.memory_plan import available, needed
from core.training.training import Training, train
from tests.samples import as_on_a_gpu, reproducible

CONFIGS = (
    RunConfig(level=0.5, epochs=3, batch_size=32),
    RunConfig(model="mlp-3x512", level=1.0, epochs=3, batch_size=64, seed=1),
    RunConfig(model="alexnet", level=0.2, epochs=3, batch_size=32, seed=2),
)


@pytest.fixture
def runs(monkeypatch):
    """As on a GPU, three at once."""
    runs = ConcurrentRuns("cpu", save_after=60.0)
    as_on_a_gpu(runs, 3, monkeypatch)
    return runs


@pytest.fixture
def checkpoint(tmp_path):
    return lambda config: tmp_path / f"{config.run_id}.safetensors"


def trained_together(runs, configs, data, checkpoint):
    """To the end of each; those that did not fit join again when there is room."""
    records, waiting = {config: [] for config in configs}, list(configs)
    by_id = {config.run_id: config for config in configs}
    while waiting or runs.in_flight:
        for config in list(waiting):
            if runs.has_room_for(config):
                joined = runs.load(config, data, checkpoint(config))
                if joined and runs.launch(config.run_id):
                    waiting.remove(config)
        while outcome := runs.collect():
            assert isinstance(outcome, EpochDone)
            config = by_id[outcome.run_id]
            records[config].append(outcome.record)
            if runs.is_complete(outcome.run_id):
                runs.evict(outcome.run_id)
            else:
                waiting.append(config)
    return records


@pytest.mark.slow
def test_three_runs_together_are_three_single_runs(runs, tiny, checkpoint):
    together = trained_together(runs, CONFIGS, tiny, checkpoint)
    for config in CONFIGS:
        assert reproducible(together[config]) == reproducible(train(config, tiny, "cpu"))


def test_a_cpu_takes_turns(tiny, checkpoint):
    runs, first = ConcurrentRuns("cpu"), CONFIGS[0]
    assert runs.has_room_for(first)
    runs.load(first, tiny, checkpoint(first))
    runs.launch(first.run_id)
    assert not runs.has_room_for(CONFIGS[1]) and runs.collect() is None
    runs.work(first.run_id)
    outcome = runs.collect()
    assert outcome.device_seconds == outcome.record.seconds
    assert runs.has_room_for(CONFIGS[1]) and runs.collect() is None


@pytest.mark.slow
def test_one_of_several_is_paused_cancelled_and_resumed_by_itself(runs, tiny, checkpoint):
    first, second, third = CONFIGS
    for config in CONFIGS:
        runs.load(config, tiny, checkpoint(config))
        runs.launch(config.run_id)
    outcomes = [runs.collect() for _ in CONFIGS]
    shares = [outcome.device_seconds / outcome.record.seconds for outcome in outcomes]
    assert shares == [pytest.approx(1 / 3), pytest.approx(1 / 2), 1]
    runs.evict(second.run_id)  # paused
    runs.launch(first.run_id)
    runs.launch(third.run_id)
    runs.evict(third.run_id)  # cancelled under way: what no checkpoint has is trained again
    assert runs.collect().run_id == first.run_id and runs.collect() is None
    runs.evict(first.run_id)
    for config, epochs in ((second, 1), (third, 0), (first, 2)):
        runs.load(config, tiny, checkpoint(config))
        assert len(runs.records(config.run_id)) == epochs
    trained_together(runs, CONFIGS, tiny, checkpoint)
    for config in CONFIGS:
        records = list(train(config, tiny, "cpu", checkpoint(config)))
        assert reproducible(records) == reproducible(train(config, tiny, "cpu"))


def test_a_checkpoint_is_saved_every_few_seconds_of_training_and_at_the_end(
    tiny, checkpoint, monkeypatch
):
    saved = []
    monkeypatch.setattr(training_module, "seconds_between", lambda *_: 0.2)
    monkeypatch.setattr(training_module, "save_checkpoint", lambda *about: saved.append(len(about[-2])))
    runs, config = ConcurrentRuns("cpu", save_after=0.5), dataclasses.replace(CONFIGS[0], epochs=8)
    runs.load(config, tiny, checkpoint(config))
    while not runs.is_complete(config.run_id):
        runs.launch(config.run_id)
        runs.work(config.run_id)
        runs.collect()
    assert saved == [3, 6, 8]
    runs.evict(config.run_id)
    assert saved == [3, 6, 8], "a complete run has been saved"


def test_a_run_that_is_evicted_between_two_epochs_is_saved_or_said_not_to_be(
    tiny, checkpoint, monkeypatch, caplog
):
    def no_room(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    def train_one_epoch() -> None:
        runs.load(config, tiny, checkpoint(config))
        assert runs.records(config.run_id) == []
        runs.launch(config.run_id)
        runs.work(config.run_id)
        runs.collect()

    runs, config = ConcurrentRuns("cpu", save_after=60.0), CONFIGS[0]
    train_one_epoch()
    with monkeypatch.context() as full:
        full.setattr(checkpoint_module, "save_file", no_room)
        runs.evict(config.run_id)
    assert "will continue from an earlier epoch" in caplog.text and not checkpoint(config).exists()
    train_one_epoch()
    runs.evict(config.run_id)
    runs.load(config, tiny, checkpoint(config))
    assert len(runs.records(config.run_id)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("work", ["launch", "__init__"])
def test_out_of_memory_plans_with_less_and_loses_nothing(
    runs, tiny, checkpoint, monkeypatch, caplog, work
):
    """More than two in training are too many; which the plan did not foresee."""
    do = getattr(Training, work)

    def limited(training, *arguments, **options):
        if len(runs.in_flight) >= 2:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        do(training, *arguments, **options)

    monkeypatch.setattr(Training, work, limited)
    together = trained_together(runs, CONFIGS, tiny, checkpoint)
    if work == "launch":  # while loading it happens to each run once
        assert runs.memory == needed(CONFIGS[:2], runs.device)
        assert "it holds 2 runs at most" in caplog.text
    for config in CONFIGS:
        assert reproducible(together[config]) == reproducible(train(config, tiny, "cpu"))


@pytest.mark.slow
def test_out_of_memory_by_chance_costs_nothing(runs, tiny, checkpoint, monkeypatch):
    """Memory that idle runs held, or torch for them, is given back, and it is tried once more."""
    launch, failures, planned = Training.launch, [], runs.memory

    def once(training):
        if len(training.records) == 1 and not failures:
            failures.append(training.config)
            raise RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED")
        launch(training)

    monkeypatch.setattr(Training, "launch", once)
    together = trained_together(runs, CONFIGS, tiny, checkpoint)
    assert failures and runs.memory == planned
    for config in CONFIGS:
        assert reproducible(together[config]) == reproducible(train(config, tiny, "cpu"))


def test_out_of_memory_while_a_checkpoint_is_read_does_not_call_it_damaged(
    runs, tiny, checkpoint, monkeypatch
):
    config = CONFIGS[0]
    runs.load(config, tiny, checkpoint(config))
    runs.launch(config.run_id)
    runs.collect()
    runs.evict(config.run_id)

    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    with monkeypatch.context() as patch:
        patch.setattr(torch, "zeros_like", full)
        assert not runs.load(config, tiny, checkpoint(config))
    assert runs.load(config, tiny, checkpoint(config))
    assert len(runs.records(config.run_id)) == 1


def test_a_run_that_does_not_fit_by_itself_is_refused(runs, tiny, checkpoint, monkeypatch):
    def full(training):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(Training, "launch", full)
    runs.load(CONFIGS[0], tiny, checkpoint(CONFIGS[0]))
    assert not runs.launch(CONFIGS[0].run_id)  # it is tried once more
    runs.load(CONFIGS[0], tiny, checkpoint(CONFIGS[0]))
    with pytest.raises(TooLargeError, match="smaller network"):
        runs.launch(CONFIGS[0].run_id)
    assert runs.loaded == []


def test_the_plan_limits_how_many_are_at_once(runs, tiny, checkpoint):
    runs.memory = needed(CONFIGS[:2], runs.device)
    for config in CONFIGS[:2]:
        assert runs.has_room_for(config) and runs.load(config, tiny, checkpoint(config))
        runs.launch(config.run_id)
    assert not runs.has_room_for(CONFIGS[2])
    while runs.collect():
        pass
    assert runs.has_room_for(CONFIGS[2])
    runs.load(CONFIGS[2], tiny, checkpoint(CONFIGS[2]))
    assert CONFIGS[1].run_id not in runs.loaded  # made room: its turn comes last
    runs.memory = 1
    runs.evict(CONFIGS[2].run_id)
    assert runs.has_room_for(CONFIGS[2])  # one may always try


@pytest.mark.slow
def test_one_that_diverges_leaves_the_others_alone(runs, tiny, checkpoint):
    bad = RunConfig(model="inception-no-bn", learning_rate=10, epochs=3, batch_size=64)
    good = dataclasses.replace(CONFIGS[0], epochs=1)
    for config in (bad, good):
        runs.load(config, tiny, checkpoint(config))
        runs.launch(config.run_id)
    of_bad, of_good = runs.collect(), runs.collect()
    assert isinstance(of_bad, EpochFailed) and isinstance(of_bad.error, DivergedError)
    assert isinstance(of_good, EpochDone)
    assert runs.loaded == [good.run_id]


GPU_CONFIGS = tuple(
    RunConfig(model=model, level=0.5, epochs=4, batch_size=32, seed=seed)
    for seed, model in enumerate(("mlp-1x512", "alexnet", "inception"))
)


def differences(some, others):
    """The largest of each measure, between two series of records."""
    names = ("train_loss", "train_error", "test_loss", "test_error", "memorized")
    return {
        name: max(abs(getattr(a, name) - getattr(b, name)) for a, b in zip(some, others, strict=True))
        for name in names
    }


@pytest.mark.gpu
def test_on_a_gpu_runs_side_by_side_are_within_the_noise_of_two_single_runs(embedded, checkpoint):
    together = trained_together(ConcurrentRuns("cuda"), GPU_CONFIGS, embedded, checkpoint)
    for config in GPU_CONFIGS:
        once, twice = (list(train(config, embedded, "cuda")) for _ in range(2))
        noise, found = differences(once, twice), differences(once, together[config])
        # Two runs give one sample of the noise: three times it, and a hundredth.
        assert all(found[name] <= 3 * noise[name] + 0.01 for name in noise), (config, noise, found)


@pytest.mark.gpu
@pytest.mark.parametrize("config", GPU_CONFIGS, ids=lambda config: config.model)
def test_on_a_gpu_a_graph_takes_the_steps_that_are_taken_one_by_one(embedded, config):
    def after_an_epoch(use_graphs):
        training = Training(config, embedded, "cuda", use_graphs=use_graphs)
        training.launch()
        return training.collect()

    replayed, stepped = after_an_epoch(True), after_an_epoch(False)
    assert replayed.train_loss == pytest.approx(stepped.train_loss, rel=0.05)


@pytest.mark.gpu
def test_on_a_gpu_launching_does_not_wait_for_the_epoch(embedded):
    """Else the host would keep the runs from being trained side by side."""
    trainings = [
        Training(RunConfig(model="inception", batch_size=32, seed=seed), embedded, "cuda")
        for seed in range(8)
    ]
    for _ in range(2):  # the first epoch captures
        for training in trainings:
            training.launch()
        in_flight = [not training.is_ready for training in trainings]
        for training in trainings:
            training.collect()
    assert all(in_flight)  # all were launched before the first was done


@pytest.mark.gpu
def test_on_a_gpu_that_is_full_fewer_are_planned_and_all_are_trained(embedded, checkpoint):
    """The plan is told of more memory than the process may have."""
    configs = [RunConfig(model="inception", batch_size=512, epochs=2, seed=seed) for seed in range(4)]
    runs = ConcurrentRuns("cuda")
    total = torch.cuda.mem_get_info()[1]
    torch.cuda.empty_cache()
    room = torch.cuda.memory_reserved() + 2.5 * needed(configs[:1], runs.device)
    torch.cuda.set_per_process_memory_fraction(min(1.0, room / total))
    try:
        together = trained_together(runs, configs, embedded, checkpoint)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert runs.memory < available(runs.device)
    assert [len(together[config]) for config in configs] == [2] * 4
