"""The first page."""

from tests.pages.opened import open_page, texts


def test_start_shows_the_figure_and_where_to_go():
    page = open_page("start")
    assert "Hollow: Zhang et al. 2017" in texts(page)
    assert "Watch a network find the pattern" in texts(page)
