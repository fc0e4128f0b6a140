from core.view.words import about, duration, per_cent, plural


def test_durations():
    words = [duration(seconds) for seconds in (0.2, 20, 600, 7200)]
    assert words == ["under a second", "20 s", "10 min", "2.0 h"]
    assert about(0.2) == "under a second" and about(20) == "about 20 s"


def test_counts_and_shares():
    assert plural(1, "epoch") == "1 epoch" and plural(2_000, "run") == "2,000 runs"
    assert per_cent(None) == "–" and per_cent(0.1234) == "12.3%"
