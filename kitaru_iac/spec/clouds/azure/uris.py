"""Containers of Blob Storage and registries of Azure Container Registry."""

from __future__ import annotations

import re
from collections.abc import Mapping

from kitaru_iac.patterns import compiled
from kitaru_iac.spec import names
from kitaru_iac.spec.clouds.forms import (
    ArtifactStoreUri,
    CheckRegion,
    RegistryUri,
    StoreForm,
    joined,
)
from kitaru_iac.spec.kinds import Cloud
from kitaru_iac.spec.refusal import Refusal, UriError, shown
from kitaru_iac.values import dataclass

__all__ = ["BUCKET", "AcrUri", "AzureBlobUri", "read_registry"]

_HOST = compiled(r"(?P<account>[^.]*)\.(?:blob|dfs)\.core\.windows\.net")
_ACR = compiled(r"(?P<registry>[^.]*)\.azurecr\.(?P<domain>io|cn|us)")


@dataclass(frozen=True, slots=True)
class AzureBlobUri(ArtifactStoreUri):
    """``az://CONTAINER/PATH``, or with the account ``abfs://CONTAINER@ACCOUNT.dfs…/PATH``.

    Attributes:
        container: The blob container.
        path: Inside it; no slash at its ends; may be empty.
        account: The storage account, where the URI names it.
        scheme: ``az``, ``abfs`` or ``abfss``.
    """

    container: str
    path: str = ""
    account: str | None = None
    scheme: str = "az"

    def __str__(self) -> str:
        service = "blob" if self.scheme == "az" else "dfs"
        host = f"@{self.account}.{service}.core.windows.net" if self.account else ""
        return joined(f"{self.scheme}://{self.container}{host}", self.path)

    @property
    def cloud(self) -> Cloud:
        """Azure."""
        return Cloud.AZURE

    @property
    def bucket_uri(self) -> str:
        """``az://CONTAINER``."""
        return f"az://{self.container}"

    @property
    def store_path(self) -> str:
        """The path that ZenML's artifact store is given.

        ZenML 0.98 takes ``az://`` and ``abfs://``, and reads no account in them: that one belongs
        into the connector, as ``storage_account``.
        """
        scheme = "az" if self.scheme == "az" else "abfs"
        return joined(f"{scheme}://{self.container}", self.path)

    def completed(self, connector: Mapping[str, object]) -> AzureBlobUri:
        """The URI with the connector's ``storage_account``, where it names none itself.

        What cannot be the name of one is left where it is: no file could say it.
        """
        account = connector.get("storage_account")
        if self.account is not None or not isinstance(account, str):
            return self
        try:
            names.storage_account(account)
        except Refusal:
            return self
        return AzureBlobUri(self.container, self.path, account, self.scheme)


@dataclass(frozen=True, slots=True)
class AcrUri(RegistryUri):
    """``REGISTRY.azurecr.io[/REPOSITORY]``."""

    registry: str
    host: str
    repository: str | None = None

    def __str__(self) -> str:
        return joined(self.host, self.repository)

    @property
    def cloud(self) -> Cloud:
        """Azure."""
        return Cloud.AZURE


def _container(scheme: str, authority: str, path: str) -> AzureBlobUri:
    container, at, host = authority.partition("@")
    account = None
    if ":" in container:
        raise UriError("the Azure URI holds a login or a port, and no container before `@` or `/`")
    if at:
        # `account.blob…` is the host; a password would stand there too, so nothing is echoed.
        match = _HOST.fullmatch(host.lower())
        if not match:
            raise UriError(
                "the host after `@` in the Azure URI is no storage account of the public cloud",
                why="ZenML's Azure connector knows only that cloud",
                remedy=f"Write `{scheme}://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH`, "
                "or `az://CONTAINER/PATH`.",
            )
        account = names.storage_account(match["account"])
    return AzureBlobUri(names.azure_container(container), path, account, scheme)


def _translate(scheme: str, rest: str) -> str | None:
    host, _, path = rest.partition("/")
    match = _HOST.fullmatch(host.lower()) if scheme in {"http", "https"} else None
    if not match or not path:
        return None
    container, _, inside = path.partition("/")
    return str(AzureBlobUri(container, inside.strip("/"), match["account"], "abfs"))


#: How containers of Blob Storage are written.
BUCKET = StoreForm(
    schemes=("az", "abfs", "abfss"),
    other_schemes={"azure": "az", "adl": "abfs", "wasb": "az", "wasbs": "az", "blob": "az"},
    read=_container,
    translate=_translate,
)


def read_registry(host: str, path: str | None, check_region: CheckRegion) -> AcrUri | None:
    """Read the host and path of an Azure registry; see `Vocabulary.read_registry`."""
    del check_region
    match = _ACR.fullmatch(host)
    if not match:
        return None
    registry = match["registry"]
    if match["domain"] != "io":
        raise UriError(
            f"{shown(host)} is a registry of a sovereign Azure cloud",
            why="ZenML's Azure connector reaches only `azurecr.io`",
        )
    # https://learn.microsoft.com/azure/container-registry/container-registry-get-started-portal.
    # Registries with a domain name label have a `-` in their host; ZenML 0.98 cannot read that.
    # Azure makes none under 5 characters; whether a shorter one exists is not the text's business.
    if not re.fullmatch(r"[a-z0-9]{1,50}", registry):
        raise UriError(
            f"{shown(registry)} cannot be an Azure container registry",
            why="ZenML's Azure connector takes no `-` in its name"
            if "-" in registry
            else "its name has 50 letters and digits at most",
        )
    return AcrUri(registry, host, path)
