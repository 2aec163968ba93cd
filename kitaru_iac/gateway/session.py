"""The API of one ZenML server, asked with the login that is stored for it.

For several threads at once: each request has a connection of its own, which is kept for the next.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Final

from kitaru_iac.errors import NotConnectedError
from kitaru_iac.gateway import answers
from kitaru_iac.gateway.errors import login_refused
from kitaru_iac.gateway.guards import time_of
from kitaru_iac.gateway.http import HttpClient, Json, Query, Response, Timeouts
from kitaru_iac.gateway.watch import Silence
from kitaru_iac.machine.server_login import Login, remember_token
from kitaru_iac.machine.store_location import RestStore
from kitaru_iac.values import replace

__all__ = ["API", "Session"]

#: Where a server's API begins.
API: Final = "/api/v1"
_NOT_LOGGED_IN: Final = 401
_REFUSED: Final = (400, 401, 403, 422)
_STATUS: Final = "See what you are connected to with: kitaru status"


class Session:
    """Requests to one server. A token that it does not take is renewed once, with the stored key.

    All requests together do not wait much longer for a silent server than one alone: see `Silence`.

    Args:
        store: The server, and its login.
        environ: The environment variables, for proxies and authorities; this process's by default.

    Raises:
        UnreadableError: Only ZenML knows the way: a SOCKS proxy, a login in the URL.
        NotConnectedError: The URL, the proxy or the bundle of authorities cannot be used.
    """

    def __init__(self, store: RestStore, environ: Mapping[str, str] | None = None) -> None:
        self._store = store
        self._environ = os.environ if environ is None else environ
        self._login = store.login
        #: The time that the last answer told, and when it came.
        self._told = ("", 0.0)
        self._lock = threading.Lock()
        self._logging_in = threading.Lock()
        self._silence = Silence()
        self._idle: list[HttpClient] = [self._connection()]
        self.shown = self._idle[0].shown

    def __repr__(self) -> str:
        return f"Session({self.shown!r})"

    def close(self) -> None:
        """Close the connections; the next request opens another one."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        document: Json = None,
        patience: float | None = None,
        is_read: bool | None = None,
    ) -> Response:
        """Send a request of the API, and wait for the answer.

        Args:
            method: ``GET``, ``POST``, ``PUT`` or ``DELETE``.
            path: Below `API`, with a slash in front.
            query: Its parameters.
            document: The body.
            patience: Seconds to wait for the answer, where it may take longer than usual.
            is_read: Whether it changes nothing; by default a GET.

        Returns:
            The answer, of any status.

        Raises:
            NotConnectedError: No answer came, or none to those before, for so long that this one
                was not sent.
            AnswerLost: No answer came after a write was sent.
            NotAllowedError: The stored key is not accepted.
        """
        login = self._login
        if login.token is None and login.can_renew:
            login = self._renewed(login)

        def ask() -> Response:
            with self._client(login, patience) as client:
                found = client.request(
                    method, API + path, query=query, document=document, is_read=is_read
                )
            self._told = (found.headers.get("date", ""), time.time())
            return found

        response = ask()
        if response.status != _NOT_LOGGED_IN or not self._login.can_renew:
            return response
        if response.is_write and answers.by_another(response):
            return response  # who knows what it has handed on
        # What ZenML refuses with 401 was not done, so that a write may be sent again too.
        login = self._renewed(login)
        return ask()

    def now(self) -> datetime:
        """Give the time by the server's clock, as its last answer told it; else by this machine's.

        A date of HTTP has whole seconds: it is never ahead of the server's clock.
        """
        date, came = self._told
        told, here = time_of(date), time.time()
        with suppress(ValueError, OverflowError):
            return datetime.fromtimestamp(here if told is None else told + here - came, UTC)
        return datetime.fromtimestamp(here, UTC)

    # -- inside -----------------------------------------------------------------------------------

    def _connection(self, patience: float | None = None) -> HttpClient:
        seconds = patience if patience is not None else self._store.timeout
        return HttpClient(
            self._store.url,
            verify=self._store.verify,
            timeouts=Timeouts(connect=min(10, seconds), answer=seconds),
            environ=self._environ,
            hint=_STATUS,
            key=None if self._login.api_key is None else str(self._login.api_key),
        )

    def _idle_one(self) -> HttpClient:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return self._connection()

    @contextmanager
    def _client(self, login: Login, patience: float | None = None) -> Iterator[HttpClient]:
        is_kept = patience is None or patience <= self._store.timeout
        seconds = self._seconds(self._store.timeout if patience is None else patience)
        client = self._idle_one() if is_kept else self._connection(patience)
        began = time.monotonic()
        try:
            client.use_token(login.token)  # a kept client has the one of its last request
            client.ends = began + seconds
            yield client
        except NotConnectedError:
            self._silence.lasts(began, self._store.timeout)
            client.close()
            raise
        except BaseException:
            client.close()
            raise
        self._silence.ends()
        if not is_kept:
            client.close()
            return
        with self._lock:
            self._idle.append(client)

    def _seconds(self, alone: float) -> float:
        """The time of a request that alone has so many seconds.

        Raises:
            NotConnectedError: Those before have waited for an answer in vain; it is not sent.
        """
        seconds = self._silence.left(alone)
        if seconds is not None:
            return seconds
        raise NotConnectedError(
            "The ZenML server does not answer",
            where=self.shown,
            why=f"It was silent for {self._silence.waited:.0f} seconds, and is not asked any more",
            remedy=_STATUS,
        )

    def _renewed(self, used: Login) -> Login:
        """A login with a new token; the one that another thread has got meanwhile, if any."""
        with self._logging_in:
            if self._login.token != used.token and self._login.token is not None:
                return self._login
            self._login = replace(self._login, token=self._new_token())
            return self._login

    def _new_token(self) -> str:
        with self._client(Login()) as client:
            # What logs in changes nothing that a second time would change.
            response = client.request("POST", f"{API}/login", form=self._login.form(), is_read=True)
        if response.status in _REFUSED:
            raise login_refused(self.shown, why=answers.by_another(response))
        answer = answers.mapping(response)
        token = answer.get("access_token")
        if not isinstance(token, str) or not token:
            raise answers.not_an_answer(response, "It answered without an access token")
        remember_token(self._store.url, self._login, answer)
        return token
