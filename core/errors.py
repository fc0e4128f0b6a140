"""What can go wrong, each a sentence that says what to do.

    LabError
    ├── ConfigError        a setting, flag or entry that cannot be used (exit status 2)
    ├── DeviceError        a device that is unknown or not there (exit status 2)
    ├── SettingsError      lab.toml cannot be used (exit status 2)
    ├── DataError          the images cannot be had
    │   └── NoRoomError    there is no room or no right to store them
    ├── SourceError        one source of the images has nothing for us: the next is tried
    │   └── SlowError      it is so slow that others are tried first
    ├── StorageError       a result or checkpoint cannot be written
    ├── CheckpointError    a checkpoint is damaged or belongs to another run
    ├── DivergedError      the loss is no longer a number
    ├── TooLargeError      a run does not fit into the device's memory
    ├── StoreError         the live runs cannot be read or written
    ├── RefusedError       the limits of this server do not allow it
    ├── SweepError         the precomputed runs cannot be read or written
    └── TakenError         another sweep is training the run

A LabError becomes its sentence, on a page and in the terminal. Anything else is a fault of
the program: its traceback goes to the log, and no page shows it.
"""

from pathlib import Path


class LabError(Exception):
    """The message is one sentence for the person who meets it."""

    exit_status = 1  # of a command that ends with it


class ConfigError(LabError, ValueError):
    """A setting, flag or entry that cannot be used."""

    exit_status = 2


class DeviceError(LabError):
    """A device that is unknown, or that torch does not find here."""

    exit_status = 2


class SettingsError(LabError):
    """lab.toml cannot be used."""

    exit_status = 2


class DataError(LabError):
    """The images cannot be had."""


class NoRoomError(DataError):
    """There is no room or no right to store the images."""


class SourceError(LabError):
    """One source of the images has nothing for us; the message is part of a sentence."""


class SlowError(SourceError):
    """A source is so slow that others are tried first."""


class StorageError(LabError):
    """A result or checkpoint cannot be written: a full disk, a folder without the right to."""

    def __init__(self, path: Path, error: Exception):
        reason = getattr(error, "strerror", None) or str(error)
        super().__init__(f"{path} cannot be written ({reason}): make room, or name another place.")


class CheckpointError(LabError):
    """A checkpoint is damaged or belongs to another run."""

    exit_status = 2


class DivergedError(LabError):
    """The loss is no longer a number."""


class TooLargeError(LabError):
    """A run does not fit into the device's memory."""


class StoreError(LabError):
    """The live runs cannot be read or written."""


class RefusedError(LabError):
    """The limits of this server do not allow it."""


class SweepError(LabError):
    """The precomputed runs cannot be read or written."""


class TakenError(LabError):
    """Another sweep is training the run."""
