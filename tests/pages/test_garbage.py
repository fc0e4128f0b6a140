"""How often all garbage is looked for."""

from types import SimpleNamespace

from pages.shared.server import garbage


def test_all_garbage_is_collected_the_less_often_the_longer_it_takes(monkeypatch):
    now, taken, collected = [100.0], [0.01], []

    def collect():
        now[0] += taken[0]
        collected.append(now[0])

    monkeypatch.setattr(garbage, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(garbage, "gc", SimpleNamespace(collect=collect, unfreeze=lambda: None))
    all_garbage = garbage.AllGarbage()
    for seconds, count in ((0.01, 10), (1.0, 2)):  # in a hundred seconds
        taken[0] = seconds
        collected.clear()
        until = now[0] + 100
        while now[0] < until:
            all_garbage.collect_when_due()
            now[0] += 0.1
        assert abs(len(collected) - count) <= 1
