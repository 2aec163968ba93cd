"""A ZenML server before ZenML is told about it: is it one, which, and does it let us in.

Every answer is waited for no longer than a given time, whatever the network does. Nothing here
imports ZenML or writes anything.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from kitaru_iac import redaction
from kitaru_iac.errors import (
    KitaruError,
    NotAllowedError,
    NotConnectedError,
    NotFoundError,
    UsageError,
)
from kitaru_iac.gateway import answers
from kitaru_iac.gateway.http import HttpClient, Json, Response, Timeouts
from kitaru_iac.gateway.routes import parsed
from kitaru_iac.gateway.versions import could_be_version
from kitaru_iac.machine.active_scope import canonical_id
from kitaru_iac.machine.server_address import likely_address, server_address, without_page
from kitaru_iac.machine.server_login import Login
from kitaru_iac.machine.unreadable import UnreadableError
from kitaru_iac.redaction import SecretText
from kitaru_iac.values import dataclass

__all__ = ["Refused", "Server", "ServerInfo", "server_url"]

_API: Final = "/api/v1"
_FORBIDDEN: Final = 403
_UNAUTHORIZED: Final = (401, _FORBIDDEN)
#: Seconds for all answers together.
_WHOLE = 30.0


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What a ZenML server says about itself.

    Attributes:
        version: The version of ZenML it runs.
        name: Its name, if it has one.
        needs_login: Whether it wants to know who we are.
        pro_api_url: Of a ZenML Pro workspace: where its logins are made.
    """

    version: str
    name: str | None
    needs_login: bool
    pro_api_url: str | None = None


class Refused(Exception):
    """The server answered with an error.

    Attributes:
        status: The HTTP status.
        body: The answer, where it is a JSON mapping.
        response: All of it.
    """

    def __init__(self, response: Response, body: Mapping[str, Json]) -> None:
        self.status = response.status
        self.body = body
        self.response = response
        super().__init__(f"HTTP status {self.status}")

    def said(self, name: str) -> str:
        """Give a text of the answer as it may be shown; empty where there is none."""
        text = self.body.get(name)
        return answers.quoted(text, self.response) if isinstance(text, str) else ""


def server_url(text: str) -> str:
    """Give the URL of a server as ZenML keeps it.

    Raises:
        UsageError: It is not the URL of a server, or has a password in it.
    """
    url = text.strip()
    shown = redaction.url(url)
    scheme, sign, _ = url.partition("://")
    if scheme.lower() not in ("http", "https") or not sign:
        likely = likely_address(url)
        raise UsageError(
            f"'{shown}' is not the URL of a server",
            where="URL",
            remedy=f"Did you mean {likely}?" if likely else "Begin with https://.",
        )
    parts = parsed(url)
    if parts is None:
        raise UsageError(f"'{shown}' names no host, or its port is not a number", where="URL")
    if parts.username or parts.password:
        raise UsageError(
            "The URL holds a user or a password",
            where="URL",
            why="ZenML servers take an API key, and a URL ends up in logs",
            remedy="Leave it out and give the key with --api-key env:NAME.",
        )
    return server_address(url)


class Server:
    """One server.

    Args:
        url: As `server_url` gives it.
        verify_ssl: False, True, or the path or text of a bundle of certificates.
        timeout: Seconds for each answer, from the first attempt to its last byte. All answers
            together have 30 seconds, or so many if they are more; see `begin_again`.

    Raises:
        UnreadableError: Only ZenML knows the way to it: a SOCKS proxy, a login in the URL.
        NotConnectedError: The URL, the proxy or the certificates cannot be used.
    """

    def __init__(self, url: str, *, verify_ssl: bool | str = True, timeout: float = 15) -> None:
        self.url = url
        self._client = HttpClient(
            url, verify=verify_ssl, timeouts=Timeouts(timeout, timeout, total=timeout)
        )
        self._whole = max(_WHOLE, timeout)
        self.begin_again()

    def begin_again(self) -> None:
        """Give all answers from now on the whole time: a person was waited for."""
        self._client.ends = time.monotonic() + self._whole

    def __repr__(self) -> str:
        return f"Server({self._client.shown!r})"

    def info(self) -> ServerInfo:
        """Ask what it is.

        Raises:
            NotConnectedError: It does not answer, or is no ZenML server.
        """
        try:
            answer = self.get("/info")
        except Refused as error:
            why = f"{self.url}{_API}/info answered with the HTTP status {error.status}"
            raise self._not_zenml(why) from error
        version = answer.get("version") if isinstance(answer, dict) else None
        if not isinstance(answer, dict) or "auth_scheme" not in answer:
            raise self._not_zenml(f"{self.url}{_API}/info does not answer as one")
        if not could_be_version(version):
            raise self._not_zenml(f"{self.url}{_API}/info does not answer as one")
        return ServerInfo(
            version=str(version),
            name=_text(answer, "name"),
            needs_login=answer["auth_scheme"] != "NO_AUTH",
            pro_api_url=_text(answer, "pro_api_url"),
        )

    def login(self, api_key: str) -> Mapping[str, Json]:
        """Get a token for an API key, and use it from now on.

        Returns:
            The server's answer with ``access_token``.

        Raises:
            NotAllowedError: The server does not accept the key.
        """
        return self.log_in(Login(api_key=SecretText(api_key)))

    def log_in(self, login: Login) -> Mapping[str, Json]:
        """Get a token for a key or a user's password, and use it; as `login`."""
        try:
            answer = self.post("/login", login.form())
        except Refused as error:
            if error.status in (*_UNAUTHORIZED, 400, 422):
                raise NotAllowedError(
                    f"The server {self.url} does not accept the API key",
                    why=answers.by_another(error.response),
                    remedy="Check that the key is complete, active and for this server.",
                ) from error
            raise self._failed(error) from error
        self.use_token(self.field(answer, "access_token"))
        return answer if isinstance(answer, dict) else {}

    def use_token(self, token: str) -> SecretText:
        """Send this token from now on."""
        self._client.use_token(token)
        return SecretText(token)

    def user(self) -> str:
        """Ask for the name of who we are there.

        Raises:
            NotAllowedError: It does not know us.
        """
        try:
            return self.field(self.get("/current-user"), "name")
        except Refused as error:
            raise self._failed(error) from error

    def project(self, ref: str) -> tuple[str, str]:
        """Ask for the id and name of a project, by either.

        Raises:
            NotFoundError: There is none that we may see.
        """
        try:
            found = self.get(f"/projects/{quote(ref, safe='')}")
        except Refused as error:
            if error.status == _FORBIDDEN or _says_none(error):
                raise NotFoundError(
                    f"The server has no project '{ref}' that you may use",
                    remedy=self._projects_words(),
                ) from error
            raise self._failed(error) from error
        return self.field(found, "id"), self.field(found, "name")

    def _projects_words(self) -> str | None:
        try:
            page = self.get("/projects")
            items = page.get("items") if isinstance(page, dict) else None
            names = [self.field(item, "name") for item in items or ()]
        except (Refused, KitaruError, TypeError):
            return None
        return f"There are: {', '.join(sorted(names)[:20])}" if names else None

    def default_project_id(self) -> str | None:
        """Ask for the id of the project that the user's commands work in by default, if any."""
        try:
            answer = self.get("/current-user")
        except Refused as error:
            raise self._failed(error) from error
        body = answer.get("body") if isinstance(answer, dict) else None
        return _text(body, "default_project_id") if isinstance(body, dict) else None

    def only_project(self) -> tuple[str, str] | None:
        """Ask for the id and name of the project that we may see; None where it is not just one."""
        try:
            page = self.get("/projects")
        except Refused as error:
            if error.status == _FORBIDDEN:
                return None
            raise self._failed(error) from error
        items = page.get("items") if isinstance(page, dict) else None
        if not isinstance(items, list) or len(items) != 1:
            return None
        return self.field(items[0], "id"), self.field(items[0], "name")

    def default_stack(self) -> str:
        """Ask for the id of the stack that every server has.

        Raises:
            NotFoundError: It has none.
        """
        try:
            page = self.get("/stacks?name=default&size=1")
        except Refused as error:
            raise self._failed(error) from error
        items = page.get("items") if isinstance(page, dict) else None
        if not isinstance(items, list) or not items:
            raise NotFoundError(f"The server {self.url} has no default stack")
        return self.field(items[0], "id")

    def stack_name(self, ref: str) -> str | None:
        """Ask for the name of the stack with this id, or of this name; None if there is none.

        Raises:
            Refused: We may not read it.
        """
        uuid = canonical_id(ref)
        try:
            if uuid is not None:
                return self.field(self.get(f"/stacks/{uuid}"), "name")
            page = self.get(f"/stacks?name={quote(f'equals:{ref}', safe='')}&size=1")
        except Refused as error:
            if _says_none(error):
                return None
            if error.status == _FORBIDDEN:
                raise
            raise self._failed(error) from error
        items = page.get("items") if isinstance(page, dict) else None
        if not isinstance(items, list) or not items:
            return None
        name = self.field(items[0], "name")
        return name if name == ref else None  # a database may compare names without case

    # -- HTTP -------------------------------------------------------------------------------------

    def get(self, path: str) -> Json:
        """Give the JSON answer to a GET of the API.

        Raises:
            Refused: The server answered with an error.
            NotConnectedError: It did not answer.
        """
        return self._document(path, self._client.get(_API + path))

    def post(
        self, path: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> Json:
        """Give the JSON answer to a POST of a form; raises as `get` does."""
        response = self._client.request(
            # What logs in changes nothing that a second time would change.
            "POST",
            _API + path,
            form=form,
            headers=headers,
            is_read=True,
        )
        return self._document(path, response)

    def _document(self, path: str, response: Response) -> Json:
        try:
            found = response.document()
        except UnreadableError as error:
            if not response.is_success:
                raise Refused(response, {}) from None
            why = f"{self.url}{_API}{path} answers with {error}"
            raise self._not_zenml(why) from error
        if not response.is_success:
            raise Refused(response, found if isinstance(found, dict) else {})
        return found

    def field(self, answer: Json, name: str) -> str:
        """Give a text of an answer that has to be there.

        Raises:
            NotConnectedError: It is not.
        """
        if not isinstance(answer, dict) or not isinstance(answer.get(name), str):
            raise self._not_zenml(f"An answer has no `{name}`")
        return str(answer[name])

    # -- errors -----------------------------------------------------------------------------------

    def _not_zenml(self, why: str) -> NotConnectedError:
        host = without_page(self.url)
        return NotConnectedError(
            f"What answers at {self.url} is not a ZenML server",
            why=why,
            remedy=f"Did you mean {host}?" if host else "Check the URL.",
        )

    def _failed(self, error: Refused) -> KitaruError:
        if error.status == _FORBIDDEN:  # another login is no remedy: this one is known
            return answers.refusal(error.response)
        if error.status in _UNAUTHORIZED:
            return NotAllowedError(
                f"The server {self.url} does not accept the login",
                why=answers.by_another(error.response),
                remedy=f"Log in again: kitaru login {self.url}",
            )
        return NotConnectedError(
            f"The server {self.url} cannot answer now", why=f"HTTP status {error.status}"
        )


def _says_none(error: Refused) -> bool:
    """Whether ZenML says that there is none. Where the path itself is missing it does not."""
    if error.status == 404:
        return isinstance(answers.refusal(error.response), NotFoundError)
    return error.status == 422


def _text(answer: Mapping[str, Json], name: str) -> str | None:
    found = answer.get(name)
    return str(found) if found else None
