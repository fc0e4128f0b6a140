"""The settings in lab.toml: limits for visitors, what is kept, and the teacher's password."""

import re
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from core.errors import SettingsError
from core.live.classroom.login import is_hash
from core.live.runs.housekeeping import Keep
from core.live.runs.limits import Limits
from core.paths import settings_file

TABLES: dict[str, type] = {"limits": Limits, "keep": Keep}


@dataclass(frozen=True)
class Settings:
    """The settings of one server, as lab.toml gives them."""

    limits: Limits = field(default_factory=Limits)
    keep: Keep = field(default_factory=Keep)
    framed_by: tuple[str, ...] = ()  # addresses of sites that may show the lab in a frame
    teacher_password: str = ""  # as returned by hash_password; empty: no teacher


def load_settings(path: Path | None = None) -> Settings:
    """Return the settings in lab.toml, or the defaults if there is no such file.

    Raises SettingsError, which names the line.
    """
    path = path or settings_file()
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors write a byte order mark
        content = tomllib.loads(text)
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError) as error:  # a TOML error names the line itself
        raise SettingsError(f"{path} cannot be read ({error}): fix it or delete it.") from None

    def wrong(name: str, sentence: str) -> SettingsError:
        return SettingsError(f"{path}{_line(text, name)}: {sentence}")

    for name, value in content.items():
        for table, kind in TABLES.items():
            if name in _names(kind):
                raise wrong(name, f"{name} belongs under a line that says [{table}].")
        if name in TABLES and not isinstance(value, dict):
            raise wrong(name, f"{name} is {value!r}, but must be a line that says [{name}].")
        if name not in (*TABLES, "framed_by", "teacher_password"):
            raise wrong(name, f"{name!r} is not a setting: see lab.example.toml.")
    tables: dict[str, Any] = {}
    for table, kind in TABLES.items():
        for name, value in content.get(table, {}).items():
            if name not in _names(kind):
                raise wrong(name, f"{name!r} is not a setting of [{table}]: see lab.example.toml.")
            if type(value) is not int or value < 1:
                raise wrong(name, f"{name} is {value!r}, but must be a whole number of at least 1.")
        tables[table] = kind(**content.get(table, {}))
    framed_by = content.get("framed_by", [])
    if not isinstance(framed_by, list) or not all(_is_site(site) for site in framed_by):
        raise wrong(
            "framed_by",
            f"framed_by is {framed_by!r}, but must be a list of addresses like https://school.example.",
        )
    password = content.get("teacher_password", "")
    if not isinstance(password, str) or (password and not is_hash(password)):
        raise wrong(
            "teacher_password",
            "teacher_password is not a hash that `python -m core password` has printed.",
        )
    return Settings(**tables, framed_by=tuple(framed_by), teacher_password=password)


def _names(kind: type) -> set[str]:
    return {spec.name for spec in fields(kind)}


def _is_site(text: object) -> bool:
    return isinstance(text, str) and re.fullmatch(r"https?://[\w.*-]+(:\d+)?", text) is not None


def _line(text: str, name: str) -> str:
    """The line where this name is set, as text after the path. tomllib does not report it."""
    sets = re.compile(rf"""\s*\[?\s*["']?{re.escape(name)}["']?\s*[=\].]""")
    for number, line in enumerate(text.splitlines(), 1):
        if sets.match(line):
            return f", line {number}"
    return ""
