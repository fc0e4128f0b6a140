"""The errors that several modules share. Each message is a sentence that says what to do,
except that of SourceError, which becomes a part of one.

    LabError
    ├── ConfigError        a setting, flag or entry that cannot be used (exit status 2)
    ├── DeviceError        a device that is unknown or missing (exit status 2)
    ├── SettingsError      lab.toml cannot be used (exit status 2)
    ├── DataError          the images are not available
    │   └── ImageStorageError  the images cannot be stored: no room, or no permission
    ├── SourceError        one source of the images failed: the next is tried
    │   └── SlowError      a source is so slow that others are tried first
    ├── StorageError       a result or checkpoint cannot be written
    ├── CheckpointError    a checkpoint is damaged or belongs to another run (exit status 2)
    ├── DivergedError      the loss is no longer a number
    ├── TooLargeError      a run does not fit into the device's memory
    ├── StoreError         the live runs cannot be read or written
    ├── RefusedError       a limit of this server does not allow the request
    ├── SweepError         the precomputed runs cannot be read or written
    └── TakenError         another sweep is training the run

Pages and the terminal show only the message of a LabError. Any other exception is a bug: its
traceback goes to the log, and no page shows it.
"""

from pathlib import Path


class LabError(Exception):
    """An error whose message is one sentence for the user."""

    exit_status = 1  # of a command that fails with this error


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
    """The images are not available."""


class ImageStorageError(DataError):
    """The images cannot be stored: no room, or no permission."""


class SourceError(LabError):
    """One source of the images failed; the message is part of a sentence."""


class SlowError(SourceError):
    """A source is so slow that others are tried first."""


class StorageError(LabError):
    """A result or checkpoint cannot be written: the disk is full, or permission is missing."""

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
    """A limit of this server does not allow the request."""


class SweepError(LabError):
    """The precomputed runs cannot be read or written."""


class TakenError(LabError):
    """Another sweep is training the run."""
