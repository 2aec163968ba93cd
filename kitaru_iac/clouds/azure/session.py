"""Asking Azure Resource Manager and Blob Storage as one identity, with answers told apart.

Resource Manager is asked over REST, through azure-core's pipeline: the management SDKs that ZenML
accepts reach years back, and drop the properties that their API version does not know (a registry's
role assignment mode). Here each call names its own version. Denied, absent, no credentials and no
answer come out as the kinds of `ProbeError`, by status and error code.

Resource Manager decides whether one may ask before it looks whether the thing exists: 403 is said
of absent things and misspelt groups too (https://github.com/Azure/azure-powershell/issues/12115).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from kitaru_iac.checks.probes import WORKERS, NoCredentials, Skipped, Unavailable
from kitaru_iac.clouds.azure.answers import arm_error, blob_error, caller, error_of, refused
from kitaru_iac.clouds.azure.commands import az
from kitaru_iac.clouds.azure.observations import Caller, Raw, raws, subscription_of, text
from kitaru_iac.errors import MissingPackages
from kitaru_iac.spec.credentials import Credentials

if TYPE_CHECKING:
    from azure.core import PipelineClient
    from azure.core.credentials import TokenCredential
    from azure.core.rest import HttpRequest, HttpResponse
    from azure.storage.blob import ContainerClient

__all__ = ["AzureAccess", "require_azure"]

_ARM = "https://management.azure.com"
#: The application of Entra that stands for the API of every cluster of AKS.
#: https://learn.microsoft.com/azure/aks/kubelogin-authentication
_AKS = "6dae42f8-4368-4678-94ff-3960e28e3630/.default"
_BLOBS = "blob.core.windows.net"
#: One more attempt where Azure had no time; what Azure asks us to wait for must fit into the limit.
_ATTEMPTS = 2
_PAUSE = 0.2
#: Pages of a listing that are read; a thousand registries are not a question of patience.
_PAGES = 50
_BUSY = {408, 429, 500, 502, 503, 504}


def require_azure() -> None:
    """Make sure that Azure can be asked at all.

    Raises:
        MissingPackages: Azure's packages are not installed.
    """
    try:
        import azure.core.rest
        import azure.identity
        import azure.storage.blob  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingPackages(
            "The Azure packages are not installed",
            why=f"Checking Azure needs azure-identity and azure-storage-blob ({error})",
            remedy="pip install 'kitaru-iac[azure]'",
        ) from error


class AzureAccess:
    """One identity, shared by all probes of one run.

    Args:
        credentials: The description's; None for this process's own, as `DefaultAzureCredential`
            finds them.
        timeout: Seconds that one answer may take, its second attempt included.
    """

    def __init__(self, credentials: Credentials | None, timeout: float = 15.0) -> None:
        self._given = credentials
        self._timeout = timeout
        self._token = ""
        self._credential: TokenCredential | None = None
        self._client: PipelineClient[HttpRequest, HttpResponse] | None = None

    @property
    def timeout(self) -> float:
        """Seconds that one answer may take."""
        return self._timeout

    @property
    def described_as(self) -> str:
        """Whose credentials are used, in words; without secrets."""
        if self._given is None:
            return "this process's own Azure credentials"
        return str(self._given)

    def open(self) -> Caller:
        """Get a token for Resource Manager.

        Raises:
            NoCredentials: There are none, or Entra refuses them.
            Unavailable: Entra gives no usable answer.
        """
        from azure.core.exceptions import AzureError, ClientAuthenticationError

        # Without a handler of its own, Python would print the SDK's warnings among our lines.
        log = logging.getLogger("azure")
        if not log.handlers:
            log.addHandler(logging.NullHandler())
        try:
            self._credential = self._make_credential()
            self._token = self._credential.get_token(f"{_ARM}/.default").token
        except ClientAuthenticationError as error:
            raise refused(error) from error
        except (AzureError, OSError, ValueError, KeyError) as error:
            raise Unavailable(
                f"Entra gave no usable answer about the credentials: {type(error).__name__}",
                "Look again later.",
            ) from error
        self._client = self._make_client()
        return caller(self._token)

    def close(self) -> None:
        """Close the connections that are kept alive; a question under way ends with them."""
        for opened in (self._client, self._credential):
            if opened is not None:
                opened.close()  # type: ignore[union-attr]  # each class of azure-identity has it

    def get(self, path: str, version: str, *, about: str, **query: str) -> Raw:
        """Read one thing of Resource Manager.

        Args:
            path: Its id, or a listing below one, from ``/subscriptions`` on.
            version: The API version.
            about: What it is about, for the words of an error.
            **query: More of the query, as ``filter`` for ``$filter``.

        Raises:
            ProbeError: Of the kind that the status and the error's code say.
        """
        parameters = {"api-version": version, **{f"${key}": value for key, value in query.items()}}
        return self._ask(_url(path, about), parameters, about)

    def resource(self, path: str, version: str, *, about: str) -> Raw:
        """Read a resource by its id. Raises as `get`, and where the answer is about another one."""
        found = self.get(path, version, about=about)
        if (text(found, "id") or "").lower().rstrip("/") != path.lower().rstrip("/"):
            raise Unavailable(f"what was answered about {about} is about something else")
        return found

    def list(self, path: str, version: str, *, about: str, **query: str) -> tuple[Raw, ...]:
        """Read all pages of a listing. Raises as `get`."""
        page = self.get(path, version, about=about, **query)
        found = list(raws(page, "value"))
        for _ in range(_PAGES):
            following = text(page, "nextLink")
            if not following:
                return tuple(found)
            if not following.startswith(f"{_ARM}/"):
                # The token goes to Resource Manager and nobody else.
                raise Unavailable(f"the listing of {about} goes on at another host")
            page = self._ask(following, {}, about)
            found += raws(page, "value")
        raise Unavailable(f"the listing of {about} has more than {_PAGES} pages")

    def question(self, path: str, version: str, body: Raw, *, about: str) -> Raw:
        """Ask Resource Manager something that it takes as a POST, and that changes nothing.

        Raises as `get`.
        """
        return self._ask(_url(path, about), {"api-version": version}, about, body)

    def aks_token(self) -> str:
        """Give a token that the API of a cluster guarded by Entra takes.

        Raises:
            Skipped: Entra refuses one: waiting does not help.
            Unavailable: Entra gives none.
        """
        from azure.core.exceptions import AzureError, ClientAuthenticationError

        assert self._credential is not None, "not opened"
        try:
            return self._credential.get_token(_AKS).token
        except ClientAuthenticationError as error:
            found = refused(error)
            if isinstance(found, Unavailable):
                raise found from error
            raise Skipped(  # by a policy, or without the application: those for Azure itself work
                f"Entra gave no token for clusters of AKS: {found.why}",
                az("account", "get-access-token", scope=_AKS),
            ) from error
        except (AzureError, OSError, ValueError, KeyError) as error:
            raise Unavailable(
                f"Entra gave no token for clusters of AKS: {type(error).__name__}",
                "Look again later.",
            ) from error

    def holds_blobs(self, account: str, container: str) -> bool:
        """Say whether a container holds a blob, or an old version of one. Raises as `get`."""
        from azure.core.exceptions import AzureError, HttpResponseError

        about = f"the blobs of the container {container} in {account}"
        try:
            with self._container(account, container) as client:
                found = client.list_blobs(include=["versions"], results_per_page=1)
                return next(iter(found), None) is not None
        except HttpResponseError as error:
            raise blob_error(error, about) from error
        except (AzureError, OSError) as error:
            raise Unavailable(
                f"{account}.{_BLOBS} does not answer ({type(error).__name__})"
            ) from error

    def touch_container(self, account: str, container: str) -> None:
        """Ask Blob Storage itself for a container's properties, as ZenML's own reads do.

        Raises:
            NotFound: The account has no such container.
            Denied: Its roles do not let this identity.
            Skipped: The account's firewall does not let this machine.
            Unavailable: No usable answer; no such account is one of the reasons.
        """
        from azure.core.exceptions import AzureError, HttpResponseError

        about = f"the container {container} in {account}"
        try:
            with self._container(account, container) as client:
                seen = client.get_container_properties()
        except HttpResponseError as error:
            raise blob_error(error, about) from error
        except (AzureError, OSError) as error:
            raise Unavailable(
                f"{account}.{_BLOBS} does not answer ({type(error).__name__}): there is no such "
                "account, or this machine's network does not reach it",
            ) from error
        if not seen.etag:
            raise Unavailable(f"what was answered about {about} is no container's")

    def _container(self, account: str, container: str) -> ContainerClient:
        from azure.storage.blob import ContainerClient

        return ContainerClient(
            f"https://{account}.{_BLOBS}",
            container,
            credential=self._credential,
            retry_total=_ATTEMPTS - 1,
            initial_backoff=_PAUSE,  # not the SDK's 15 s, give or take 3
            random_jitter_range=_PAUSE,
            connection_timeout=min(5.0, self._timeout),
            read_timeout=self._timeout,
        )

    def _make_credential(self) -> TokenCredential:
        from azure.identity import ClientSecretCredential, DefaultAzureCredential

        limits = {
            "connection_timeout": min(5.0, self._timeout),
            "read_timeout": self._timeout,
            "retry_total": _ATTEMPTS - 1,
        }
        given = self._given
        if given is None or given.kind == "azure-managed-identity":
            # What ZenML's connector takes for both (`AzureAuthenticationMethods.IMPLICIT`).
            return DefaultAzureCredential(process_timeout=max(1, int(self._timeout)), **limits)
        if given.kind == "azure-service-principal":
            return ClientSecretCredential(
                given.values["tenant_id"],
                given.values["client_id"],
                str(given.secrets["client_secret"]),
                **limits,
            )
        raise NoCredentials(f"{given.kind} are no credentials of Azure", "az login")

    @staticmethod
    def _make_client() -> PipelineClient[HttpRequest, HttpResponse]:
        from azure.core import PipelineClient
        from azure.core.pipeline.policies import UserAgentPolicy
        from azure.core.pipeline.transport import RequestsTransport

        transport = RequestsTransport()
        transport.open()
        for adapter in transport.session.adapters.values():
            adapter.init_poolmanager(WORKERS, WORKERS)  # one connection for each probe
        # No policy that logs, retries, or follows redirects with the token.
        return PipelineClient(_ARM, policies=[UserAgentPolicy("kitaru-iac")], transport=transport)

    def _ask(
        self, url: str, parameters: Mapping[str, str], about: str, given: Raw | None = None
    ) -> Raw:
        end = time.monotonic() + self._timeout
        attempt = 1
        while True:
            status, headers, body = self._send(
                url, parameters, about, end - time.monotonic(), given
            )
            if status == 200 and isinstance(body, Mapping):
                return body
            if status not in _BUSY:
                path = url.removeprefix(_ARM).partition("?")[0]
                raise arm_error(status, body, about, subscription_of(path))
            pause = _seconds(headers.get("Retry-After"))
            if attempt == _ATTEMPTS or time.monotonic() + pause >= end:
                code, _ = error_of(body)
                what = "throttled the question" if status == 429 else f"answered {status}"
                raise Unavailable(f"Azure {what} about {about} ({code})", "Look again later.")
            time.sleep(pause)
            attempt += 1

    def _send(
        self,
        url: str,
        parameters: Mapping[str, str],
        about: str,
        patience: float,
        given: Raw | None,
    ) -> tuple[int, Mapping[str, str], object]:
        from azure.core.exceptions import AzureError
        from azure.core.rest import HttpRequest

        request = HttpRequest(
            "GET" if given is None else "POST",
            url,
            params=dict(parameters),
            json=given,
            headers={"Authorization": f"Bearer {self._token}", "Accept": "application/json"},
        )
        patience = max(0.1, patience)
        try:
            assert self._client is not None, "not opened"
            answer = self._client.send_request(
                request, connection_timeout=min(5.0, patience), read_timeout=patience
            )
        except (AzureError, OSError) as error:
            raise Unavailable(
                f"Azure gave no answer about {about}: {type(error).__name__}", "Look again later."
            ) from error
        try:
            body: object = answer.json()
        except (ValueError, AzureError):
            body = None
        return int(answer.status_code), answer.headers, body


def _url(path: str, about: str) -> str:
    if not path.startswith("/"):
        raise Unavailable(f"what Azure calls {about} is no id")  # it would be another host
    return f"{_ARM}{path}"


def _seconds(retry_after: str | None) -> float:
    """The pause that Azure asks for; a date, or nothing, is a short one."""
    try:
        return max(_PAUSE, float(retry_after or _PAUSE))
    except ValueError:
        return _PAUSE
