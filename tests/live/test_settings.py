import pytest

from core.config import RunConfig
from core.errors import RefusedError, SettingsError
from core.live import settings
from core.live.settings import Gate, Limits, hash_password, load_policy
from core.paths import ROOT


def test_without_a_file_there_are_sane_limits_and_no_teacher(tmp_path):
    assert load_policy(tmp_path / "lab.toml") == settings.Policy(Limits(5, 400, 50_000), "")


def test_the_example_is_a_policy_and_names_every_default():
    example = ROOT / "lab.example.toml"
    assert load_policy(example) == settings.Policy()
    assert all(f"\n{name} = " in example.read_text() for name in ("runs", "epochs", "images"))


def test_what_the_file_sets_holds(tmp_path):
    hashed = hash_password("correct horse")
    (tmp_path / "lab.toml").write_text(f'teacher_password = "{hashed}"\n[limits]\nepochs = 60\n')
    found = load_policy(tmp_path / "lab.toml")
    assert found.limits == Limits(epochs=60) and Gate(found.teacher_password).opens("correct horse")


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
    ],
)
def test_a_wrong_file_is_one_sentence(tmp_path, content):
    (tmp_path / "lab.toml").write_text(content)
    with pytest.raises(SettingsError) as refusal:
        load_policy(tmp_path / "lab.toml")
    assert "lab.toml" in str(refusal.value) and "\n" not in str(refusal.value)


def test_the_password_is_not_kept_and_no_two_hashes_are_alike():
    first, second = hash_password("correct horse"), hash_password("correct horse")
    assert first != second and "horse" not in first
    assert Gate(first).opens("correct horse") and not Gate(first).opens("correct horse ")
    with pytest.raises(ValueError, match="8 characters"):
        hash_password("short")


def test_tries_are_limited_and_time_opens_the_door_again(monkeypatch):
    gate, now = Gate(hash_password("correct horse")), [1000.0]
    monkeypatch.setattr(settings.time, "monotonic", lambda: now[0])
    for _ in range(settings.TRIES):
        assert not gate.opens("guess")
    with pytest.raises(RefusedError, match="try again in 60 s"):
        gate.opens("correct horse")  # even the right one has to wait
    now[0] += settings.TRIES_SECONDS
    assert gate.opens("correct horse")


def test_a_run_that_waits_to_be_fitted_is_only_for_the_command_line():
    with pytest.raises(RefusedError):
        Limits().check(RunConfig(epochs_after_fitted=10), 0)
