"""The story."""

from tests.pages.opened import open_page


def test_the_story_moves_on_by_hand_and_comes_round():
    page = open_page("present")
    titles = []
    for _ in range(5):
        assert not page.exception
        titles.append(page.header[0].value)
        page.button(key="next").click().run()
    assert len(set(titles)) == 4 and titles[0] == titles[4]
    assert page.button(key="play").label == "Play"
    assert page.button(key="play").click().run().button(key="play").label == "Pause"
