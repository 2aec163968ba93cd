"""Our environment variables that are ZenML's under another name, as `kitaru` 0.21 has them too."""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping
from typing import Final

from kitaru_iac.machine.init_hooks import run_hooks
from kitaru_iac.machine.server_address import more_than_address, server_address

__all__ = [
    "AUTH_TOKEN",
    "PROJECT",
    "SERVER_URL",
    "apply_environment",
    "given_as",
    "given_login",
    "project",
    "project_for_login",
]

SERVER_URL: Final = "KITARU_SERVER_URL"
AUTH_TOKEN: Final = "KITARU_AUTH_TOKEN"  # noqa: S105 - the name of a variable
PROJECT: Final = "KITARU_PROJECT"

_URL: Final = "ZENML_STORE_URL"
_TYPE: Final = "ZENML_STORE_TYPE"
_KEY: Final = "ZENML_STORE_API_KEY"
_PROJECT_ID: Final = "ZENML_ACTIVE_PROJECT_ID"
_SAME: Final = {
    "KITARU_CONFIG_PATH": "ZENML_CONFIG_PATH",
    SERVER_URL: _URL,
    AUTH_TOKEN: _KEY,
    "KITARU_ANALYTICS_OPT_IN": "ZENML_ANALYTICS_OPT_IN",
}
#: Every way to log in but an API key. ZenML prefers a token to a key.
_OTHER_LOGINS: Final = (
    "ZENML_STORE_API_TOKEN",
    "ZENML_STORE_USERNAME",
    "ZENML_STORE_PASSWORD",
)
#: What may be a path, or a number.
_PATHS: Final = ("ZENML_STORE_VERIFY_SSL", "ZENML_STORE_HTTP_TIMEOUT", "ZENML_LOCAL_STORES_PATH")


def apply_environment() -> None:
    """Give ZenML its own variables from ours, and do what other distributions do to them.

    ZenML reads some of them when it is imported. Comes before anything is looked up, so that what
    reads without ZenML and what writes through it see one store. Where ours and ZenML's say
    different servers or keys, ours hold, and a warning says so once.
    """
    environ = os.environ
    _without_blanks(environ)
    _addresses_alone(environ)
    ignored = {
        SERVER_URL: _one_server(environ),
        AUTH_TOKEN: _one_login(environ),
        PROJECT: _one_project(environ),
    }
    for ours, theirs in _SAME.items():
        if value := _given(environ, ours):
            # Also ours: the other distribution's hook copies it as it stands.
            environ[ours] = environ[theirs] = value
    run_hooks(environ)
    for ours, names in ignored.items():
        if names:
            _warn(ours, names)


def given_as(theirs: str, environ: Mapping[str, str] | None = None) -> str:
    """Give the variable that the user has set, where ZenML's comes from one of ours.

    Args:
        theirs: The name of ZenML's variable.
        environ: The environment variables; this process's by default.
    """
    environ = os.environ if environ is None else environ
    for ours, name in _SAME.items():
        if name == theirs and _given(environ, ours):
            return ours
    return theirs


def given_login(environ: Mapping[str, str] | None = None) -> str | None:
    """Give the variable with what a server is asked with; None where a login is stored."""
    environ = os.environ if environ is None else environ
    names = ("ZENML_STORE_API_TOKEN", _KEY, "ZENML_STORE_USERNAME")
    return next((given_as(name, environ) for name in names if environ.get(name)), None)


def project(environ: Mapping[str, str]) -> str | None:
    """The name or id of the project that the environment chooses; None where it does not."""
    return _given(environ, PROJECT) or environ.get(_PROJECT_ID) or None


def project_for_login(environ: Mapping[str, str]) -> str | None:
    """The project that our variable names. ZenML's holds an id, perhaps of another store."""
    return _given(environ, PROJECT) or None


def _without_blanks(environ: MutableMapping[str, str]) -> None:
    """Let a blank variable be an unset one, and take line breaks off, in ZenML's as in ours.

    A secret that a CI job may not see is an empty variable there, which ZenML takes for an address.
    """
    for name in (_URL, _TYPE, _KEY, *_OTHER_LOGINS[:2], "ZENML_ACTIVE_STACK_ID", _PROJECT_ID):
        text = environ.get(name)
        if text is None:  # nothing to take away: a block of another thread may set it meanwhile
            continue
        kept = text.strip()
        if not kept:
            environ.pop(name, None)
        elif kept != text:  # else nothing is written: such a block may end meanwhile
            environ[name] = kept
    for name in _PATHS:  # as they are: a name may end with a blank, and a text with a line break
        if not environ.get(name, "given").strip():
            environ.pop(name, None)


def _addresses_alone(environ: MutableMapping[str, str]) -> None:
    """Let an address be a server's own: ZenML asks for ``/api/v1`` below it, whatever it is."""
    for name in (SERVER_URL, _URL):
        if given := _given(environ, name):
            environ[name] = server_address(given)
            if said := more_than_address(given, name):
                from kitaru_iac.notices import AddressShortened

                _say(AddressShortened(said))


# -- one server, one login, one project ------------------------------------------------------------


def _one_server(environ: MutableMapping[str, str]) -> list[str]:
    """Drop what speaks of another server than ours: a key is sent to its own server alone.

    Returns:
        The variables that are not heeded.
    """
    ours, theirs = _given(environ, SERVER_URL), environ.get(_URL)
    if not ours:
        return []
    environ.pop(_TYPE, None)
    if not theirs or theirs == ours:
        return []
    return [_URL, *_dropped(environ, _KEY, *_OTHER_LOGINS, "ZENML_STORE_VERIFY_SSL")]


def _one_login(environ: MutableMapping[str, str]) -> list[str]:
    ours = _given(environ, AUTH_TOKEN)
    if not ours:
        return []
    theirs = environ.get(_KEY, "").strip()
    return [_KEY] * (theirs not in ("", ours)) + _dropped(environ, *_OTHER_LOGINS)


def _one_project(environ: MutableMapping[str, str]) -> list[str]:
    """Give ZenML the project's id. It takes no name; those who show the project look that up."""
    from kitaru_iac.machine.active_scope import canonical_id

    ours = _given(environ, PROJECT)
    if not ours:
        return []
    ignored = [_PROJECT_ID] * (environ.pop(_PROJECT_ID, "").strip() not in ("", ours))
    environ[PROJECT] = ours
    if canonical_id(ours):
        environ[_PROJECT_ID] = ours
    return ignored


def _dropped(environ: MutableMapping[str, str], *names: str) -> list[str]:
    return [name for name in names if environ.pop(name, None)]


def _given(environ: Mapping[str, str], name: str) -> str:
    """A variable without the line break that secrets of CI often end with; blank is unset."""
    return environ.get(name, "").strip()


def _warn(ours: str, ignored: list[str]) -> None:
    from kitaru_iac.notices import VariableIgnored

    verb = "are" if len(ignored) > 1 else "is"
    text = f"{' and '.join(ignored)} {verb} ignored: {ours} takes precedence."
    _say(VariableIgnored(text))


def _say(warning: UserWarning) -> None:
    import warnings

    warnings.warn(warning, stacklevel=4)
