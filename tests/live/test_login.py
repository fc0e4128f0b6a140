import pytest

from core.errors import RefusedError
from core.live import login
from core.live.login import Login, hash_password


def test_the_password_is_not_kept_and_no_two_hashes_are_alike():
    first, second = hash_password("correct horse"), hash_password("correct horse")
    assert first != second and "horse" not in first
    assert Login(first).is_right("correct horse") and not Login(first).is_right("correct horse ")
    with pytest.raises(ValueError, match="8 characters"):
        hash_password("short")


def test_tries_are_limited_and_time_opens_the_door_again(monkeypatch):
    door, now = Login(hash_password("correct horse")), [1000.0]
    monkeypatch.setattr(login.time, "monotonic", lambda: now[0])
    for _ in range(login.TRIES):
        assert not door.is_right("guess")
    with pytest.raises(RefusedError, match="try again in 60 s"):
        door.is_right("correct horse")  # even the right one has to wait
    now[0] += login.TRIES_SECONDS
    assert door.is_right("correct horse")


def test_wrong_tries_of_others_keep_nobody_out_until_they_are_very_many(monkeypatch):
    """Five from any phone once closed the door to the teacher, for the whole lesson."""
    door, now = Login(hash_password("correct horse")), [1000.0]
    monkeypatch.setattr(login.time, "monotonic", lambda: now[0])
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
