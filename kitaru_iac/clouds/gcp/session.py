"""Asking Google Cloud as the description's identity, with answers told apart.

Storage, Artifact Registry and GKE are asked through their SDKs, as ZenML does; for what it brings
no SDK of (projects, services, service accounts, roles, Vertex, keys), Google's REST is asked over
google-auth's own transport. `answers` says which `ProbeError` an answer stands for.
"""

from __future__ import annotations

import json
import logging
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

from kitaru_iac.checks.probes import NoCredentials, ProbeError, Unavailable
from kitaru_iac.clouds.gcp.answers import Transient, failed, refused, translated
from kitaru_iac.clouds.gcp.observations import Caller
from kitaru_iac.errors import MissingPackages
from kitaru_iac.spec.credentials import Credentials

__all__ = ["GcpAccess", "require_google"]

T = TypeVar("T")
Raw = Mapping[str, Any]
_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
#: Seconds to wait before the second and last try of a question that was throttled or got no answer.
_PAUSE = 0.5


def require_google() -> None:
    """Make sure that Google Cloud can be asked at all.

    Raises:
        MissingPackages: Its packages are not installed.
    """
    try:
        # Each warns of Python versions that it will not support for ever, on our stderr.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            import google.auth
            import google.cloud.artifactregistry_v1
            import google.cloud.container_v1
            import google.cloud.storage  # noqa: F401
    except ImportError as error:
        raise MissingPackages(
            "The Google Cloud packages are not installed",
            why=f"Checking Google Cloud needs them ({error})",
            remedy="pip install 'kitaru-iac[gcp]'",
        ) from error


class GcpAccess:
    """Google Cloud as one identity: credentials and clients, shared by all probes of one run.

    Args:
        credentials: The description's; None or ``implicit`` for the application default ones.
        project: The stack's project, which clients are made for.
        timeout: Seconds that one question may take, with its second try.
    """

    def __init__(
        self, credentials: Credentials | None, project: str | None, timeout: float = 15.0
    ) -> None:
        self._given = credentials
        self._project = project
        self._timeout = timeout
        self._credentials: Any = None
        self._clients: dict[str, Any] = {}
        self._closed = False
        self._lock = threading.Lock()

    @property
    def timeout(self) -> float:
        """Seconds that one question may take."""
        return self._timeout

    @property
    def described_as(self) -> str:
        """Whose credentials are used, in words; without secrets."""
        if self._given is None or self._given.kind == "implicit":
            return "this process's own Google credentials"
        return str(self._given)

    def open(self) -> Caller:
        """Find the credentials, and let Google give a token for them.

        Raises:
            NoCredentials: There are none, or Google refuses them.
            Unavailable: Whoever gives tokens does not answer.
        """
        from google.auth.transport.requests import Request

        self._closed = False
        try:
            self._credentials, project = self._found()
            request: Any = Request()
            self._credentials.refresh(partial(request, timeout=self._timeout))
            token = self._credentials.token
        except Exception as error:
            raise translated(error, self.described_as, None) from error
        if not isinstance(token, str) or not token:
            raise Unavailable("Google gave no access token for these credentials")
        return Caller(_email(self._credentials), type(self._credentials).__name__, project)

    def close(self) -> None:
        """Close the connections that are kept alive; a question under way ends with them.

        None is taken until it is opened again: what was left asking when a run gave up on it would
        open ones that nobody closes.
        """
        self._closed = True
        clients, self._clients = self._clients, {}  # without waiting for the making of another one
        for client in clients.values():
            getattr(client, "transport", client).close()

    def token(self) -> str:
        """The access token with which this identity is known, as `open` got it."""
        return str(self._credentials.token)

    def rest(
        self,
        method: str,
        url: str,
        *,
        about: str,
        permission: str | None,
        body: Mapping[str, object] | None = None,
        params: Mapping[str, object] | None = None,
    ) -> Raw:
        """Ask one of Google's REST APIs.

        Args:
            method: Of HTTP.
            url: Where.
            about: What it is about, for the words of an error.
            permission: What the caller needs for it; None if nothing.
            body: Sent as JSON.
            params: The query.

        Returns:
            The JSON object that was answered.

        Raises:
            ProbeError: Of the kind that the answer says.
        """
        session = self._client("rest", self._make_session)

        def ask(seconds: float) -> Raw:
            answer = session.request(
                method,
                url,
                json=body,
                params=params,
                timeout=(min(5.0, seconds), seconds),
                max_allowed_time=seconds,
                allow_redirects=False,
            )
            found = _json(answer)
            if answer.status_code != 200:
                pause = answer.headers.get("Retry-After")
                raise refused(answer.status_code, found, about, permission, pause)
            if found is None:
                host = urlsplit(url).hostname
                raise Unavailable(f"the answer of {host} about {about} could not be understood")
            return found

        return self._asked(ask, about, permission)

    def storage(self, call: Callable[[Any, float], T], *, about: str, permission: str | None) -> T:
        """Call something of a client of Cloud Storage, with the seconds that it may take.

        Raises as `rest`.
        """
        client = self._client("storage", self._make_storage)
        return self._asked(lambda seconds: call(client, seconds), about, permission)

    def registry(self, call: Callable[[Any, float], T], *, about: str, permission: str | None) -> T:
        """The same of a client of Artifact Registry."""
        client = self._client("registry", self._make_registry)
        return self._asked(lambda seconds: call(client, seconds), about, permission)

    def clusters(self, call: Callable[[Any, float], T], *, about: str, permission: str | None) -> T:
        """The same of a client of GKE."""
        client = self._client("clusters", self._make_clusters)
        return self._asked(lambda seconds: call(client, seconds), about, permission)

    def _asked(self, ask: Callable[[float], T], about: str, permission: str | None) -> T:
        """Ask, and once more where it was throttled or nobody answered and there is time."""
        end = time.monotonic() + self._timeout
        try:
            return self._once(ask, end, about, permission)
        except Transient as error:
            pause = max(_PAUSE, error.pause or 0.0)
            if time.monotonic() + pause >= end:
                raise
            time.sleep(pause)
        return self._once(ask, end, about, permission)

    def _once(self, ask: Callable[[float], T], end: float, about: str, permission: str | None) -> T:
        try:
            return ask(max(0.1, end - time.monotonic()))
        except ProbeError:
            raise
        except Exception as error:
            raise translated(error, about, permission) from error

    # --- credentials

    def _found(self) -> tuple[Any, str | None]:
        given = self._given
        kind = "implicit" if given is None else given.kind
        if (
            given is None
            or kind == "implicit"
            or given.values.get("source") == ("application-default")
        ):
            return _default()
        if kind not in {"gcp-service-account", "gcp-workload-identity", "gcp-impersonate"}:
            raise NoCredentials(
                f"{kind} are no credentials of Google Cloud",
                "Give --credentials gcp-service-account:FILE",
            )
        if "service_account_json" not in given.secrets:
            return self._external(json.loads(str(given.secrets["external_account_json"]))), None
        return self._of_key(json.loads(str(given.secrets["service_account_json"])), given)

    def _of_key(self, info: dict[str, Any], given: Credentials) -> tuple[Any, str | None]:
        from google.auth import impersonated_credentials
        from google.oauth2 import service_account

        load: Any = service_account.Credentials.from_service_account_info
        try:
            key = load(info, scopes=_SCOPES)
        except ValueError as error:  # its text may quote the key
            raise NoCredentials(
                "the service account's key cannot be read", "Give the file as Google made it."
            ) from failed(error)
        project = str(info.get("project_id")) if info.get("project_id") else None
        if given.kind != "gcp-impersonate":
            return key, project
        impersonate: Any = impersonated_credentials.Credentials
        target = given.values["target_principal"]
        return impersonate(key, target_principal=target, target_scopes=list(_SCOPES)), project

    @staticmethod
    def _external(info: dict[str, Any]) -> Any:
        """An external account's credentials, of whichever source its file names."""
        from google.auth import aws, identity_pool, pluggable

        source = info.get("credential_source") or {}
        kind: Any = identity_pool.Credentials
        if info.get("subject_token_type") == "urn:ietf:params:aws:token-type:aws4_request":
            kind = aws.Credentials
        elif "executable" in source:
            kind = pluggable.Credentials
        return kind.from_info(info, scopes=_SCOPES)

    # --- clients

    def _client(self, name: str, make: Callable[[], Any]) -> Any:
        found = self._clients.get(name)
        if found is None:
            with self._lock:
                found = self._clients.get(name)
                if found is None:
                    found = self._clients[name] = make()
        if self._closed:  # perhaps while it was made, which takes a moment; it has no connection
            raise Unavailable("it was not asked: the checks have ended")
        return found

    def _make_session(self) -> Any:
        from google.auth.transport.requests import AuthorizedSession

        make: Any = AuthorizedSession
        return make(self._credentials)

    def _make_storage(self) -> Any:
        from google.cloud import storage

        return storage.Client(project=self._project or "-", credentials=self._credentials)

    def _make_registry(self) -> Any:
        from google.cloud import artifactregistry_v1

        return artifactregistry_v1.ArtifactRegistryClient(credentials=self._credentials)

    def _make_clusters(self) -> Any:
        from google.cloud import container_v1

        return container_v1.ClusterManagerClient(credentials=self._credentials)


def _default() -> tuple[Any, str | None]:
    """The application default credentials, without what google-auth writes beside them.

    It warns of a person's login that has no quota project, and logs that it found no project: both
    would stand between our lines. Where that matters the checks say so themselves.
    """
    import google.auth

    logger = logging.getLogger("google.auth._default")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            found, project = google.auth.default(scopes=_SCOPES)
    finally:
        logger.setLevel(level)
    return found, project


def _json(answer: Any) -> Raw | None:
    try:
        found = answer.json()
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _email(credentials: Any) -> str | None:
    """The address of the account behind credentials, where they tell it without being asked."""
    for name in ("service_account_email", "account"):
        found = getattr(credentials, name, None)
        if isinstance(found, str) and "@" in found:
            return found
    return None
