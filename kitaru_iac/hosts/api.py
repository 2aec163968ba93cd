"""Calls to a host's REST API, with the errors of this package.

A write is sent once. A read is sent again where the host has no time for it, as it says itself. No
redirect is followed, so that the token goes nowhere else.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

from kitaru_iac import redaction
from kitaru_iac._version import __version__
from kitaru_iac.hosts.errors import HostError

if TYPE_CHECKING:
    import requests

__all__ = ["Api", "Json"]

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

_CONNECT, _READ = 10, 30
_BUSY: Final = (429, 502, 503, 504)
_LONGEST_PAUSE: Final = 20.0
_MOST_PAGES: Final = 100


class Api:
    """One host's API.

    Args:
        host: The host's name, for messages.
        url: Where the API is.
        headers: What every request carries, with the token.
        remedy: What to do where the token may not.
    """

    def __init__(self, host: str, url: str, headers: Mapping[str, str], remedy: str) -> None:
        self.host = host
        self.url = url.rstrip("/")
        self._headers = {"User-Agent": f"kitaru-iac/{__version__}", **headers}
        self._remedy = remedy
        self._session: requests.Session | None = None

    def at(self, url: str) -> Api:
        """Give the same client for another address of the same host."""
        return Api(self.host, url, self._headers, self._remedy)

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Json:
        """Read what is at a path; raises `HostError`."""
        return self._document(self._send("GET", path, query=query, is_read=True))

    def pages(self, path: str, query: Mapping[str, str] | None = None) -> Iterator[Json]:
        """Read the items of a list, page after page; raises `HostError`."""
        asked = {"per_page": "100", **(query or {})}
        for page in range(1, _MOST_PAGES + 1):
            answer = self._send("GET", path, query={**asked, "page": str(page)}, is_read=True)
            items = self._document(answer)
            if not isinstance(items, list):
                raise self._error(f"GET {path}", "it did not answer with a list")
            yield from items
            if len(items) < int(asked["per_page"]):
                return
        raise self._error(f"GET {path}", f"there are more than {_MOST_PAGES} pages")

    def post(self, path: str, document: Json, *, is_read: bool = False) -> Json:
        """Send a new document; raises `HostError`."""
        return self._document(self._send("POST", path, document, is_read=is_read))

    def put(self, path: str, document: Json) -> Json:
        """Send a changed document; raises `HostError`."""
        return self._document(self._send("PUT", path, document))

    def patch(self, path: str, document: Json) -> Json:
        """Send a change; raises `HostError`."""
        return self._document(self._send("PATCH", path, document))

    def delete(self, path: str) -> None:
        """Delete what is at a path, if it is there; raises `HostError`."""
        self._send("DELETE", path, absent_is_fine=True)

    # -- inside -----------------------------------------------------------------------------------

    def _send(
        self,
        method: str,
        path: str,
        document: Json = None,
        *,
        query: Mapping[str, str] | None = None,
        is_read: bool = False,
        absent_is_fine: bool = False,
    ) -> requests.Response:
        asked = f"{method} {path}"
        pauses = iter((1.0, 2.0))
        while True:
            answer = self._once(method, path, document, query, asked, is_read=is_read)
            wait = _wanted(answer, next(pauses, None))
            if answer.status_code not in _BUSY or not is_read or wait is None:
                break
            time.sleep(wait)
        if answer.status_code < 300 or (absent_is_fine and answer.status_code in (404, 410)):
            return answer
        raise self._refused(asked, answer)

    def _once(
        self,
        method: str,
        path: str,
        document: Json,
        query: Mapping[str, str] | None,
        asked: str,
        *,
        is_read: bool,
    ) -> requests.Response:
        import requests

        session = self._session = self._session or requests.Session()
        try:
            return session.request(
                method,
                self.url + path,
                params=query,
                json=document,
                headers=self._headers,
                timeout=(_CONNECT, _READ),
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise self._away(asked, error, is_read=is_read) from error

    def _document(self, answer: requests.Response) -> Json:
        if not answer.content:
            return None
        try:
            found: Json = answer.json()
        except ValueError:
            path = answer.request.path_url.partition("?")[0]
            raise self._error(
                f"{answer.request.method} {path}", "it did not answer in JSON"
            ) from None
        return found

    def _away(self, asked: str, error: Exception, *, is_read: bool) -> HostError:
        import requests

        why = (
            "no answer came in time"
            if isinstance(error, requests.Timeout)
            else type(error).__name__
        )
        if not is_read and not isinstance(error, requests.ConnectTimeout):
            why += "; it may have done what was asked"
        return self._error(asked, why)

    def _refused(self, asked: str, answer: requests.Response) -> HostError:
        said = None
        try:
            document = answer.json()
            said = document.get("message") or document.get("error")
        except (ValueError, AttributeError):
            pass
        why = f"{answer.status_code} {answer.reason}"
        if said:
            why += f": {redaction.text(str(said))[:500]}"
        return self._error(
            asked, why, self._remedy if answer.status_code in (401, 403, 404) else None
        )

    def _error(self, asked: str, why: str, remedy: str | None = None) -> HostError:
        where = redaction.url(self.url)
        return HostError(f"{self.host} did not take {asked}", where=where, why=why, remedy=remedy)


def _wanted(answer: requests.Response, pause: float | None) -> float | None:
    """How many seconds to wait before it is asked again; None for no more."""
    if pause is None:
        return None
    said = answer.headers.get("Retry-After", "")
    wanted = float(said) if said.isdigit() else pause
    return wanted if wanted <= _LONGEST_PAUSE else None
