"""Errors of the way to a ZenML store, and of what it answers."""

from __future__ import annotations

from kitaru_iac.errors.base import ExitCode, KitaruError

__all__ = [
    "AlreadyExistsError",
    "ImplicitAuthDisabled",
    "NotAllowedError",
    "NotConnectedError",
    "NotFoundError",
    "SettingsDamaged",
    "SettingsUnreadable",
]


class NotFoundError(KitaruError):
    """Something that was named does not exist."""

    code = "not_found"
    exit_code = ExitCode.NOT_FOUND


class AlreadyExistsError(KitaruError):
    """A name that has to be free is taken."""

    code = "already_exists"
    exit_code = ExitCode.ALREADY_EXISTS


class NotConnectedError(KitaruError):
    """No store answers: never logged in, server away, token expired.

    Attributes:
        has_answered: Whether ZenML itself did, and failed at what it was asked for.
    """

    code = "not_connected"
    exit_code = ExitCode.NOT_CONNECTED
    has_answered = False


class SettingsDamaged(NotConnectedError):
    """A settings file of ZenML is empty, cut off or refused by ZenML: no store can be told."""

    code = "settings_damaged"


class SettingsUnreadable(SettingsDamaged):
    """A settings file of ZenML is there and cannot be read, or is no file."""

    code = "settings_unreadable"


class NotAllowedError(KitaruError):
    """The store answers, and refuses.

    Attributes:
        of_login: Whether it does not know who asks, and so has not looked at what is asked.
    """

    code = "not_allowed"
    exit_code = ExitCode.NOT_CONNECTED
    of_login = False


class ImplicitAuthDisabled(NotAllowedError):
    """The process that owns the store does not let connectors use its own credentials."""

    code = "implicit_auth_disabled"
