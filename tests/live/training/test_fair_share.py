"""Whose turn it is, without a network: runs take turns on a device that does what it is told."""

from core.config import RunConfig
from core.live.training.fair_share import FairShare
from tests.samples import live_run


def run_of(owner: str, seed: int):
    return live_run(RunConfig(seed=seed), owner=owner)


class Device:
    """Trains one epoch of one run at a time, and counts them."""

    def __init__(self, seconds):
        self.seconds = seconds  # of an epoch, by owner; 1 if it is not named
        self.share = FairShare()
        self.active = []
        self.last_trained = []
        self.epochs = {}

    def train(self, turns: int) -> None:
        for _ in range(turns):
            run = self.share.next(self.active, self.active, last_trained=self.last_trained)
            if run.run_id in self.last_trained:
                self.last_trained.remove(run.run_id)
            self.last_trained.append(run.run_id)
            self.epochs[run.run_id] = self.epochs.get(run.run_id, 0) + 1
            self.share.report(run.owner, self.seconds.get(run.owner, 1.0))

    def epochs_of(self, run) -> int:
        return self.epochs.get(run.run_id, 0)


def test_runs_of_one_visitor_take_turns():
    device = Device({})
    device.active = [run_of("ann", seed) for seed in range(3)]
    device.train(7)
    assert [device.epochs_of(run) for run in device.active] == [3, 2, 2]


def test_ten_runs_get_no_more_time_than_one():
    device, one, late = Device({}), run_of("ben", 10), run_of("eve", 11)
    device.active = [*(run_of("ann", seed) for seed in range(10)), one]
    device.train(20)
    assert device.epochs_of(one) == 10
    device.active.append(late)  # begins level, and makes up for nothing
    device.train(9)
    assert device.epochs_of(late) == 3


def test_a_heavy_run_takes_no_more_than_its_share_of_time():
    device, heavy, light = Device({"ann": 9.0}), run_of("ann", 0), run_of("ben", 1)
    device.active = [heavy, light]
    device.train(20)
    assert (device.epochs_of(heavy), device.epochs_of(light)) == (2, 18)


def test_who_comes_back_makes_up_for_nothing():
    device, ann, ben = Device({}), run_of("ann", 0), run_of("ben", 1)
    device.active = [ann, ben]
    device.train(2)
    device.active = [ann]
    device.train(50)
    device.share.report("ben", 3.0)  # of an epoch that was in flight when they left
    device.active = [ann, ben]
    device.train(10)
    assert device.epochs_of(ben) == 1 + 5


def test_who_has_a_run_in_flight_comes_after_who_has_none():
    share = FairShare()
    ann, anns_second, ben = run_of("ann", 0), run_of("ann", 1), run_of("ben", 2)
    active = [ann, anns_second, ben]
    assert share.next(active, active) is ann
    assert share.next(active, [anns_second, ben], in_flight={ann.run_id}) is ben
    both = {ann.run_id, ben.run_id}
    assert share.next(active, [anns_second], in_flight=both) is anns_second


def test_a_run_that_has_had_no_turn_comes_before_one_that_has():
    share, first, second = FairShare(), run_of("ann", 0), run_of("ann", 1)
    active = [first, second]
    assert share.next(active, active, last_trained=[first.run_id]) is second
    turns = [second.run_id, first.run_id]
    assert share.next(active, active, last_trained=turns) is second
    assert second._replace(owner="ben").owner not in share.used


def test_who_has_a_run_in_flight_comes_later_however_little_time_they_have_had():
    """On a GPU epochs are side by side: time is told only when one of them is done."""
    share, ann, anns_second, ben = FairShare(), run_of("ann", 0), run_of("ann", 1), run_of("ben", 2)
    active = [ann, anns_second, ben]
    share.next(active, active)
    share.report("ben", 5.0)
    assert share.next(active, [anns_second, ben]) is anns_second
    assert share.next(active, [anns_second, ben], in_flight={ann.run_id}) is ben


def test_of_one_visitors_runs_an_epoch_that_has_begun_is_finished_first():
    share, first, begun, bens = FairShare(), run_of("ann", 0), run_of("ann", 1), run_of("ben", 2)
    active, turns = [first, begun, bens], [begun.run_id]
    assert share.next(active, active, last_trained=turns) is first
    assert share.next(active, active, last_trained=turns, begun={begun.run_id}) is begun
    assert share.next(active, active, begun={bens.run_id}) is first  # another's is not ann's turn
