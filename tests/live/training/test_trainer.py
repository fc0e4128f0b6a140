"""The trainer's decisions, in this process: one run, from the queue to its end."""

import dataclasses

import pytest

from core.cleaning.ranking import rank_by_scores, sources
from core.config import RunConfig
from core.data.corruption import given_labels
from core.errors import StorageError, StoreError
from core.live.runs.image_scores import find_scores
from core.live.runs.store import MAX_ATTEMPTS
from core.live.training import trainer as trainer_module
from core.live.training.trainer import Trainer
from core.training import concurrent_runs
from core.training.self_check import Abilities
from core.training.training import Training, train
from tests.samples import finish, reproducible, trained

CONFIG = RunConfig(level=0.5, epochs=3, batch_size=256)


def test_a_queued_run_is_trained_to_its_end(store, trainer, tiny):
    run = store.submit(CONFIG, "ann")
    assert [trainer.turn() for _ in range(4)] == [True, True, True, False]
    assert store.run(run.run_id).status == "finished"
    assert reproducible(store.records(run.run_id)) == reproducible(train(CONFIG, tiny, "cpu"))
    assert [path.name for path in trainer.folder.iterdir()] == [f"{run.run_id}.npz"]
    assert find_scores(trainer.folder, run.run_id).epochs == 3 and trainer.runs.loaded == []
    assert store.speeds()[("mlp-1x512", 256)] > 0


def test_what_is_off_with_a_device_stands_on_its_line(store, tmp_path, monkeypatch):
    abilities = Abilities(
        "cpu", use_graphs=False, max_at_once=1, remark="Its graphs differ: no graphs."
    )
    monkeypatch.setattr(concurrent_runs, "check_device", lambda device: abilities)
    trainer = Trainer(store, "cpu", tmp_path / "checkpoints")
    assert trainer.device_name.endswith(". Its graphs differ: no graphs.")
    store.submit(CONFIG, "ann")
    trainer.turn()
    assert store.runs_named([CONFIG.run_id])[0].device.endswith("no graphs.")


REPAIRED = dataclasses.replace(CONFIG, repair="drop", repaired=0.25)


def test_a_repaired_run_is_trained_by_the_scores_of_the_runs_before_it(store, trainer, tiny):
    (source,) = sources(REPAIRED, "loss")
    store.submit(source, "ann")
    finish(trainer)
    store.submit(REPAIRED, "ann")
    finish(trainer)
    labels = given_labels(REPAIRED, tiny.train_labels).labels
    scores = find_scores(trainer.folder, source.run_id)
    ranking = rank_by_scores("loss", [scores], labels)
    assert store.run(REPAIRED.run_id).status == "finished"
    expected, _ = trained(REPAIRED, tiny, "cpu", ranking)
    assert reproducible(store.records(REPAIRED.run_id)) == reproducible(expected)


def test_a_repaired_run_without_them_ends_in_a_sentence(store, trainer):
    run = store.submit(REPAIRED, "ann")
    finish(trainer)
    ended = store.run(run.run_id)
    assert ended.status == "failed" and "train the runs that find the wrong labels" in ended.message


def test_damaged_scores_are_as_good_as_none(store, trainer):
    trainer.folder.joinpath("abc.npz").write_bytes(b"PK")
    assert find_scores(trainer.folder, "abc") is None


def test_a_teachers_pause_holds_for_all_and_loses_nothing(store, trainer):
    run_id = store.submit(CONFIG, "ann").run_id
    trainer.turn()
    store.database.set_paused(True)
    assert not trainer.turn() and store.run(run_id).status == "running"
    store.database.set_paused(False)
    finish(trainer)
    assert store.run(run_id).epochs_done == 3


def test_pause_one_epoch_and_going_on_change_no_number(store, trainer, tiny):
    run_id = store.submit(CONFIG, "ann").run_id
    trainer.turn()
    store.pause(run_id, by="ann")
    assert not trainer.turn() and trainer.runs.in_flight == set()
    store.one_epoch(run_id, by="ann")
    assert trainer.turn() and not trainer.turn()
    assert store.run(run_id).status == "paused" and store.run(run_id).epochs_done == 2
    store.resume(run_id, by="ann")
    finish(trainer)
    assert store.run(run_id).status == "finished"
    assert reproducible(store.records(run_id)) == reproducible(train(CONFIG, tiny, "cpu"))


@pytest.mark.parametrize(
    ("clicks", "epochs_done", "status"),
    [
        (("pause",), 2, "paused"),
        (("pause", "resume"), 3, "finished"),
        (("pause", "one_epoch"), 2, "paused"),
        (("cancel",), 2, "cancelled"),
        (("cancel", "submit"), 3, "finished"),
    ],
)
def test_clicks_while_an_epoch_is_trained(store, trainer, monkeypatch, clicks, epochs_done, status):
    """All of them within the second epoch."""
    run_id, trained = store.submit(CONFIG, "ann").run_id, []
    launch = Training.launch

    def clicked_launch(training):
        trained.append(len(training.records) + 1)
        if trained[-1] == 2:
            for click in clicks:
                if click == "submit":
                    store.submit(CONFIG, "ann")
                else:
                    getattr(store, click)(run_id, by="ann")
        launch(training)

    monkeypatch.setattr(Training, "launch", clicked_launch)
    for _ in range(8):
        trainer.turn()
    assert (store.run(run_id).epochs_done, store.run(run_id).status) == (epochs_done, status)
    assert trained == list(range(1, epochs_done + 1))  # nothing was trained twice


def test_a_run_cancelled_in_its_last_epoch_can_be_taken_up_again(store, trainer, monkeypatch):
    run_id = store.submit(CONFIG, "ann").run_id
    trainer.turn()
    trainer.turn()
    add_epoch = store.add_epoch
    monkeypatch.setattr(
        store, "add_epoch", lambda *epoch: (add_epoch(*epoch), store.cancel(run_id, by="ann"))
    )
    trainer.turn()
    assert store.run(run_id).status == "cancelled"
    monkeypatch.setattr(store, "add_epoch", add_epoch)
    store.submit(CONFIG, "ann")
    trainer.turn()
    assert store.run(run_id).status == "finished" and store.run(run_id).epochs_done == 3


def test_one_epoch_from_another_trainer_is_a_new_epoch(store, trainer):
    """A trainer that resumes trains and reports the first one again; that is not the one requested."""
    trainer.runs.save_after = 60.0
    run_id = store.submit(CONFIG, "ann").run_id
    trainer.turn()
    store.pause(run_id, by="ann")
    other = Trainer(store, "cpu", trainer.folder)
    store.one_epoch(run_id, by="ann")
    finish(other)
    assert store.run(run_id).epochs_done == 2 and store.run(run_id).status == "paused"


def test_cancelled_runs_leave_memory_and_can_be_taken_up_again(store, trainer, tiny):
    run_id = store.submit(CONFIG, "ann").run_id
    trainer.turn()
    store.cancel(run_id, by="ann")
    trainer.turn()
    assert trainer.runs.loaded == [] and store.run(run_id).status == "cancelled"
    store.submit(CONFIG, "ann")
    finish(trainer)
    assert reproducible(store.records(run_id)) == reproducible(train(CONFIG, tiny, "cpu"))


@pytest.mark.slow
def test_divergence_ends_one_run_and_not_the_others(store, trainer):
    bad = RunConfig(level=1.0, learning_rate=10, momentum=0.99, epochs=3, batch_size=8)
    store.submit(bad, "ann")
    store.submit(CONFIG, "ann")
    finish(trainer)
    run = store.run(bad.run_id)
    assert run.status == "failed" and "diverged" in run.message and "learning rate" in run.message
    assert store.run(CONFIG.run_id).status == "finished"


def test_an_unforeseen_error_ends_one_run_and_its_traceback_is_in_the_log(
    store, trainer, monkeypatch, caplog
):
    def broken(training):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(Training, "launch", broken)
    run_id = store.submit(CONFIG, "ann").run_id
    trainer.turn()
    assert store.run(run_id).status == "failed"
    assert "message is in the terminal" in store.run(run_id).message
    assert "out of memory" not in store.run(run_id).message
    assert "RuntimeError: out of memory" in caplog.text  # with its traceback


def test_a_damaged_checkpoint_starts_the_run_again(store, trainer, tiny):
    run_id = store.submit(CONFIG, "ann").run_id
    trainer.turn()
    (trainer.folder / f"{run_id}.safetensors").write_bytes(b"broken")
    other = Trainer(store, "cpu", trainer.folder)
    finish(other)
    assert store.run(run_id).status == "finished"
    assert reproducible(store.records(run_id)) == reproducible(train(CONFIG, tiny, "cpu"))


def test_a_run_that_kills_the_trainer_is_given_up(store, trainer):
    run_id = store.submit(CONFIG, "ann").run_id
    for _ in range(MAX_ATTEMPTS):  # as many trainers died in its first epoch
        store.report_start(run_id, "cpu")
    trainer.turn()
    run = store.run(run_id)
    assert run.status == "failed" and "never finished an epoch" in run.message


@pytest.mark.parametrize("save_seconds", [0.0, 60.0])
def test_a_full_disk_stops_the_trainer_and_no_epoch_is_lost(
    store, trainer, tiny, monkeypatch, save_seconds
):
    """The trainer ends; the next one goes on where it was, once there is room.

    Its checkpoint is an epoch ahead of what is in the store, or has none at all.
    """
    trainer.runs.save_after = save_seconds
    run_id = store.submit(CONFIG, "ann").run_id
    trainer.turn()

    def no_room(*_):
        raise StoreError("database or disk is full")

    with monkeypatch.context() as patch, pytest.raises(StoreError):
        patch.setattr(store, "add_epoch", no_room)
        trainer.turn()
    assert store.run(run_id).status == "running" and store.run(run_id).epochs_done == 1
    other = Trainer(store, "cpu", trainer.folder)
    finish(other)
    assert store.run(run_id).status == "finished"
    assert reproducible(store.records(run_id)) == reproducible(train(CONFIG, tiny, "cpu"))


@pytest.fixture
def quick(monkeypatch):
    """Epochs too quick for a checkpoint."""
    monkeypatch.setattr(trainer_module, "SAVE_SECONDS", 60.0)


@pytest.mark.usefixtures("quick")
def test_epochs_that_the_checkpoint_lacks_are_trained_again_and_saved_one_by_one(
    store, trainer, tiny, data_folder
):
    """So that the run gets on, however often the trainer is killed; and no page sees it go back."""
    run = store.submit(dataclasses.replace(CONFIG, epochs=6), "ann")
    trainer = Trainer(store, "cpu", data_folder / "checkpoints")
    for _ in range(4):
        trainer.turn()
    assert not list(trainer.folder.glob("*.safetensors"))
    for lacked in (4, 3, 2, 1):  # more often than a run is started that gets nowhere
        next_trainer = Trainer(store, "cpu", data_folder / "checkpoints")  # the last one was killed
        next_trainer.turn()
        assert len(next_trainer.runs.records(run.run_id)) == 5 - lacked
        now = store.run(run.run_id)
        assert now.status == "running" and now.epochs_done == 4 and now.images_done == 0
        assert len(store.records(run.run_id)) == 4
        assert find_scores(trainer.folder, run.run_id).epochs == 4
    finish(next_trainer)
    assert store.run(run.run_id).status == "finished"
    assert reproducible(store.records(run.run_id)) == reproducible(train(run.config, tiny, "cpu"))


@pytest.mark.usefixtures("quick")
def test_a_trainer_that_ends_by_itself_saves_what_is_in_memory(store, trainer, data_folder):
    run = store.submit(CONFIG, "ann")
    trainer = Trainer(store, "cpu", data_folder / "checkpoints")
    trainer.turn()
    trainer.close()
    next_trainer = Trainer(store, "cpu", data_folder / "checkpoints")
    next_trainer.turn()
    assert store.run(run.run_id).epochs_done == 2


def test_scores_that_cannot_be_written_end_one_run_and_not_the_trainer(store, trainer, monkeypatch):
    run = store.submit(CONFIG, "ann")
    put = trainer_module.put_scores

    def no_room(folder, run_id, scores):
        if run_id == run.run_id:
            raise StorageError(folder, OSError(28, "No space left on device"))
        put(folder, run_id, scores)

    monkeypatch.setattr(trainer_module, "put_scores", no_room)
    other = store.submit(dataclasses.replace(CONFIG, seed=7), "ben")
    finish(trainer)
    ended = store.run(run.run_id)
    assert ended.status == "failed" and "No space left" in ended.message
    assert store.run(other.run_id).status == "finished"
