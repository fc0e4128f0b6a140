"""A class of eight: the curve that they share out, and the photographs that they name."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from core.config import LEVELS, RunConfig
from core.data.cifar10 import load_embedded
from core.live.classroom.annotation import TIMED_FROM, Annotation
from core.live.classroom.classroom import Classroom, Lesson
from core.live.classroom.level_sweep import SharedLevels
from core.live.runs.store import Status, Store
from pages.shared.frame.visitor import COOKIE
from tests.browser.server import open_page
from tests.samples import wait_until

STUDENTS = 8
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def store(server) -> Store:
    return Store(server.folder / "runs.sqlite")


@pytest.fixture
def room(store) -> str:
    return Classroom(store).open_room(Lesson("Lies", RunConfig(epochs=3, batch_size=128)))


@pytest.fixture
def phones(browser: Browser):
    contexts = [browser.new_context(viewport=PHONE) for _ in range(STUDENTS)]
    yield [context.new_page() for context in contexts]
    for context in contexts:
        context.close()


def open_all(phones: list[Page], server, address: str, title: str) -> None:
    for phone in phones:
        open_page(phone, server, address, title)


@pytest.mark.timeout(400)
def test_eight_students_train_the_curve_though_one_leaves_and_one_comes_late(
    page, phones, server, store, room
):
    *punctual, late = phones
    open_all(punctual, server, f"/lab?room={room}", "Lab")
    shared = SharedLevels(store)
    shared.share_out(room, RunConfig(epochs=3, batch_size=128))
    for phone in punctual:
        expect(phone.get_by_text("Your class trains the whole curve together")).to_be_visible(
            timeout=30_000
        )
        expect(phone).to_have_url(re.compile("run="))  # its own level is shown
    open_page(page, server, f"/curve?room={room}", "The whole curve")
    expect(page.get_by_text("places taken")).to_be_visible()
    punctual[0].context.close()
    open_page(late, server, f"/lab?room={room}", "Lab")
    expect(page.get_by_text("the figure is complete")).to_be_visible(timeout=300_000)
    expect(page.get_by_text("All 11 levels")).to_be_visible()
    runs = store.runs_named([config.run_id for config in shared.configs(room)])
    first = runs[: len(LEVELS)]
    assert sorted(run.config.level for run in first) == list(LEVELS)
    assert all(run.status is Status.FINISHED for run in first)
    owners = [run.owner for run in runs]
    assert len(set(owners)) == STUDENTS and max(map(owners.count, owners)) <= 3


def test_answers_stay_in_the_room_where_they_were_given(page, server, store, room):
    """Who joins a room in the middle goes on there with its photographs alone."""
    open_page(page, server, "/annotate", "Label them yourself")
    said, names = page.locator(".labeller .said"), page.locator(".labeller .names button")
    for place in range(3):
        expect(said).to_have_text(f"What is this? {place + 1} of 20")
        names.nth(place).click()
    page.get_by_role("button", name="Join a room").click()
    page.get_by_label("Room code").fill(room)
    page.get_by_label("Room code").press("Enter")
    expect(page.get_by_role("button", name=f"Room {room}")).to_be_visible()
    page.keyboard.press("Escape")
    expect(said).to_have_text("What is this? 1 of 20")
    names.nth(7).click()
    expect(said).to_have_text("What is this? 2 of 20")
    wait_until(lambda: Annotation(store).answers(room))
    page.wait_for_timeout(1000)
    assert [answer.label for answer in Annotation(store).answers(room)] == [7]


@pytest.mark.timeout(300)
def test_a_class_names_photographs_and_who_presses_anything_is_left_out(phones, server, store, room):
    labels = load_embedded().train_labels
    open_all(phones, server, f"/annotate?room={room}", "Label them yourself")
    annotation = Annotation(store)
    for number, phone in enumerate(phones):
        (name,) = [c["value"] for c in phone.context.cookies() if c["name"] == COOKIE]
        shown = annotation.images(room, name, labels)
        for place, image in enumerate(shown):
            if place == TIMED_FROM:
                phone.locator(".labeller .begin").click()
            said = phone.locator(".labeller .said")
            expect(said).to_have_text(f"What is this? {place + 1} of 20")
            label = int(labels[image]) + (number == 0)  # the first one presses the next button
            phone.locator(".labeller .names button").nth(label % 10).click()
        expect(phone.get_by_text(re.compile(r"\d+ of your 20 answers agree"))).to_be_visible()
    phone = phones[-1]
    phone.reload()  # loses nothing
    expect(phone.locator(".labeller .said")).to_have_text("Done: your answers are counted.")
    expect(phone.get_by_text("140 answers by 7 visitors: 100% agree")).to_be_visible()
    expect(phone.get_by_text("1 visitor left out")).to_be_visible()
