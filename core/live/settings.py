"""lab.toml: what this server's visitors may ask for, and who is the teacher."""

import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path

from core.errors import SettingsError
from core.live.limits import Limits
from core.live.login import is_hash
from core.paths import settings_file


@dataclass(frozen=True)
class Settings:
    limits: Limits = field(default_factory=Limits)
    teacher_password: str = ""  # as hash_password() writes it; empty: no teacher


def load_settings(path: Path | None = None) -> Settings:
    """The settings in lab.toml; the defaults where there is no such file. Raises SettingsError."""
    path = path or settings_file()
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path} cannot be read ({error}): fix it or delete it.") from None
    known = {spec.name for spec in fields(Limits)}
    for name in content:
        if name in known:
            raise SettingsError(f"{path}: {name} belongs under a line that says [limits].")
        if name not in ("limits", "teacher_password"):
            raise SettingsError(f"{path} sets {name!r}, which is not a setting: see lab.example.toml.")
    limits, password = content.get("limits", {}), content.get("teacher_password", "")
    if not isinstance(limits, dict):
        raise SettingsError(f"{path}: limits is {limits!r}, but must be a line that says [limits].")
    for name, value in limits.items():
        if name not in known:
            raise SettingsError(f"{path} sets {name!r}, which is not a setting: see lab.example.toml.")
        if type(value) is not int or value < 1:
            raise SettingsError(f"{path}: {name} is {value!r}, but must be a whole number from 1 on.")
    if not isinstance(password, str) or (password and not is_hash(password)):
        raise SettingsError(
            f"{path}: teacher_password is not a line that `python -m core password` has printed."
        )
    return Settings(Limits(**limits), password)
