"""A class on one server: several browsers, a teacher, a story told by itself."""

import re

from playwright.sync_api import expect

from tests.browser.actions import draw_line, unlock
from tests.browser.server import open_page


def test_two_browsers_share_a_run_and_a_third_with_the_password_pauses_it(visit, server):
    ann, ben, teacher = visit(), visit(width=390), visit()
    address = "/lab?seed=41&epochs=400"
    open_page(ann, server, address, "Lab")
    ann.get_by_role("button", name=re.compile("Start training|Replay")).click()
    trained = re.compile(r"Epoch [1-9]\d* of 400 · .* left")
    expect(ann.get_by_text(trained)).to_be_visible(timeout=60_000)

    open_page(ben, server, address, "Lab")
    expect(ben.get_by_text("This run exists already")).to_be_visible()
    ben.get_by_role("button", name=re.compile("Start training|Replay")).click()
    expect(ben.get_by_text(trained)).to_be_visible()
    expect(ben.get_by_text("Another visitor started this run")).to_be_visible()
    expect(ben.get_by_role("button", name=re.compile("^Pause"))).to_have_count(0)
    ben.keyboard.press("Shift+P")  # and the key does nothing either
    expect(ann.get_by_role("button", name=re.compile("^Pause"))).to_be_visible()

    unlock(teacher, server)
    teacher.get_by_role("tab", name="Now").click()
    expect(teacher.get_by_text("1 run is training.")).to_be_visible()
    teacher.get_by_role("button", name="Pause it").click()
    paused = re.compile(r"Epoch \d+ of 400 · paused")
    expect(ann.get_by_text(paused)).to_be_visible()
    expect(ben.get_by_text(paused)).to_be_visible()
    teacher.get_by_role("button", name="Cancel it").click()
    expect(ann.get_by_text(re.compile("of 400 · cancelled"))).to_be_visible()
    for page in (ann, ben, teacher):
        expect(page.get_by_test_id("stException")).to_have_count(0)


def test_a_room_from_its_link_to_everybodys_guesses(visit, server):
    teacher, student = visit(), visit(width=390)
    unlock(teacher, server)
    teacher.get_by_role("tab", name="Set up").click()
    teacher.get_by_text("The sweep opens after a guess").click()
    teacher.get_by_role("button", name="Open a room").click()
    teacher.get_by_role("tab", name="Now").click()
    expect(teacher.get_by_role("img", name=re.compile("QR code"))).to_be_visible()
    link = teacher.get_by_role("textbox", name="Link").input_value()
    teacher.get_by_role("button", name="Copy the link").click()  # over plain http, no clipboard
    expect(teacher.get_by_text(re.compile("Copied|copy it by hand"))).to_be_visible()
    code = link.partition("room=")[2]
    assert link == f"{server.address}/guess?room={code}"  # where this lesson begins

    student.goto(link)
    expect(student.get_by_text(f"Room {code}")).to_be_visible()
    student.goto(f"{server.address}/sweep?room={code}")
    # The page's own link: the sidebar, folded away on a phone, has one of the same name.
    main = student.get_by_test_id("stMain")
    main.get_by_role("link", name="Guess first").click()
    expect(student.get_by_role("heading", level=1)).to_have_text("Guess first")
    onward = student.locator(".guess-board .onward")
    expect(onward).to_be_disabled()  # nothing can be sent untouched
    draw_line(student, 0.2, 0.4)
    onward.click()
    expect(onward).to_be_disabled()
    draw_line(student, 0.5, 0.9)
    onward.click()
    told = student.locator(".question").filter(has_text="Your guess of the test error is off by")
    expect(told).to_be_in_viewport()
    expect(student.get_by_text("training error: what happened")).to_be_visible()
    expect(student.get_by_text("test error: your guess")).to_be_visible()
    expect(student.get_by_text("One guess so far")).to_be_visible()
    student.get_by_role("link", name="See the whole sweep").click()
    expect(student.get_by_text("Filled: ours")).to_be_visible()

    teacher.get_by_role("tab", name="Guesses").click()
    expect(teacher.get_by_text("One guess so far").last).to_be_visible()
    for page in (teacher, student):
        expect(page.get_by_test_id("stException")).to_have_count(0)


def test_a_guess_is_drawn_with_keys_and_typed_in_numbers(visit, server):
    page = visit()
    open_page(page, server, "/guess", "Guess first")
    board, onward = page.locator(".guess-board svg"), page.locator(".guess-board .onward")
    board.focus()
    for key in ("ArrowRight", "PageUp", "ArrowUp"):
        board.press(key)
    expect(board).to_have_attribute("aria-valuetext", "at 10% random labels: 61%")
    onward.click()
    page.get_by_text("Type numbers instead").click()
    fields = page.locator(".guess-board .fields input")
    for typed, shown in (("7,5", "8%"), ("90 %", "90%")):
        fields.nth(3).fill(typed)
        fields.nth(3).press("Tab")
        expect(fields.nth(3)).to_have_value(shown)
    for refused in ("150", "-5", "abc"):
        fields.nth(4).fill(refused)
        fields.nth(4).press("Tab")
        assert fields.nth(4).evaluate("node => node.validity.valid") is False
    onward.click()
    expect(page.get_by_text("training error: your guess")).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_the_story_is_led_by_keys_and_plays_by_itself(visit, server):
    page = visit()
    page.clock.install()
    page.goto(server.address + "/?present")
    title = page.locator(".st-key-story h2").first
    expect(title).to_have_text("Is that so?")
    expect(page.get_by_test_id("stHeader")).to_be_hidden()
    play = page.locator(".stage .play")
    expect(play).to_have_text("Pause")
    page.locator(".stage .dots button").first.wait_for()
    page.clock.fast_forward(8_000)
    expect(title).to_have_text("Some of these names are lies")  # by itself
    expect(page.locator(".images figure")).to_have_count(6)
    page.keyboard.press("PageDown")  # as a remote does
    expect(title).to_have_text("More and more of them")
    expect(play).to_have_text("Play")  # from now on a person leads
    expect(page.locator(".levels output")).to_have_text(re.compile("%"))
    page.clock.run_for(2_500)
    expect(page.locator(".levels output")).to_have_text(re.compile("^([2-9]0|100)%"))  # the level rises
    page.keyboard.press("ArrowRight")
    expect(title).to_have_text(re.compile("First the pattern"))
    expect(page.locator(".transport")).to_have_count(1)  # that of the step before has gone
    epoch = page.locator(".transport output")
    expect(epoch).to_have_text(re.compile(r"Epoch [1-5]?\d / 60"))  # on the way to the end
    page.clock.run_for(2_500)
    expect(epoch).to_have_text(re.compile(r"Epoch ([2-5]\d|60) / 60"))
    page.keyboard.press("End")
    expect(title).to_have_text("Your turn")
    expect(page.get_by_role("img", name=re.compile("QR code"))).to_be_visible()
    page.keyboard.press("PageUp")
    expect(title).to_have_text(re.compile("Stop in time"))
    page.reload()
    expect(title).to_have_text(re.compile("Stop in time"))  # a reload stays where it was
    page.locator(".stage .dots button").first.wait_for()  # the keys are heard from now on
    page.keyboard.press("Home")
    expect(title).to_have_text("Is that so?")
    page.keyboard.press("b")
    expect(page.locator(".stage .curtain")).to_be_visible()
    page.keyboard.press("b")
    expect(page.locator(".stage .curtain")).to_be_hidden()
    page.keyboard.press("End")
    page.get_by_role("link", name="50% of the labels at random").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Lab")
    expect(page).to_have_url(re.compile("level=0.5"))
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_where_reduced_motion_is_asked_for_the_story_waits_and_a_touch_pauses_it(visit, server):
    still = visit(reduced_motion="reduce")
    still.clock.install()
    still.goto(server.address + "/present?step=3")
    expect(still.locator(".stage .play")).to_have_text("Play")
    expect(still.locator(".levels output")).to_have_text("0%")
    moving = visit()
    moving.goto(server.address + "/present")
    expect(moving.locator(".stage .play")).to_have_text("Pause")
    moving.locator(".st-key-story h2").first.click()
    expect(moving.locator(".stage .play")).to_have_text("Play")
    still.clock.fast_forward(90_000)
    expect(still.locator(".levels output")).to_have_text("0%")  # nothing has moved meanwhile
