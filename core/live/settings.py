"""lab.toml: what this server's visitors may ask for, and who is the teacher."""

import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path

from core.errors import SettingsError
from core.live.limits import Limits
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
    limits, password = content.pop("limits", {}), content.pop("teacher_password", "")
    known = {spec.name for spec in fields(Limits)}
    unknown = sorted({*content, *(limits if isinstance(limits, dict) else ["limits"])} - known)
    if unknown:
        raise SettingsError(
            f"{path} sets {unknown[0]!r}, which is not a setting: see lab.example.toml."
        )
    for name, value in limits.items():
        if type(value) is not int or value < 0:
            raise SettingsError(f"{path}: {name} is {value!r}, but must be a whole number.")
    if not isinstance(password, str) or (password and password.count("$") != 2):
        raise SettingsError(f"{path}: teacher_password is not what `python -m core password` printed.")
    return Settings(Limits(**limits), password)
