"""What a ZenML server answered: its document, or the one of our errors that it stands for.

Nothing in an answer is trusted. What its errors say is shown on one line, short and redacted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Final

from kitaru_iac import redaction
from kitaru_iac.errors import (
    AlreadyExistsError,
    KitaruError,
    NotAllowedError,
    NotConnectedError,
    NotFoundError,
)
from kitaru_iac.gateway.errors import login_refused
from kitaru_iac.gateway.wire import AnswerLost, Json, Response
from kitaru_iac.machine.known_secrets import known_secrets
from kitaru_iac.machine.server_address import without_page
from kitaru_iac.machine.unreadable import UnreadableError

__all__ = [
    "by_another",
    "document",
    "is_of_the_request",
    "listing",
    "mapping",
    "not_an_answer",
    "page",
    "quoted",
    "refusal",
]

#: So much of what a server says is shown, and so much is looked at for it.
_SHOWN: Final = 400
_LOOKED_AT: Final = 1000
#: A server in front of ZenML's own says these; it may have handed on what it was sent.
_HANDED_ON: Final = frozenset({500, 502, 504})
_REFUSED: Final = frozenset({402, 403})
_NOT_ACCEPTED: Final = frozenset({400, 422})
#: What ZenML calls its error where it is the login that it does not accept.
_OF_THE_LOGIN: Final = frozenset({"CredentialsNotValid"})
_UNKNOWN_TO_IT: Final = frozenset({405, 501})
_STATUS: Final = "See what you are connected to with: kitaru status"


def document(response: Response) -> Json:
    """Give the document of a ZenML server's answer; None for an empty one.

    Args:
        response: Any answer of an `HttpClient` to a request of ZenML's API.

    Raises:
        NotAllowedError: 401: the login is not accepted. 402, 403: the operation is not.
        NotFoundError: 404, and ZenML says what there is not.
        AlreadyExistsError: 409 to a write.
        KitaruError: Every other 4xx, and 501: ZenML refuses what it was sent, and says why.
        NotConnectedError: 429, 5xx; a web page, cut JSON: what answers is not ZenML, or not well.
        AnswerLost: That, and a write may have been done.
    """
    if not response.is_success:
        raise refusal(response)
    if _is_page(response):
        raise not_an_answer(response, f"It answered with {_page_words(response)}")
    try:
        return response.document()
    except UnreadableError as error:
        raise not_an_answer(response, f"It answered with {error}") from error


def mapping(response: Response) -> Mapping[str, Json]:
    """Give the answer as a mapping; raises as `document` does, also where it is none."""
    found = document(response)
    if not isinstance(found, dict):
        raise not_an_answer(response, f"It answered with {_kind(found)} instead of a mapping")
    return found


def listing(response: Response) -> tuple[Sequence[Mapping[str, Json]], int, int]:
    """Give one page of a listing: its items, and the totals of items and pages.

    Raises as `document` does, also where it is no page.
    """
    found = mapping(response)
    items = found.get("items")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise not_an_answer(response, "It answered with a page without a list of `items`")
    total, pages = _count(found.get("total")), _count(found.get("total_pages"))
    # No more pages than items, and one: else a wrong number would be asked for without an end.
    # There may be more items than were counted: ZenML counts first, and others may write meanwhile.
    if total is None or pages is None or pages > max(total, len(items)) + 1:
        raise not_an_answer(response, "It answered with a page whose numbers are not right")
    return items, total, pages


def page(
    ask: Callable[[], Response],
    number: int,
    size: int,
    is_gone: Callable[[Response], bool] = lambda _: False,
    again: int = 2,
) -> tuple[Response, Sequence[Mapping[str, Json]], int, int] | None:
    """Give a page of a listing that holds as many as it counts, as `listing` does.

    A server counts before it lists: where somebody deletes in between, it is asked again. One that
    goes on to hold fewer would have what is there be taken for gone.

    Args:
        ask: Asks for it.
        number: Which page is asked for, from 1.
        size: How many it may hold.
        is_gone: Whether an answer says that there is no such page any more; then None is given.
        again: How often it is asked for once more.
    """
    response = ask()
    if is_gone(response):
        return None
    try:
        items, total, pages = listing(response)
    except NotFoundError as error:  # where there is nothing, a listing is empty
        raise always_there(response, error) from error
    counted = min(size, total - (number - 1) * size)
    if len(items) >= counted:
        return response, items, total, pages
    if again:
        return page(ask, number, size, is_gone, again - 1)
    raise not_an_answer(response, f"It answered with {len(items)} of the {counted} that it counted")


def refusal(response: Response) -> KitaruError:
    """Give the error that an answer without success stands for; `document` raises it."""
    status, said, shown = response.status, _said(response), response.server or None
    if status == 401:
        why = said or by_another(response) or "HTTP status 401: the login is not valid any more"
        error = login_refused(shown or "URL", why=why)
        # A proxy may have handed on what it was sent, and refuse the answer.
        error.of_login = by_another(response) is None
        return error
    if status in _REFUSED:
        return NotAllowedError(
            "The ZenML server refused the operation",
            where=shown,
            why=said or _status_words(response),
            remedy="Ask for the permission, or log in as somebody who has it.",
        )
    if status == 404:
        return _missing(response, said)
    if status == 409 and response.is_write:
        return AlreadyExistsError(said or "What was to be made exists already", where=shown)
    if status in _UNKNOWN_TO_IT and without_page(response.server):
        return _not_zenml(response, f"{response.asked} was answered with the HTTP status {status}")
    if status in _UNKNOWN_TO_IT:
        return KitaruError(
            "The ZenML server does not know this operation",
            where=shown,
            why=_with(said, f"{response.asked} was answered with the HTTP status {status}"),
            remedy=f"It may be of a version without it. {_STATUS}",
        )
    if status < 400 or status == 409:  # where nothing was to be made, nothing can be in its way
        return not_an_answer(response, f"It answered with the HTTP status {status}")
    if status >= 500 or status in (407, 408, 425, 429):
        return _failing(response, said)
    if _is_page(response):
        return _not_zenml(response, f"It answered with {_page_words(response)}")
    what = "The ZenML server refused what it was sent"
    return KitaruError(what, where=shown, why=said or _status_words(response))


def is_of_the_request(response: Response) -> bool:
    """Whether it is ZenML that answers, and to what was sent: not of the login, nor of a right."""
    if response.is_success or response.status in _REFUSED:
        return False
    if _is_zenmls(response):
        detail = _detail(response)
        return isinstance(detail, list) and detail[0] not in _OF_THE_LOGIN
    return response.status in _NOT_ACCEPTED and not _is_page(response)


def by_another(response: Response) -> str | None:
    """Say what refused a login, where it is not ZenML: that answers with a document."""
    if not _is_page(response):
        return None
    words = f"{_page_words(response)} with the HTTP status {response.status}"
    return f"It answered with {words}: a proxy or a login page may stand before it"


def not_an_answer(response: Response, why: str) -> NotConnectedError:
    """Give the error for an answer that ZenML would not give.

    Args:
        response: The answer.
        why: What is wrong with it, as ``It answered with …``.
    """
    why = why if not response.asked else f"{why} to {response.asked}"
    return _lost(response, why) if response.is_write else _not_zenml(response, why)


def always_there(response: Response, error: NotFoundError) -> NotConnectedError:
    """Give the error for a 404 to a request for what every ZenML server has."""
    return not_an_answer(response, f"It answered with the HTTP status 404 ({error.what})")


# -- inside ----------------------------------------------------------------------------------------


def _not_zenml(response: Response, why: str) -> NotConnectedError:
    return NotConnectedError(
        "What answers there does not answer as a ZenML server",
        where=response.server or None,
        why=why,
        remedy=_meant(response) or f"A proxy or a login page may stand before it. {_STATUS}",
    )


def _lost(response: Response, why: str) -> AnswerLost:
    return AnswerLost(
        "The ZenML server took a request and gave no answer to it",
        where=response.server or None,
        why=f"{why}: it may have done what was asked",
        remedy="Look whether it did before you run the command again.",
    )


def _missing(response: Response, said: str | None) -> KitaruError:
    """ZenML names what is missing. Without that the whole path is, and so ZenML may be."""
    if said and said.rstrip(".").lower() != "not found" and not _is_page(response):
        return NotFoundError(said, where=response.server or None)
    why = f"There is no {response.asked.partition(' ')[2] or 'such path'} there (HTTP status 404)"
    return NotConnectedError(
        "What answers there does not answer as a ZenML server",
        where=response.server or None,
        why=why,
        remedy=_meant(response) or f"Check the URL, and the server's version. {_STATUS}",
    )


def _meant(response: Response) -> str | None:
    """What to do where the address has a path, which may be that of a page."""
    host = without_page(response.server)
    return f"Did you mean {host}? {_STATUS}" if host else None


def _failing(response: Response, said: str | None) -> NotConnectedError:
    status = response.status
    why = _with(said, _status_words(response))
    if response.is_write and status in _HANDED_ON and not _is_zenmls(response):
        return _lost(response, why)
    if status == 407:
        remedy = "Give the proxy's user and password in HTTPS_PROXY or HTTP_PROXY."
    elif (seconds := response.retry_after()) is not None:
        whole = max(1, round(seconds))
        remedy = f"Run the command again in {whole} second{'s' if whole > 1 else ''}."
    else:
        remedy = "Run the command again later; the server's log says more."
    what = "The ZenML server has too much to do" if status == 429 else "The ZenML server failed"
    error = NotConnectedError(what, where=response.server or None, why=why, remedy=remedy)
    error.has_answered = status == 500 and _is_zenmls(response)
    return error


def _status_words(response: Response) -> str:
    try:
        phrase = f" ({HTTPStatus(response.status).phrase})"
    except ValueError:
        phrase = ""
    return f"HTTP status {response.status}{phrase}"


def _with(said: str | None, why: str) -> str:
    return f"{why}: {said}" if said else why


def _detail(response: Response) -> Json:
    try:
        found = response.document()
    except UnreadableError:
        return None
    return found.get("detail") if isinstance(found, dict) else None


def _is_zenmls(response: Response) -> bool:
    """Whether ZenML's own code said it: ``{"detail": ["RuntimeError", "the text"]}``."""
    detail = _detail(response)
    return isinstance(detail, list) and len(detail) > 1 and isinstance(detail[0], str)


def _said(response: Response) -> str | None:
    """What the server says about an error, to be shown; None for nothing.

    ZenML says ``["EntityExistsError", "text"]``, FastAPI a text, or for each field that it does not
    accept ``{"loc": ["body", "name"], "msg": "text"}``.
    """
    detail = _detail(response)
    if isinstance(detail, list) and detail and all(isinstance(item, dict) for item in detail):
        text = "; ".join(_field_words(item) for item in detail[:5] if isinstance(item, dict))
    elif isinstance(detail, list) and len(detail) > 1 and isinstance(detail[0], str):
        text = ": ".join(item for item in detail[1:] if isinstance(item, str))
    else:
        text = detail if isinstance(detail, str) else ""
    return quoted(text, response) or None


def _field_words(item: Mapping[str, Json]) -> str:
    message = item.get("msg")
    place = item.get("loc")
    parts = place if isinstance(place, list) else []
    names = [str(part) for part in parts if isinstance(part, str | int) and part != "body"]
    text = message if isinstance(message, str) else "not accepted"
    return f"{'.'.join(names)}: {text}" if names else text


def quoted(text: str, response: Response) -> str:
    """Give the first line of a server's words that says something: printable, redacted, short."""
    lines = (line.strip() for line in text[:_LOOKED_AT].splitlines())
    line = next((line for line in lines if line), "")
    line = "".join(sign if sign.isprintable() else " " for sign in line)
    line = redaction.text(line, *response.secrets, *known_secrets())
    # ZenML's `KeyError` comes with the quotes of a repr.
    if len(line) > 1 and line[0] == line[-1] and line[0] in "'\"":
        line = line[1:-1]
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 1]}…"


def _is_page(response: Response) -> bool:
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind in ("text/html", "application/xhtml+xml") or bool(
        re.match(rb"\s*<(?:!doctype|html)\b", response.body[:200], re.IGNORECASE)
    )


def _page_words(response: Response) -> str:
    found = re.search(rb"(?is)<title[^>]{0,100}>([^<]{1,200})", response.body[:20_000])
    title = quoted(found[1].decode("utf-8", "replace"), response)[:80] if found else ""
    return f"a web page ('{title}')" if title else "a web page"


def _kind(found: Json) -> str:
    if found is None:
        return "nothing"
    if isinstance(found, list):
        return "a list"
    if isinstance(found, bool):
        return "a truth value"
    return "a text" if isinstance(found, str) else "a number"


def _count(value: Json) -> int | None:
    is_count = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return value if is_count and isinstance(value, int) else None
