"""A class of eight: the curve that they share out, and the photographs that they name."""

import re
import time

import pytest
from playwright.sync_api import expect

from core.config import LEVELS, RunConfig
from core.data.cifar10 import load_embedded
from core.live.classroom.annotation import TIMED_FROM, Annotation
from core.live.classroom.classroom import Classroom, Lesson
from core.live.classroom.level_sweep import SharedLevels
from core.live.runs.store import Status, Store
from pages.shared.frame.visitor import COOKIE
from tests.browser.server import open_page
from tests.browser.states import drawn
from tests.samples import wait_until

STUDENTS = 8
PHONE = {"width": 390, "height": 844}
CONFIG = RunConfig(epochs=2, batch_size=128)


@pytest.fixture
def room(store) -> str:
    return Classroom(store).open_room(Lesson("Lies", CONFIG))


def join(store: Store, room: str, count: int) -> list[str]:
    """Students whose phones nobody looks at: the store is told what theirs would tell it."""
    names = [f"{number:016x}" for number in range(count)]
    for name in names:
        Classroom(store).join(room, name)
    return names


@pytest.mark.timeout(400)
def test_eight_students_train_the_curve_though_one_leaves_and_one_comes_late(
    page, visit, server, store, room
):
    """Four phones; four more students take their places as phones would, and none of the last three."""
    *punctual, late = (visit(**PHONE) for _ in range(4))
    for phone in punctual:
        open_page(phone, server, f"/lab?room={room}", "Lab")
    others = join(store, room, STUDENTS - 4)
    shared = SharedLevels(store)
    shared.share_out(room, CONFIG)
    for other in others:
        shared.take(room, other)
    for phone in punctual:
        expect(phone.get_by_text("Your class trains the whole curve together")).to_be_visible()
        expect(phone).to_have_url(re.compile("run="))  # its own level is shown
    open_page(page, server, f"/curve?room={room}", "The whole curve")
    expect(page.get_by_text("places taken")).to_be_visible()
    punctual[0].context.close()
    open_page(late, server, f"/lab?room={room}", "Lab")
    expect(late).to_have_url(re.compile("run="))
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
    drawn(page)  # all that was sent with it has come
    assert [answer.label for answer in Annotation(store).answers(room)] == [7]


def test_a_class_names_photographs_and_who_presses_anything_is_left_out(visit, server, store, room):
    """Two phones: one presses the button beside the right one. Six more students answer as phones would."""
    labels, annotation = load_embedded().train_labels, Annotation(store)
    nonsense, phone = visit(**PHONE), visit(**PHONE)
    for other in join(store, room, STUDENTS - 2):
        for place, image in enumerate(annotation.images(room, other, labels)):
            annotation.add(room, other, place, image, int(labels[image]))
    for each in (nonsense, phone):
        each.clock.install()  # or a busy machine lets the time for an answer pass
        open_page(each, server, f"/annotate?room={room}", "Label them yourself")
        expect(each.locator(".labeller .said")).to_have_text("What is this? 1 of 20")
        (name,) = [c["value"] for c in each.context.cookies() if c["name"] == COOKIE]
        for place, image in enumerate(annotation.images(room, name, labels)):
            if place == TIMED_FROM:
                each.clock.pause_at(time.time() + 3600)
                each.locator(".labeller .begin").click()
            said = each.locator(".labeller .said")
            expect(said).to_have_text(f"What is this? {place + 1} of 20")
            label = int(labels[image]) + (each is nonsense)
            each.locator(".labeller .names button").nth(label % 10).click()
        each.clock.resume()
        expect(each.get_by_text(re.compile(r"\d+ of your 20 answers agree"))).to_be_visible()
    phone.reload()  # loses nothing
    expect(phone.locator(".labeller .said")).to_have_text("Done: your answers are counted.")
    expect(phone.get_by_text("140 answers by 7 visitors: 100% agree")).to_be_visible()
    expect(phone.get_by_text("1 visitor left out")).to_be_visible()
