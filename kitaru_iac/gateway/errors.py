"""What ZenML raises, as this package's errors."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence

from kitaru_iac import redaction
from kitaru_iac.errors import (
    AlreadyExistsError,
    KitaruError,
    NotAllowedError,
    NotConnectedError,
    NotFoundError,
)
from kitaru_iac.machine.environment import AUTH_TOKEN, given_as, given_login
from kitaru_iac.machine.known_secrets import known_secrets
from kitaru_iac.machine.server_login import UNCACHED, is_uncached, kept_login
from kitaru_iac.machine.settings import read_global
from kitaru_iac.machine.store_location import address_of_server

__all__ = ["login_refused", "may_not_read", "translate_errors", "translated", "way_to"]

#: What a login is stored as, or follows from, as at ZenML Pro.
_LOGIN = ("api_key", "api_token", "username", "pro_api_url", "workspace_id", "organization_id")
#: What SQLite says of a file that was cut off, or is another's.
_DAMAGED = ("disk image is malformed", "file is not a database")


@contextlib.contextmanager
def translate_errors(where: Callable[[], str | None] = lambda: None) -> Iterator[None]:
    """Turn what ZenML, requests and SQLAlchemy raise into this package's errors, once.

    Args:
        where: Gives the address of the server that was asked, as it may be shown; None where it is
            none.
    """
    try:
        yield
    except (KitaruError, KeyboardInterrupt):
        raise
    except Exception as error:
        raise translated(error, where()) from error


def way_to(address: str) -> str:
    """Give what connects to another server: a variable that names one overrules every login."""
    variable = "ZENML_STORE_URL"
    if os.environ.get(variable):
        return f"set {given_as(variable)} to {address}"
    return f"kitaru login {address}"


def login_refused(shown: str, *, why: str | None = None) -> NotAllowedError:
    """The error for a login that a server does not take, a stored one or a variable's, or for none.

    Args:
        shown: The server; ``URL`` where it is not known.
        why: What it said.
    """
    error = _login_refused(shown, why)
    error.of_login = True
    return error


def _login_refused(shown: str, why: str | None) -> NotAllowedError:
    where = None if shown == "URL" else shown
    what = "The ZenML server does not accept"
    if variable := given_login():
        remedy = f"Set {variable} anew, or unset it and log in: kitaru login {shown}"
        return NotAllowedError(f"{what} {variable}", where=where, why=why, remedy=remedy)
    if is_uncached(os.environ):
        remedy = f"Set {AUTH_TOKEN} to an API key of it: {UNCACHED} is set, and no login is kept."
        what = "The ZenML server wants a login, and none is kept"
        return NotAllowedError(what, where=where, why=why, remedy=remedy)
    if _has_no_login(shown):
        what, remedy = "No login is stored for this ZenML server", f"Log in: kitaru login {shown}"
        why = "It wants one: HTTP status 401"  # it may have called that a login that has expired
        return NotAllowedError(what, where=where, why=why, remedy=remedy)
    remedy = f"Log in again: kitaru login {shown}"
    return NotAllowedError(f"{what} the stored login", where=where, why=why, remedy=remedy)


def _has_no_login(address: str) -> bool:
    """Whether this is the configured server, and nothing is stored that could log in there."""
    try:
        config = read_global()
        kept = kept_login(address, os.environ)
    except KitaruError:
        return False
    if address_of_server(config, os.environ) != address:
        return False
    return not any(
        login.get(name) for login in (kept, config.get("store") or {}) for name in _LOGIN
    )


def may_not_read(stack: str, parts: Sequence[str]) -> NotAllowedError:
    """The error for what a stack has and a server leaves out of its listings, without a word.

    Args:
        stack: Its name.
        parts: What is left out, as ``artifact store prod``.
    """
    named = ", ".join(dict.fromkeys(parts))
    return NotAllowedError(
        f"This login may not read all of stack '{stack}': {named}",
        why="The stack has it, and the store says nothing about it.",
        remedy="Use a login that may read it.",
    )


def translated(error: Exception, where: str | None = None) -> KitaruError:
    """The error of this package for what ZenML, requests or SQLAlchemy raised.

    Args:
        error: That.
        where: The address of the server that was asked, as it may be shown, if it was one.
    """
    names = {cls.__name__ for cls in type(error).__mro__}
    text = _first_line(error)
    if names & {"CredentialsNotValid", "AuthorizationException", "OAuthError"}:
        return login_refused(where or "URL", why=text)
    if names & {"IllegalOperationError", "PermissionError"}:
        return NotAllowedError("ZenML refused the operation", where=where, why=text)
    if "EntityExistsError" in names:
        return AlreadyExistsError(text, where=where)
    if "DatabaseError" in names and any(words in text for words in _DAMAGED):
        return NotConnectedError(
            "The local store is damaged",
            where=where,
            why=text,
            remedy="Restore its file, or move it away for a new store: kitaru status says where it "
            "is.",
        )
    # ZenML says with a bare RuntimeError that it gave up on a server.
    given_up = "RuntimeError" in names and text.startswith("Error connecting to URL")
    if given_up or names & {"ConnectionError", "ConnectTimeout", "ReadTimeout", "OperationalError"}:
        return NotConnectedError(
            "The ZenML store does not answer",
            where=where,
            why=text,
            remedy="See what you are connected to with: kitaru status",
        )
    if names & {"KeyError", "DoesNotExistException"}:
        return NotFoundError(text, where=where)
    return KitaruError("ZenML failed", where=where, why=f"{type(error).__name__}: {text}")


def _first_line(error: BaseException) -> str:
    text = str(error.args[0]) if error.args else str(error)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # An error of a library repeats the URL with its password.
    return redaction.text(lines[0], *known_secrets())[:400] if lines else type(error).__name__
