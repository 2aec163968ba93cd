"""A server's answers, as documents or as this package's errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kitaru_iac import redaction
from kitaru_iac.errors import (
    AlreadyExistsError,
    KitaruError,
    NotAllowedError,
    NotConnectedError,
    NotFoundError,
)
from kitaru_iac.gateway.http import Json, Response
from kitaru_iac.machine.known_secrets import known_secrets
from kitaru_iac.machine.unreadable import UnreadableError

__all__ = ["answered", "known_form", "listing", "mapping"]


def answered(response: Response, shown: str) -> Json:
    """Give the document of an answer.

    Args:
        response: The answer.
        shown: The server's URL, without its secrets.

    Raises:
        NotAllowedError: The login is not accepted, or may not do this.
        NotFoundError: There is no such thing.
        AlreadyExistsError: The name is taken.
        NotConnectedError: The server cannot answer now.
        KitaruError: It refused for another reason.
    """
    if response.is_success:
        try:
            return response.document()
        except UnreadableError as error:
            raise NotConnectedError(
                f"What answers at {shown} is not a ZenML server", why=str(error)
            ) from error
    text = _detail(response)
    if response.status == 401:
        raise NotAllowedError(
            "The ZenML server does not accept the stored login",
            why=text,
            remedy=f"Log in again: kitaru login {shown}",
        )
    if response.status == 403:
        raise NotAllowedError("ZenML refused the operation", why=text)
    if response.status == 404:
        raise NotFoundError(text)
    if response.status == 409:
        raise AlreadyExistsError(text)
    if response.status == 429 or response.status >= 500:
        raise NotConnectedError(
            "The ZenML server cannot answer now",
            where=shown,
            why=f"HTTP status {response.status}: {text}",
        )
    raise KitaruError("ZenML failed", why=text)


@contextmanager
def known_form(shown: str) -> Iterator[None]:
    """Turn what reading a document of another form raises into an error."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise KitaruError(
            "The ZenML server answered in another form",
            where=shown,
            why=f"{type(error).__name__}: {error}",
        ) from error


def mapping(found: object) -> dict[str, Any]:
    """Give what has to be a JSON object.

    Raises:
        TypeError: It is none; use it within `known_form`.
    """
    if not isinstance(found, dict):
        raise TypeError(f"not an object but {type(found).__name__}")
    return found


def listing(found: object) -> list[object]:
    """Give what has to be a JSON array; raises as `mapping` does."""
    if not isinstance(found, list):
        raise TypeError(f"not an array but {type(found).__name__}")
    return found


def _detail(response: Response) -> str:
    try:
        body = response.document()
    except UnreadableError:
        body = None
    detail = body.get("detail") if isinstance(body, dict) else None
    if isinstance(detail, list) and detail and all(isinstance(part, str) for part in detail):
        text = str(detail[-1])
    elif isinstance(detail, list):
        text = "; ".join(str(part.get("msg")) for part in detail if isinstance(part, dict))
    else:
        text = str(detail or f"HTTP status {response.status}")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return redaction.text(lines[0], *known_secrets())[:400] if lines else "HTTP error"
