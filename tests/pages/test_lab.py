"""The lab."""

from types import SimpleNamespace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.choices import CORRUPTIONS
from core.cleaning.ranking import sources
from core.config import PRESETS, USUAL_WIDTH, RunConfig
from core.data.cifar10 import load_embedded
from core.data.corruption import corrupt_labels, followed_images, given_labels
from core.errors import StoreError
from core.live.runs.limits import Limits
from core.records import EpochProgress
from core.sweep.protocol import label_runs
from core.sweep.results import load_runs, load_scores
from core.view.run.data import shown_images
from pages.lab import live
from pages.shared.server import polling, resources
from tests.pages.opened import finished, metrics, open_page, press, session_of, texts, viewer
from tests.samples import record


def test_train_start_submits_the_run_and_shows_it(store):
    page = open_page("lab")
    assert "about" in texts(page)
    assert viewer(page)["intro"].startswith(
        "Dashed: the training error of a network that names every image correctly"
    )
    page.button(key="start").click().run()
    (run,) = store.active_runs()
    assert run.config == PRESETS[0].config
    assert page.query_params["run"] in (run.run_id, [run.run_id])
    assert not page.exception and viewer(page)["lines"]["test_error"] == []
    assert viewer(page)["is_live"] and page.button(key="start").disabled


def test_train_presets_set_every_control(store):
    page = open_page("lab")
    page.selectbox(key="preset").set_value("inception").run()
    page.button(key="start").click().run()
    (run,) = store.active_runs()
    assert run.config == RunConfig(
        model="inception", level=0.5, epochs=50
    )  # the preset's batch size, too
    assert run.config.learning_rate == 0.1


def test_the_preset_is_the_one_that_the_settings_make_if_any(store):
    page = open_page("lab")
    assert page.selectbox(key="preset").value == "fifth"
    page.slider(key="level").set_value(0.35).run()
    assert page.selectbox(key="preset").value is None
    page.selectbox(key="preset").set_value("half").run()
    assert page.slider(key="level").value == 0.5 and page.selectbox(key="preset").value == "half"
    page.text_input(key="epochs").set_value("no number").run()
    assert page.selectbox(key="preset").value is None and not page.exception


def test_a_matrix_of_ones_own_is_open_until_a_run_is_shown(store):
    def expander():
        return next(each for each in page.expander if each.label == "Your own noise")

    page = open_page("lab", noise="own")
    assert expander().proto.expanded
    page.button(key="start").click().run()
    assert page.query_params["run"] and not expander().proto.expanded


def test_each_timer_of_a_page_counts(store, monkeypatch):
    """The line of a run once had one that no share of the core was taken from."""
    monkeypatch.setattr(polling, "_watch", polling._Watch())
    page = open_page("lab")
    page.button(key="start").click().run()
    assert {which for _, which in polling._watch.looked} == {"line", "lab"}


def test_a_line_keeps_its_place_whatever_its_later_epochs_take(store):
    config = RunConfig(epochs=9)
    store.submit(config, "ann")
    for epoch, seconds in enumerate((0.9, 1.2, 1.2, 1.2, 0.8, 0.8, 0.8), 1):
        store.add_epoch(config.run_id, record(epoch, seconds=seconds))
        assert not live._snapshot(store.run(config.run_id)).is_slow


@pytest.mark.slow
def test_an_address_typed_by_hand_may_name_a_choice_by_its_key(store):
    page = open_page("lab", model="alexnet", noise="pair", data="full", loss="early-learning")
    page.button(key="start").click().run()
    (run,) = store.active_runs()
    config = run.config
    assert (config.model, config.noise, config.loss) == ("alexnet", "pair", "early-learning")
    assert open_page("lab", corruption="shuffled-pixels").slider(key="level").disabled


def test_train_a_network_brings_its_learning_rate(store):
    page = open_page("lab")
    page.selectbox(key="model").set_value("inception").run()
    assert page.text_input(key="learning_rate").value == "0.1"


def test_train_refuses_in_one_sentence_what_cannot_be_trained(store):
    page = open_page("lab", corruption="Gaussian noise")
    page.toggle(key="random_crop").set_value(True).run()
    assert "This cannot be trained" in page.error[0].value
    assert page.button(key="start").disabled and not page.exception


def test_train_shows_a_run_from_a_link_to_anybody(store):
    page = open_page("lab", run=finished(store), more="true")
    assert metrics(page)["Training error"] == "25.0%"
    # Nothing of the paper: it trained on ten times as many images.
    assert not any("paper" in name for name in metrics(page))
    stored = label_runs(load_runs()).query("model == 'mlp-1x512' and level == 0.5")
    assert metrics(page)["Sweep, 50,000 images"] == f"{stored.final_test_error.mean():.1%}"
    assert "Wrong label repeated" in metrics(page)
    assert "repeats the wrong label of" in texts(page) and not page.exception


def test_train_shows_a_run_whose_name_looks_like_a_number(store):
    run_id = finished(store, epochs=40, seed=283)
    assert float(run_id) == float("inf")
    assert metrics(open_page("lab", run=run_id, more="true"))["Training error"] == "25.0%"


def test_train_shows_a_run_without_a_single_wrong_label(store):
    config = RunConfig(level=1e-5, epochs=2)
    store.submit(config, "somebody")
    store.report_start(config.run_id, "2 CPU threads")
    store.add_epoch(config.run_id, record(1, memorized=None, recovered=None))
    page = open_page("lab", run=config.run_id, more="true")
    assert not page.exception and metrics(page)["Wrong label repeated"] == "–"


def test_train_says_when_the_trainer_cannot_start(monkeypatch):
    process = SimpleNamespace(failure="The process that trains cannot start: no memory.")
    monkeypatch.setattr(resources, "trainer", lambda: process)
    assert "cannot start: no memory" in texts(open_page("lab"))


def test_train_buttons_follow_the_state(store):
    page = open_page("lab")
    run_id = store.submit(RunConfig(level=0.5), session_of(page).visitor).run_id
    page.query_params["run"] = run_id
    page.run()
    page.button(key="pause").click().run()
    assert store.run(run_id).status == "paused"
    page.button(key="one").click().run()
    assert (store.run(run_id).status, store.run(run_id).pause_after) == ("queued", 1)
    page.button(key="pause").click().run()
    page.button(key="resume").click().run()
    assert store.run(run_id).status == "queued"
    page.button(key="cancel").click().run()
    assert store.run(run_id).status == "cancelled" and not page.exception


def test_train_says_why_a_run_failed(store):
    run_id = store.submit(RunConfig(level=0.5), "somebody").run_id
    store.report_failure(run_id, "The training diverged in epoch 1.")
    page = open_page("lab", run=run_id)
    assert "diverged in epoch 1" in texts(page) and page.button(key="start").label == "Try again"
    assert "The usual learning rate" not in [button.label for button in page.button]  # it has it


def test_who_failed_by_a_wild_learning_rate_is_offered_the_usual_one(store):
    run_id = store.submit(RunConfig(level=0.5, learning_rate=10), "somebody").run_id
    store.report_failure(run_id, "The training diverged in epoch 1.")
    page = open_page("lab", run=run_id)
    next(each for each in page.button if each.label == "The usual learning rate").click().run()
    assert [run.config for run in store.active_runs()] == [RunConfig(level=0.5)]


def test_scrambled_pixels_have_no_level_to_set(store):
    assert open_page("lab", corruption=CORRUPTIONS["gaussian"].words).slider(key="level").disabled
    assert not open_page("lab").slider(key="level").disabled


def test_train_lists_ones_runs_where_there_is_one_besides_the_one_that_is_shown(store):
    def headers() -> list[str]:
        return [header.value for header in page.header]

    page = open_page("lab")
    assert headers() == []
    page.button(key="start").click().run()
    assert headers() == []
    del page.query_params["run"]
    page.run()
    assert headers() == ["Your runs"] and len(page.dataframe[0].value) == 1
    page.query_params["run"] = finished(store)  # somebody else's
    page.run()
    assert headers() == ["Your runs"]


def test_train_compares_runs_named_in_the_address(store):
    runs = [finished(store), finished(store, seed=1)]
    page = open_page("lab", compare=runs)
    assert page.multiselect(key="compared").value == runs and not page.exception


def test_train_an_unknown_run_is_one_sentence():
    page = open_page("lab", run="<script>alert(1)</script>")
    assert "There is no run " in texts(page) and not page.exception


def test_a_live_page_whose_run_has_vanished_says_so_on_its_next_tick():
    """The file of the runs was damaged, and a new one begun."""

    def tick():
        from pages.lab import live

        live._show("283f00000000", False, (), live.Snapshot(True, False, False, False), 1.0)

    page = AppTest.from_function(tick, default_timeout=60).run()
    assert not page.exception and "no longer here" in page.warning[0].value


def test_a_run_on_labels_by_people_says_what_it_needs(store):
    config = RunConfig(level=0.5, noise="cifar10n-worst-labels")
    store.submit(config, "somebody who has the file")
    page = open_page("lab", run=config.run_id)
    assert not page.exception and "CIFAR10N_FILE" in page.error[0].value


def test_limits_are_said_where_a_run_is_refused(store):
    store.limits = Limits(runs=1)
    page = open_page("lab")
    page.button(key="start").click().run()
    page.slider(key="level").set_value(0.9).run()
    page.button(key="start").click().run()
    assert "You have one unfinished run" in page.error[0].value
    assert len(store.active_runs()) == 1 and not page.exception
    assert not page.run().error  # said once


def test_anothers_run_is_seen_and_not_touched(store, monkeypatch):
    monkeypatch.setattr(live, "has_left", lambda visitor: False)
    store.submit(RunConfig(level=0.5, epochs=40), "somebody else")
    page = open_page("lab", run=RunConfig(level=0.5, epochs=40).run_id)
    assert "Another visitor started this run" in texts(page)
    assert not {"pause", "cancel"} & {button.key for button in page.button}


def test_train_moves_within_a_slow_epoch(store):
    run = store.submit(RunConfig(model="inception", level=0.5, epochs=4), "a" * 32)
    store.report_start(run.run_id, "cpu")
    store.add_epoch(run.run_id, record(1, seconds=30.0))
    store.report_progress(run.run_id, EpochProgress(2500, 1.5))
    page = open_page("lab", run=run.run_id)
    assert page.get("progress")[0].proto.value == int(100 * 1.5 / 4)
    assert "50% through the next (average loss 1.50)" in page.get("progress")[0].proto.text


def test_start_does_what_the_fields_say_at_the_press_and_not_when_its_button_was_drawn(store):
    """A number is typed and Start pressed at once: both come with one run of the page."""
    page = open_page("lab")
    page.text_input(key="epochs").set_value("7")
    page.button(key="start").click().run()
    (run,) = store.active_runs()
    assert run.config.epochs == 7


@pytest.mark.parametrize("failure", [StoreError("The runs are locked."), RuntimeError("unforeseen")])
def test_what_goes_wrong_inside_an_action_is_one_sentence_and_keeps_what_was_entered(
    store, monkeypatch, failure, caplog
):
    page = open_page("lab")
    page.text_input(key="epochs").set_value("9").run()

    def broken(*_):
        raise failure

    monkeypatch.setattr(store, "submit", broken)
    page.button(key="start").click().run()
    assert not page.exception and len(page.error) == 1
    assert "locked" in page.error[0].value or "did not work" in page.error[0].value
    assert page.text_input(key="epochs").value == "9"
    assert ("unforeseen" in caplog.text) == isinstance(failure, RuntimeError)
    monkeypatch.undo()
    assert not page.run().error


def test_a_run_whose_owner_has_left_is_taken_over(store, monkeypatch):
    config = RunConfig(level=0.5, epochs=5)
    store.submit(config, "gone")
    monkeypatch.setattr(live, "has_left", lambda visitor: False)
    page = open_page("lab", run=config.run_id)
    assert "Another visitor started this run" in texts(page)
    monkeypatch.setattr(live, "has_left", lambda visitor: visitor == "gone")
    page.run()
    press(page, "Take it over")
    assert page.button(key="pause") and store.run(config.run_id).owner == session_of(page).visitor


@pytest.mark.parametrize(
    ("key", "typed", "meant"),
    [
        ("learning_rate", "0,05", 0.05),
        ("learning_rate", " 5 % ", 0.05),
        ("learning_rate", "150%", 1.5),
        ("weight_decay", "1e-4", 0.0001),
        ("epochs", "7 ", 7),
        ("seed", "1,234", 1234),
        ("batch_size", "+32", 32),
    ],
)
def test_numbers_are_taken_as_people_mean_them(store, key, typed, meant):
    page = open_page("lab")
    page.text_input(key=key).set_value(typed)
    page.button(key="start").click().run()
    (run,) = store.active_runs()
    assert getattr(run.config, key) == meant


@pytest.mark.parametrize(
    ("key", "typed"),
    [
        ("epochs", "-5"),
        ("epochs", "abc"),
        ("epochs", "7.5"),
        ("epochs", "50%"),
        ("epochs", ""),
        ("learning_rate", "1.2.3"),
        ("learning_rate", "1,2,3"),
        ("weight_decay", "150%"),
        ("seed", "inf"),
        ("batch_size", "½"),
    ],
)
def test_numbers_that_are_none_are_refused_and_never_something_else(store, key, typed):
    page = open_page("lab")
    page.text_input(key=key).set_value(typed).run()
    assert (
        key.replace("_", " ") in page.error[0].value
        and "must be" in page.error[0].value
        and not page.exception
    )
    assert page.button(key="start").disabled
    assert page.text_input(key=key).value == typed  # to be mended


def test_a_link_to_a_run_opens_with_its_settings_on_the_controls(store):
    run_id = finished(store, level=0.4, seed=3, model="mlp-3x512")
    page = open_page("lab", run=run_id)
    assert page.slider(key="level").value == 0.4 and page.text_input(key="seed").value == "3"
    assert page.selectbox(key="model").value == "mlp-3x512"
    shown = viewer(page)
    assert shown["title"].startswith("40% random labels, deeper network") and not shown["is_stale"]
    assert page.button(key="start").label == "Replay" and shown["replays"]


def test_a_control_that_moves_away_makes_the_run_a_ghost_and_the_button_say_what_it_would_train(store):
    run_id = finished(store, level=0.4)
    page = open_page("lab", run=run_id)
    page.slider(key="level").set_value(0.45).run()
    assert viewer(page)["is_stale"] and page.button(key="start").label == "Train at 45%"
    assert viewer(page)["title"].startswith("40%")
    page.selectbox(key="model").set_value("alexnet").run()
    assert page.button(key="start").label == "Train this"


def test_start_replays_the_run_that_is_shown(store):
    page = open_page("lab", run=finished(store, level=0.4))
    before = viewer(page)["id"]
    page.button(key="start").click().run()
    assert viewer(page)["id"] != before and not store.active_runs()


def test_the_photographs_carry_the_labels_of_the_run_and_what_the_network_says(store):
    config = RunConfig(level=0.5, epochs=2)
    shown = viewer(open_page("lab", run=finished(store, level=0.5)))
    data = resources.data("embedded")
    corrupted = corrupt_labels(data.train_labels, config.level, config.seed)
    followed = followed_images(corrupted.is_wrong, config.seed)
    assert len(shown["tiles"]) == 24
    for at, tile in enumerate(shown["tiles"]):
        same = np.flatnonzero(
            (corrupted.labels[followed] == tile["given"])
            & (data.train_labels[followed] == tile["real"])
        )
        says = {store.records(config.run_id)[0].predictions[place] for place in same}
        assert int(shown["predicted"][0][at]) in says
    wrong = sum(tile["given"] != tile["real"] for tile in shown["tiles"])
    assert 3 < wrong < 21
    assert len(shown["said"]) == 2 and shown["floor"] == 0.45


@pytest.mark.slow
def test_the_visitors_last_runs_stay_as_ghosts(store):
    page = open_page("lab")
    for seed in range(5):
        page.text_input(key="seed").set_value(str(seed)).run()
        page.button(key="start").click().run()
        (run,) = [run for run in store.active_runs() if run.config.seed == seed]
        store.add_epoch(run.run_id, record(1))
        store.report_end(run.run_id)
    page.run()
    assert [len(ghost["test_error"]) for ghost in viewer(page)["ghosts"]] == [1, 1, 1]


def test_a_cancel_can_be_undone(store):
    page = open_page("lab")
    page.button(key="start").click().run()
    (run,) = store.active_runs()
    store.add_epoch(run.run_id, record(1))
    page.button(key="cancel").click().run()
    assert store.run(run.run_id).status == "cancelled"
    assert page.button(key="start").label == "Go on"  # not "Replay": it would train
    page.button(key="start").click().run()
    again = store.run(run.run_id)
    assert (again.status, again.epochs_done) == ("queued", 1)


def test_at_its_end_a_run_offers_what_to_try_next(store):
    page = open_page("lab", run=finished(store, level=0.4))
    press(page, "All random")
    (run,) = store.active_runs()
    assert run.config == RunConfig(level=1.0, epochs=2)
    assert page.slider(key="level").value == 1.0 and viewer(page)["title"].startswith("100% random")


def test_a_run_with_other_hidden_units_leads_on(store):
    """Its page ended in a red box: no other network has them."""
    page = open_page("lab", run=finished(store, width=64))
    press(page, "The same on a deeper network")
    assert not page.error and not page.exception
    (run,) = store.active_runs()
    assert (run.config.model, run.config.width) == ("mlp-3x512", USUAL_WIDTH)


@pytest.mark.parametrize(
    "address", [{"seed": "[Reload](https://evil.example)"}, {"run": "[a](//b.co)"}]
)
def test_an_address_makes_no_link_in_a_message(address):
    page = open_page("lab", **address)
    said = [message.value for message in (*page.error, *page.warning)]
    assert any("\\[" in text for text in said) and not any("://" in text for text in said)


def test_a_number_with_many_digits_is_the_run_that_was_started(store):
    page = open_page("lab", learning_rate="0.01234567")
    page.button(key="start").click().run()
    (run,) = store.active_runs()
    assert run.config.learning_rate == 0.01234567 and run.run_id in page.query_params["run"]
    assert page.text_input(key="learning_rate").value == "0.01234567"


@pytest.mark.parametrize("repair", ["drop", "relabel"])
def test_a_repaired_run_is_shown_with_the_labels_that_it_studied(store, repair):
    """Ranked by the scores of stored runs; what it studies is worked out here from them."""
    config = RunConfig(level=0.4, repair=repair, repaired=0.36, ranking="margin")
    store.submit(config, "somebody")
    store.report_start(config.run_id, "2 CPU threads")
    store.add_epoch(config.run_id, record(1))
    page = open_page("lab", run=config.run_id, more="true")
    assert not page.exception
    (source,) = sources(config, "margin")
    scores, true = load_scores(source.run_id), load_embedded().train_labels
    given = given_labels(config, true).labels
    accused = np.argsort(scores.margin, kind="stable")[:1800]
    shown = shown_images(5_000, 0)
    for tile, image in zip(viewer(page)["tiles"], shown, strict=True):
        is_accused = image in accused
        if repair == "drop":
            assert tile["unused"] == ("left out" if is_accused else "")
            assert tile["given"] == given[image]
        else:
            assert not tile["unused"]
            expected = scores.prediction[image] if is_accused else given[image]
            assert tile["given"] == expected
    kept = np.setdiff1d(np.arange(5_000), accused)
    if repair == "drop":
        assert viewer(page)["floor"] == pytest.approx((given[kept] != true[kept]).mean())
    assert "share of wrong labels after the repair" in viewer(page)["intro"]
    assert "by chance" not in texts(page) and "memoriz" not in viewer(page)["intro"]
