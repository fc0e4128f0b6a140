import re

import pytest

from core.view import words
from core.view.words import about, duration, per_cent, plural


def test_durations():
    said = [duration(seconds) for seconds in (0.2, 20, 600, 7200)]
    assert said == ["under a second", "20 s", "10 min", "2.0 h"]
    assert about(0.2) == "under a second" and about(20) == "about 20 s"


def test_counts_and_shares():
    assert plural(1, "epoch") == "1 epoch" and plural(2_000, "run") == "2,000 runs"
    assert per_cent(None) == "–" and per_cent(0.1234) == "12.3%"


def test_what_somebody_has_typed_makes_no_link():
    """As Streamlit's Markdown reads it: in brackets, as an address, as one of mail."""
    for typed in (
        "[Reload](https://evil.example)",
        "https://evil.example",
        "www.evil.example",
        "a@b.co",
    ):
        said = words.without_links(f"seed is {typed!r}, but must be a number.")
        assert not re.search(r"(?<!\\)\[|://|www\.|\w@", said)
        assert said.replace("\\", "") == f"seed is {typed!r}, but must be a number."


@pytest.mark.parametrize(("value", "text"), [(0.01234567, "0.01234567"), (50, "50"), (0.1, "0.1")])
def test_a_number_is_written_with_all_its_digits(value, text):
    assert words.number_text(value) == text and float(text) == value
