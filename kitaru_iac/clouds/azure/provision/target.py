"""What provisioning is given for Azure."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from kitaru_iac.checks.kubernetes_api import IN_EVERY_CLUSTER
from kitaru_iac.checks.permissions import Identity
from kitaru_iac.clouds.azure.commands import assign, az
from kitaru_iac.clouds.azure.permission_table import Resource
from kitaru_iac.clouds.azure.permissions import built_in
from kitaru_iac.clouds.azure.provision import names
from kitaru_iac.clouds.azure.provision.account import Account
from kitaru_iac.clouds.azure.provision.args import OUTPUTS
from kitaru_iac.clouds.azure.provision.grants import Use
from kitaru_iac.clouds.azure.provision.kinds import ACCOUNT, GROUP, KINDS, REGISTRY
from kitaru_iac.clouds.azure.provision.layout import Layout, layout, place_in
from kitaru_iac.clouds.azure.provision.ownership import claims
from kitaru_iac.clouds.azure.resources import location_of
from kitaru_iac.clouds.plugins import version_of
from kitaru_iac.clouds.provider import Claim, Inputs, NewNamespace, Target
from kitaru_iac.clouds.wanted import possible, region_of
from kitaru_iac.errors import DescriptionError
from kitaru_iac.patterns import compiled
from kitaru_iac.spec.credentials import Credentials
from kitaru_iac.spec.kinds import Cloud
from kitaru_iac.spec.model import StackSpec
from kitaru_iac.spec.uris import AcrUri, AzureBlobUri

__all__ = [
    "account_for",
    "account_of",
    "passing",
    "place_of",
    "plugins",
    "target",
    "told_by",
    "used",
]


#: A refusal of what a managed identity does, as a workspace's when it is made.
_OF_IDENTITY = compiled(
    r"(?i)(?=.*\b(?:workspace's identity|managed identity|assigned identity|MSI)\b)"
    r".*(?:AuthorizationFailed|does not have)"
)


def plugins() -> tuple[tuple[str, str], ...]:
    """Give the provider plugins of Azure. Raises `MissingPackages`."""
    return (("azure-native", version_of("pulumi-azure-native", Cloud.AZURE)),)


def target(spec: StackSpec) -> Target:
    """Say what is made for a description on Azure.

    Raises:
        DescriptionError: It cannot be made as described.
        KitaruError: What exists and is granted something cannot be looked up.
        MissingPackages: The Azure packages are not installed.
        NotAllowedError: There are no usable credentials.
    """
    needed = plugins()
    account = account_for(spec)
    planned = _possible(spec, account)
    planned = replace(planned, known=account.known(spec, planned))
    from kitaru_iac.clouds.azure.provision.program import physical_names, program

    return Target(
        account=account,
        program=program(planned),
        plugins=needed,
        outputs={key: getattr(planned, key) for key in OUTPUTS},
        makes_anything=planned.makes_anything,
        claims=claims(planned),
        names=physical_names(planned),
        notes=_notes(planned),
        passing=passing,
        namespace=_namespace(planned, account),
    )


def used(spec: StackSpec) -> frozenset[str]:
    """Say which of bucket, registry, cluster, workspace and group are named, and not made.

    Raises:
        DescriptionError: It cannot be made as described.
        MissingPackages: The Azure packages are not installed.
        NotAllowedError: There are no usable credentials.
    """
    planned = _possible(spec, account_for(spec))
    found = {
        "bucket": isinstance(spec.artifact_store, AzureBlobUri) and not planned.new_container,
        "registry": isinstance(spec.container_registry, AcrUri) and not planned.new_registry,
        "cluster": bool(planned.cluster) and not planned.new_cluster,
        "workspace": bool(planned.workspace) and not planned.new_workspace,
        "group": not planned.new_group,
    }
    return frozenset(name for name, is_used in found.items() if is_used)


def passing(failure: str) -> str | None:
    """Say for what Azure needs time, where a failure is of a kind that passes by itself.

    A role counts minutes after it was assigned, and an identity is known to all of Entra seconds
    after it was made.
    https://learn.microsoft.com/azure/role-based-access-control/troubleshooting
    """
    if "PrincipalNotFound" in failure:
        return "Entra does not know the new identity everywhere yet"
    # "The client" is who provisions: what that one may not do, no time mends.
    if "The client '" not in failure and _OF_IDENTITY.search(failure):
        return "the new identity's roles do not count yet"
    return None


def account_of(credentials: Credentials | None, inputs: Inputs) -> Account:
    """Open the subscription of a deployment's provider. Raises `NotAllowedError`."""
    subscription = inputs.get("subscriptionId")
    region = str(inputs.get("location", ""))
    return Account.open(credentials, str(subscription) if subscription else None, region)


def account_for(spec: StackSpec) -> Account:
    """Open the subscription of a description's credentials, in its region.

    Raises:
        DescriptionError: It has no region, or no resource group.
        NotAllowedError: There are no usable credentials.
    """
    region = location_of(region_of(spec))
    subscription, group = place_in(spec)
    account = Account.open(spec.credentials, subscription, region)
    account.named = (
        Claim(GROUP, {"resourceGroupName": group}),
        *_named(spec, account.subscription, region),
    )
    return account


def _named(spec: StackSpec, subscription: str, region: str) -> tuple[Claim, ...]:
    """What a description would make, by the names that it has or would be given."""
    try:
        planned = layout(spec, subscription, region)
    except DescriptionError:
        return ()  # who makes it says so; the group is looked at all the same
    return tuple(one for one in claims(planned) if one.type in KINDS and one.type != GROUP)


def told_by(spec: StackSpec) -> dict[str, frozenset[str]]:
    """Say which subscription a stack's record names: without one it is the only one in sight."""
    subscription, _ = place_in(spec)
    return {"subscription": frozenset({subscription.lower()} if subscription else ())}


def place_of(inputs: Inputs) -> dict[str, str]:
    """Say where a deployment is, from the inputs of its provider in the state."""
    return {
        "subscription": str(inputs.get("subscriptionId", "")).lower(),
        "region": str(inputs.get("location", "")),
    }


def _possible(spec: StackSpec, account: Account) -> Layout:
    """The layout, where all that the description says can be made in this subscription.

    Raises:
        DescriptionError: With everything that cannot.
    """
    planned = layout(spec, account.subscription, account.region, tenant=account.tenant)
    return possible(lambda: planned, account.unfit(planned))


def _notes(planned: Layout) -> tuple[str, ...]:
    """What has to be known before it is made."""
    if planned.new_cluster:
        return _notes_of_cluster(planned, planned.new_cluster)
    if planned.new_workspace is None:
        return _notes_of_steps(planned)
    kept = (
        f"Deleted later, the workspace {planned.new_workspace} keeps its name for 14 days and the "
        f"key vault {planned.new_vault} for 7: both can be brought back until then"
    )
    return (kept,)


def _notes_of_steps(planned: Layout) -> tuple[str, ...]:
    """What who runs the steps is to be granted, where Azure does not tell who that is.

    A workspace may have identities of its users' without a primary one, and a cluster a service
    principal.
    """
    where = f"the workspace {planned.workspace}" if planned.workspace else None
    if planned.cluster:
        where = f"the cluster {planned.cluster}"
    if where is None or planned.known.principal is not None:
        return ()
    made = {
        ACCOUNT: (planned.new_account, [built_in(Identity.RUNTIME, Resource.ACCOUNT)]),
        # One of the two has an effect, which one follows from the registry's mode.
        REGISTRY: (
            planned.new_registry,
            [built_in(Identity.PULL, Resource.REGISTRY, abac=abac) for abac in (False, True)],
        ),
    }
    grants = []
    for token, (name, roles) in made.items():
        if name is not None:
            kind = KINDS[token]
            inputs = {"resourceGroupName": planned.resource_group, kind.name: name}
            at = kind.id_of(planned.subscription, inputs)
            grants += [assign(None, str(role), at) for role in roles]
    if not grants:
        return ()
    said = (
        f"Azure does not tell which identity runs the steps in {where}, so nothing is granted to "
        f"it; once the rest is there, with its object id: {' && '.join(grants)}"
    )
    return (said,)


def _notes_of_cluster(planned: Layout, cluster: str) -> tuple[str, ...]:
    """What is the user's to do in a new cluster."""
    place = _place(planned)
    pods = names.identity_name(planned.stack, Use.PODS)
    client = az("identity", "show", name=pods, query="clientId", output="tsv", **place)
    account = planned.service_accounts[-1]
    annotate = (
        f"kubectl annotate serviceaccount {account} -n {planned.namespace} "
        f'azure.workload.identity/client-id="$({client})"'
    )
    federated = (
        f"Pods with the label azure.workload.identity/use=true may be {pods}, which may use the "
        f"store, once their service account names it, which ZenML does not: "
        f"{_log_in(planned, cluster)} && {annotate}"
    )
    return (federated,)


def _namespace(planned: Layout, account: Account) -> NewNamespace | None:
    """What is to be in a new cluster beside what every cluster has."""
    name, cluster = str(planned.namespace), planned.new_cluster
    if cluster is None or name in IN_EVERY_CLUSTER:
        return None
    by_hand = f"{_log_in(planned, cluster)} && kubectl create namespace {name}"
    api = partial(account.cluster_api, planned.resource_group, cluster)
    return NewNamespace(name, cluster, api, by_hand)


def _log_in(planned: Layout, cluster: str) -> str:
    return az("aks", "get-credentials", name=cluster, admin=True, **_place(planned))


def _place(planned: Layout) -> dict[str, str]:
    return {"resource_group": planned.resource_group, "subscription": planned.subscription}
