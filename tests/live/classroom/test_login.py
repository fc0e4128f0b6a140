import pytest

from core.errors import RefusedError
from core.live.classroom import login
from core.live.classroom.login import Login, hash_password, is_password
from core.live.runs.database import Database


def test_the_password_is_not_kept_and_no_two_hashes_are_alike():
    first, second = hash_password("correct horse"), hash_password("correct horse")
    assert first != second and "horse" not in first
    assert is_password("correct horse", first) and not is_password("correct horse ", first)
    with pytest.raises(ValueError, match="8 characters"):
        hash_password("short")


def door_of(tmp_path, monkeypatch) -> tuple[Login, list[float]]:
    """A door, and the time on its clock."""
    now = [1000.0]
    monkeypatch.setattr(login.time, "time", lambda: now[0])
    return Login(hash_password("correct horse"), Database(tmp_path / "runs.sqlite")), now


def test_tries_are_limited_and_time_opens_the_door_again(tmp_path, monkeypatch):
    door, now = door_of(tmp_path, monkeypatch)
    for _ in range(login.TRIES):
        assert not door.is_right("guess")
    with pytest.raises(RefusedError, match="try again in 60 s"):
        door.is_right("correct horse")  # even the right one has to wait
    now[0] += login.TRIES_SECONDS
    assert door.is_right("correct horse")


def test_wrong_tries_of_others_keep_nobody_out_until_they_are_very_many(tmp_path, monkeypatch):
    """Five from any phone once closed the door to the teacher, for the whole lesson."""
    door, now = door_of(tmp_path, monkeypatch)
    monkeypatch.setattr(login, "_scrypt", lambda password, salt: password.encode())
    door.hashed = f"scrypt$00${b'correct horse'.hex()}"
    for _ in range(login.TRIES):
        assert not door.is_right("guess", "phone")
    with pytest.raises(RefusedError):
        door.is_right("correct horse", "phone")
    assert door.is_right("correct horse", "teacher")
    for cookie in range(login.ALL_TRIES - login.TRIES):  # a new cookie for every try
        assert not door.is_right("guess", f"cookie {cookie}")
    with pytest.raises(RefusedError, match="try again in 60 s"):
        door.is_right("correct horse", "teacher")
    assert door.is_right("correct horse", "teacher", is_known=True)
    now[0] += login.TRIES_SECONDS
    assert door.is_right("correct horse", "phone")
    for cookie in range(login.ADDRESS_TRIES):  # all from one place, which closes it to that place
        assert not door.is_right("guess", f"cookie {cookie}", "192.0.2.9")
    with pytest.raises(RefusedError, match="try again in 60 s"):
        door.is_right("correct horse", "fresh", "192.0.2.9")
    assert door.is_right("correct horse", "teacher", "192.0.2.10")
    assert door.is_right("correct horse", "teacher", "192.0.2.9", is_known=True)
    assert door.is_right("correct horse", "teacher")


def test_tries_at_another_server_on_the_same_store_count_and_a_clock_set_back_forgives_them(
    tmp_path, monkeypatch
):
    door, now = door_of(tmp_path, monkeypatch)
    for _ in range(login.TRIES):
        assert not door.is_right("guess", "phone")
    other = Login(door.hashed, Database(tmp_path / "runs.sqlite"))
    with pytest.raises(RefusedError):
        other.is_right("correct horse", "phone")
    now[0] -= 3600
    assert other.is_right("correct horse", "phone")
