"""What has to be known of the subscription before anything is made there, and before anything goes.

Asked as the description's identity; see `kitaru_iac.clouds.azure.session`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kitaru_iac.checks.kubernetes_api import KubernetesApi
from kitaru_iac.checks.probes import NoCredentials, ProbeError
from kitaru_iac.clouds.azure.kubernetes_api import api_of
from kitaru_iac.clouds.azure.observations import known_text
from kitaru_iac.clouds.azure.probes_common import VERSIONS
from kitaru_iac.clouds.azure.provision import given, holdings, lookups, marked, ownership
from kitaru_iac.clouds.azure.provision.kinds import GROUP
from kitaru_iac.clouds.azure.provision.layout import Known, Layout
from kitaru_iac.clouds.azure.session import AzureAccess, require_azure
from kitaru_iac.clouds.owned import untold
from kitaru_iac.clouds.provider import Claim, Inputs, Marked, Sighting
from kitaru_iac.errors import KitaruError, NotAllowedError, Problem
from kitaru_iac.spec.credentials import Credentials
from kitaru_iac.spec.model import StackSpec

__all__ = ["Account"]

_OURS = ("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID")
#: What Pulumi's provider takes an identity from; the first three as `_OURS`.
_THEIRS = (
    *("ARM_CLIENT_ID", "ARM_CLIENT_SECRET", "ARM_TENANT_ID", "ARM_USE_MSI", "ARM_USE_OIDC"),
    *("ARM_CLIENT_CERTIFICATE_PATH", "ARM_OIDC_TOKEN"),
)


_CLUSTER = "Microsoft.ContainerService/managedClusters"


@dataclass(slots=True)
class Account:
    """The subscription of some credentials, in one region.

    Attributes:
        region: Where in it.
        subscription: Its id; empty until `open`.
        tenant: The id of its tenant.
        caller: Who asks, in words.
        named: What a description leads to, looked up by name beside what is listed.
    """

    _access: AzureAccess
    _credentials: Credentials | None
    region: str
    subscription: str = ""
    tenant: str | None = None
    caller: str = ""
    named: tuple[Claim, ...] = ()

    @classmethod
    def open(
        cls, credentials: Credentials | None, subscription: str | None, region: str
    ) -> Account:
        """Find the credentials, and see that they see the subscription.

        Args:
            credentials: Whose; None for this process's own.
            subscription: Its id; without one it is the only one that the credentials see.
            region: The stack's.

        Raises:
            MissingPackages: The Azure packages are not installed.
            NotAllowedError: There are no usable credentials, or they do not see it.
        """
        require_azure()
        account = cls(AzureAccess(credentials), credentials, region)
        try:
            caller = account._access.open()
            account.subscription = account._find(subscription)
        except ProbeError as error:
            raise _refused(error, account._access.described_as) from error
        account.tenant, account.caller = caller.tenant, caller.shown
        return account

    def _find(self, subscription: str | None) -> str:
        version, about = "2022-09-01", "the subscription"
        if subscription is not None:
            found = self._access.get(f"/subscriptions/{subscription}", version, about=about)
            return known_text(found, "subscriptionId").lower()
        listed = self._access.list("/subscriptions", version, about="the subscriptions")
        if len(listed) != 1:
            raise NoCredentials(
                f"no subscription is named, and these credentials see {len(listed)}",
                "Name one as subscription_id.",
            )
        return known_text(listed[0], "subscriptionId").lower()

    @property
    def place(self) -> dict[str, str]:
        """Say which subscription, and where in it."""
        return {"subscription": self.subscription, "region": self.region}

    def environment(self) -> dict[str, str]:
        """Give the variables that let the engine's plugin be the same identity.

        They are secrets, and go to the engine's process alone: what a provider is *given* as an
        input would stand in the state. An empty value takes the caller's own variable away: those
        of another identity would make things as somebody else than who looked.
        """
        told = dict.fromkeys(_THEIRS, "") | {"ARM_SUBSCRIPTION_ID": self.subscription}
        own = self._credentials
        if own is None or own.kind != "azure-service-principal":
            return told  # the provider goes through the chain of credentials that was asked here
        given = (
            own.values["client_id"],
            str(own.secrets["client_secret"]),
            own.values["tenant_id"],
        )
        return told | dict(zip(_OURS, given, strict=True)) | dict(zip(_THEIRS, given, strict=False))

    def unfit(self, planned: Layout) -> list[Problem]:
        """Find what is wrong with the place; see `given.py`."""
        return given.unfit(
            self._access,
            self.subscription,
            planned.resource_group,
            planned.region,
            makes_group=planned.new_group,
            workspace=planned.new_workspace is not None,
            cluster=planned.new_cluster is not None,
        )

    def known(self, spec: StackSpec, planned: Layout) -> Known:
        """Look up what exists and is granted something, or on; see `lookups.py`."""
        return lookups.known(self._access, spec, planned)

    def cluster_api(self, group: str, name: str) -> KubernetesApi:
        """Give the API of a cluster, with credentials that are as fresh as can be.

        Raises:
            ProbeError: Azure gives no way into it.
        """
        access = AzureAccess(self._credentials)
        path = f"/subscriptions/{self.subscription}/resourceGroups/{group}/providers/{_CLUSTER}"
        try:
            access.open()
            version, about = VERSIONS["microsoft.containerservice"], f"the cluster {name}"
            found = access.resource(f"{path}/{name}", version, about=about)
            return api_of(access, found).api
        finally:
            access.close()

    def sight(self, type: str, inputs: Inputs, marks: Mapping[str, str]) -> Sighting | None:
        """Look up what Azure has under the name of a resource, and whether it is ours.

        The kinds that are not looked up are settings: writing them again does no harm.

        Raises:
            KitaruError: It cannot be told.
        """
        try:
            return ownership.sight(
                self._access, self.subscription, type, inputs, marks, region=self.region
            )
        except ProbeError as error:
            raise untold(type, inputs, error) from error

    def marked(self, marks: Mapping[str, str]) -> Marked:
        """Find what in the subscription carries these marks; see `marked.py`."""
        return marked.marked(self._access, self.subscription, marks, self.named)

    def holds(self, type: str, id: str) -> str | None:
        """Say what a stateful resource still holds; None if it is empty or gone."""
        return holdings.told(self._access, type, id)

    def others_in(self, type: str, id: str) -> str | None:
        """Say what others have in the resource group, or that it cannot be told."""
        return holdings.others_told(self._access, type, id)

    def empty(self, type: str, id: str) -> None:
        """See that all that a resource holds may go: Azure deletes it with the resource.

        Raises:
            KitaruError: A resource group holds what was not made for this stack.
        """
        if type != GROUP:
            return
        try:
            others = holdings.contents(self._access, type, id).others
        except ProbeError as error:
            raise KitaruError(
                "What is in the resource group cannot be told, and all of it would go",
                where=id,
                why=error.why,
                remedy="Run it again as somebody who may look.",
            ) from error
        if others is not None:
            raise KitaruError(
                f"The resource group has what was not made for this stack: {others}",
                where=id,
                why="Azure deletes a group with everything in it. Nothing was deleted.",
                remedy="Move it to another group, or delete it; or run this without "
                "--include-protected, so that the group stays.",
            )


def _refused(error: ProbeError, who: str) -> KitaruError:
    return NotAllowedError(
        "Azure cannot be asked for the subscription to provision in",
        where=who,
        why=error.why,
        remedy=error.remedy or "az account list",
    )
