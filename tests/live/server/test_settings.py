import pytest

from core.config import RunConfig
from core.errors import RefusedError, SettingsError
from core.live.classroom.login import hash_password, is_password
from core.live.runs.housekeeping import Keep
from core.live.runs.limits import Limits
from core.live.runs.store import Store
from core.live.server import settings
from core.live.server.settings import load_settings
from core.paths import ROOT


def test_without_a_file_there_are_sane_limits_and_no_teacher(tmp_path):
    assert load_settings(tmp_path / "lab.toml") == settings.Settings(
        Limits(5, 400, 50_000), Keep(30, 2_000)
    )


def test_the_example_is_a_policy_and_names_every_default():
    example = ROOT / "lab.example.toml"
    assert load_settings(example) == settings.Settings()
    assert all(
        f"\n{name} = " in example.read_text()
        for name in ("runs", "epochs", "images", "address_runs", "all_runs", "days", "megabytes")
    )


def test_what_the_file_sets_holds(tmp_path):
    hashed = hash_password("correct horse")
    (tmp_path / "lab.toml").write_text(f'teacher_password = "{hashed}"\n[limits]\nepochs = 60\n')
    found = load_settings(tmp_path / "lab.toml")
    assert found.limits == Limits(epochs=60) and is_password("correct horse", found.teacher_password)


@pytest.mark.parametrize(
    "content",
    [
        "limits = 3",
        "[limits]\nruns = -1",
        "[limits]\nepochs = 'many'",
        "[limits]\ncolour = 1",
        "colour = 'red'",
        "teacher_password = 'secret'",
        "teacher_password = 5",
        "not toml",
        "runs = 5",  # without [limits] it was accepted, and ignored
        "[limits]\nepochs = 0",
        "[limits]\nruns = true",
        'teacher_password = "scrypt$...$..."',  # the example's own line
        "limits = []",
        "days = 3",
        "[keep]\nmegabytes = 0",
        "[keep]\nruns = 5",
        "[limits]\nruns = 5\nruns = 6",
        "[limits]\n runs=1.5",
    ],
)
def test_a_wrong_file_is_one_sentence_with_the_line(tmp_path, content):
    """The wrong thing is in the last line of each."""
    (tmp_path / "lab.toml").write_text("# ours\n\n" + content + "\n")
    with pytest.raises(SettingsError) as refusal:
        load_settings(tmp_path / "lab.toml")
    assert "lab.toml" in str(refusal.value) and "\n" not in str(refusal.value)
    assert f"line {3 + content.count(chr(10))}" in str(refusal.value)


def test_a_run_that_waits_to_be_fitted_is_only_for_the_command_line():
    with pytest.raises(RefusedError):
        Limits().check(RunConfig(epochs_after_fitted=10), 0)


def test_the_whole_server_takes_only_so_many_runs():
    Limits().check(RunConfig(), 0, 149, 499)
    with pytest.raises(RefusedError, match="allows 500 unfinished runs"):
        Limits().check(RunConfig(), 0, 0, 500)


def test_an_address_has_only_so_many_runs_whatever_names_it_makes_up(tmp_path):
    """A visitor with a fresh cookie for every run once got past every limit of a visitor."""
    store = Store(tmp_path / "runs.sqlite", Limits(runs=2, address_runs=4))
    for seed in range(4):
        store.submit(RunConfig(seed=seed), f"cookie {seed}", "192.0.2.9")
    with pytest.raises(RefusedError, match="Your network address has 4 unfinished runs"):
        store.submit(RunConfig(seed=4), "cookie 4", "192.0.2.9")
    store.submit(RunConfig(seed=5), "ann", "192.0.2.10")  # others are free
    for seed in range(6, 8):
        store.submit(RunConfig(seed=seed), "ben", "")  # this machine is no address
    store.submit(RunConfig(seed=8), "cyd", "")


def test_a_file_that_begins_with_a_byte_order_mark_is_read(tmp_path):
    """As editors on Windows write it."""
    path = tmp_path / "lab.toml"
    path.write_bytes(b"\xef\xbb\xbf[limits]\nruns = 3\n")
    assert load_settings(path).limits.runs == 3
