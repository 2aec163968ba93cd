"""What every check of the catalog says, and when: one case for each status that it can have.

`arrange` makes the world so and returns the description; the check is then run through Azure's own
SDKs against the loopback.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kitaru_iac.checks.model import CheckStatus
from kitaru_iac.spec.model import BaseSpec
from tests.clouds.azure.world import ACCOUNT, CONTAINER, GROUP, World
from tests.doubles.azure_faults import error, forbidden
from tests.doubles.web import Response, json_response

__all__ = ["CASES", "Case"]

OK, WARN, FAIL, UNKNOWN = CheckStatus
Arrange = Callable[[World], BaseSpec]
_LOOPBACK = "Microsoft.Loopback/things/read"


@dataclass(frozen=True)
class Case:
    """One check in one situation.

    Attributes:
        id: The check.
        status: How it must end.
        arrange: Makes the situation.
        why: Stands in the result's reason.
        permission: The missing permission that the result must name.
    """

    id: str
    status: CheckStatus
    arrange: Arrange
    why: str
    permission: str | None = None

    def __str__(self) -> str:
        return f"{self.id}-{self.status}-{self.why}".replace(" ", "_")


def then(first: Arrange, change: Callable[[World], Any]) -> Arrange:
    """Spoil something of a situation."""

    def arrange(world: World) -> BaseSpec:
        spec = first(world)
        change(world)
        return spec

    return arrange


def answered(first: Arrange, call: str, answer: Any) -> Arrange:
    """Answer a call otherwise."""
    return then(first, lambda world: world.faults.on(call, answer))


def bucket(**properties: Any) -> Arrange:
    """A container in an account with these properties; the URI names the account."""

    def arrange(world: World) -> BaseSpec:
        world.fit_bucket(**properties)
        return world.local()

    return arrange


def unnamed(world: World) -> BaseSpec:
    """A container in the only account; the URI does not name it."""
    world.fit_bucket()
    return world.local(artifact_store=f"az://{CONTAINER}")


def _container_has(**properties: str) -> Callable[[World], None]:
    def change(world: World) -> None:
        stored = world.azure.resources.resources[world.container_id.lower()]
        stored["properties"].update(properties)

    return change


def _container_is(level: str) -> Callable[[World], None]:
    return _container_has(publicAccess=level)


def _keys(name: str, part: str, first: Arrange) -> list[Case]:
    """Cases of a check of the customer's key that encrypts a thing."""
    vaults = "Microsoft.KeyVault/vaults"

    def kept(**attributes: Any) -> Arrange:
        return then(first, lambda world: world.own_keys(**attributes))

    def denied(action: str) -> Arrange:
        return then(kept(), lambda world: world.azure.deny(action))

    used = f"{vaults}/keys/read" if name.startswith("azure.bucket") else (
        f"{vaults}/keys/versions/read"
    )  # fmt: skip
    return [
        Case(name, OK, kept(), f"{part} encrypts"),
        Case(name, OK, kept(exp=4102444800, nbf=1767225600), "is enabled"),
        Case(name, FAIL, kept(enabled=False), f"{part} is disabled"),
        Case(name, UNKNOWN, kept(exp=1767225600), "has expired (2026-01-01)"),
        Case(name, UNKNOWN, kept(nbf=4102444800), "is not valid before 2100-01-01"),
        Case(name, UNKNOWN, kept(enabled=None), "does not say whether it is enabled"),
        Case(name, UNKNOWN, kept(enabled="yes"), "nobody understands"),
        Case(name, UNKNOWN, then(kept(), _forget("/vaults/")), "is not among the key vaults"),
        Case(name, UNKNOWN, then(kept(), _forget("/keys/")), f"{part} "),
        Case(name, UNKNOWN, denied(f"{vaults}/read"), f"{part} encrypts", f"{vaults}/read"),
        Case(name, UNKNOWN, denied(used), f"{part} encrypts", used),
    ]


def _second(world: World) -> None:
    world.azure.container("otherdata", CONTAINER, GROUP)


def _empty_second(world: World) -> None:
    world.azure.storage_account("otherdata", GROUP)


def _service_without(*keys: str) -> Callable[[World], None]:
    def change(world: World) -> None:
        stored = world.azure.resources.resources[f"{world.account_id}/blobServices/default".lower()]
        for key in keys:
            stored["properties"][key] = {"enabled": False}

    return change


def _may(actions: list[str], data: list[str], **more: Any) -> Callable[[World], None]:
    def change(world: World) -> None:
        role = {"actions": actions, "notActions": [], "dataActions": data, "notDataActions": []}
        world.may(world.account_id, role | more)
        world.may(world.container_id, role | more)

    return change


BUCKET = bucket()
GONE = then(BUCKET, lambda w: w.azure.resources.resources.pop(w.container_id.lower()))
_ACCOUNTS = "/microsoft.storage/storageaccounts"
_CONTAINER = f"/containers/{CONTAINER}"
_BLOB = f"{ACCOUNT}.blob.core.windows.net/{CONTAINER}"
_TOKEN = "/oauth2/v2.0/token"
_BUSY = error(429, "TooManyRequests", **{"Retry-After": "60"})


def _data_denied(code: str) -> Response:
    return Response(403, b"", {"x-ms-error-code": code})


def _of_account(name: str, *cases: tuple[CheckStatus, dict[str, Any], str]) -> list[Case]:
    """Cases of a check that reads the account: by its properties, and where it is denied."""
    denied = answered(BUCKET, _ACCOUNTS, forbidden)
    return [
        *(Case(name, status, bucket(**properties), why) for status, properties, why in cases),
        Case(name, UNKNOWN, denied, "says nothing about whether it exists", _LOOPBACK),
    ]


def _credentials() -> list[Case]:
    subscription = "/subscriptions/00000000-0000-0000-0000-000000000123"
    registered = "/providers/microsoft.storage"

    def state(value: str) -> Arrange:
        return then(BUCKET, lambda w: setattr(w.azure.resources, "state", value))

    def registration(value: str) -> Arrange:
        return then(
            BUCKET,
            lambda w: w.azure.resources.registrations.update({"microsoft.storage": value}),
        )

    def group(state: str) -> Arrange:
        def arrange(world: World) -> BaseSpec:
            world.azure.group(GROUP)
            found = world.azure.resources.groups[GROUP]
            found["properties"]["provisioningState"] = state
            return world.azureml()

        return arrange

    name = "azure.resource_group"
    return [
        Case(name, OK, group("Succeeded"), "ml-platform is in westeurope"),
        Case(name, FAIL, group("Deleting"), "is being deleted"),
        Case(name, FAIL, lambda w: w.kubernetes(), "ResourceGroupNotFound"),
        Case(name, UNKNOWN, group("Odd"), "Odd"),
        Case(
            name,
            UNKNOWN,
            answered(group("Succeeded"), "/resourcegroups/ml-platform", forbidden),
            "says nothing about whether it exists",
            _LOOPBACK,
        ),
        Case("azure.credentials", OK, BUCKET, "they are 00000000"),
        Case(
            "azure.credentials",
            FAIL,
            then(BUCKET, lambda w: w.azure.refuse_tokens()),
            "AADSTS7000215",
        ),
        Case(
            "azure.credentials",
            UNKNOWN,
            answered(BUCKET, _TOKEN, Response(503, b"{}")),
            "Entra",
        ),
        Case("azure.subscription", OK, BUCKET, "Loopback (00000000"),
        Case("azure.subscription", WARN, state("PastDue"), "PastDue"),
        Case("azure.subscription", FAIL, state("Disabled"), "is Disabled"),
        Case(
            "azure.subscription",
            FAIL,
            answered(BUCKET, subscription, error(404, "SubscriptionNotFound")),
            "do not see the subscription",
        ),
        Case(
            "azure.subscription",
            FAIL,
            answered(BUCKET, subscription, error(401, "InvalidAuthenticationTokenTenant")),
            "another tenant's",
        ),
        Case(
            "azure.subscription",
            FAIL,
            then(
                lambda w: w.local(subscription_id=None),
                lambda w: w.faults.change("/subscriptions", lambda b: b["value"].append({})),
            ),
            "see 2",
        ),
        Case(
            "azure.subscription",
            UNKNOWN,
            then(
                lambda w: w.local(subscription_id=None, credentials=None, connector="team"),
                lambda w: w.faults.change("/subscriptions", lambda b: b["value"].append({})),
            ),
            "whether the connector",
        ),
        Case(
            "azure.bucket.exists",
            UNKNOWN,
            then(
                lambda w: (w.fit_bucket(), w.local(subscription_id=None))[1],
                lambda w: (
                    w.faults.change("/subscriptions", lambda b: b["value"].append({})),
                    w.faults.on(_BLOB, _data_denied("AuthorizationFailure")),
                ),
            ),
            "names no subscription",
        ),
        Case("azure.subscription", UNKNOWN, state("New"), "New"),
        Case(
            "azure.subscription",
            UNKNOWN,
            then(
                lambda w: w.local(credentials=None, connector="team"),
                lambda w: w.faults.on(subscription, error(404, "SubscriptionNotFound")),
            ),
            "whether the connector",
        ),
        Case("azure.providers", OK, BUCKET, "Microsoft.Storage"),
        Case("azure.providers", WARN, registration("Registering"), "takes minutes"),
        Case("azure.providers", FAIL, registration("NotRegistered"), "is NotRegistered"),
        Case("azure.providers", UNKNOWN, registration("Odd"), "Odd"),
        Case(
            "azure.providers",
            UNKNOWN,
            answered(BUCKET, registered, forbidden),
            "is denied",
            _LOOPBACK,
        ),
    ]


def _bucket() -> list[Case]:
    exists = "azure.bucket.exists"
    return [
        Case(exists, OK, BUCKET, f"it is in the storage account {ACCOUNT}"),
        Case(exists, OK, unnamed, f"it is in the storage account {ACCOUNT}"),
        Case(
            exists,
            OK,
            answered(BUCKET, _ACCOUNTS, forbidden),
            "Blob Storage answers about it",
        ),
        Case(exists, FAIL, lambda w: w.local(), f"has no storage account {ACCOUNT}"),
        Case(exists, UNKNOWN, then(BUCKET, _forget(ACCOUNT)), "its settings cannot be seen"),
        Case(
            exists,
            UNKNOWN,
            then(unnamed, lambda w: w.may(w.subscription, {"actions": []})),
            "it is in teamdata, and whether another account",
            "Microsoft.Storage/storageAccounts/read",
        ),
        Case(
            exists,
            UNKNOWN,
            answered(unnamed, _ACCOUNTS, Response(403, b"<html>no</html>")),
            "(403) is not Azure's",
        ),
        Case(exists, WARN, then(unnamed, _empty_second), "asks each of the 2 accounts"),
        Case(exists, FAIL, GONE, "there is no container"),
        Case(exists, FAIL, lambda w: w.local(artifact_store="az://artifacts"), "0 storage"),
        Case(exists, FAIL, then(unnamed, _second), "2 storage accounts have a container"),
        Case(
            exists,
            FAIL,
            answered(
                unnamed,
                _ACCOUNTS,
                error(
                    409,
                    "MissingSubscriptionRegistration",
                    "The subscription is not registered to use namespace 'Microsoft.Storage'.",
                ),
            ),
            "not registered to use Microsoft.Storage",
        ),
        Case(
            exists,
            UNKNOWN,
            answered(
                then(unnamed, _second), f"otherdata/blobservices/default{_CONTAINER}", forbidden
            ),
            "could not be seen",
            _LOOPBACK,
        ),
        Case(
            exists,
            UNKNOWN,
            answered(unnamed, _ACCOUNTS, error(200, "", "")),
            "nobody understands",
        ),
        Case(
            exists,
            UNKNOWN,
            then(
                lambda w: w.local(artifact_store="az://artifacts"),
                lambda w: w.may(w.subscription, {"actions": []}),
            ),
            "may not see all",
            "Microsoft.Storage/storageAccounts/read",
        ),
        *_of_account(
            "azure.bucket.region",
            (OK, {}, "is in westeurope"),
        ),
        Case(
            "azure.bucket.region",
            WARN,
            then(BUCKET, lambda w: w.account().update(location="northeurope")),
            "northeurope",
        ),
        *_of_account(
            "azure.bucket.public_access",
            (OK, {}, "allows no anonymous access"),
            (WARN, {"allowBlobPublicAccess": True}, "to be made public"),
            (WARN, {"allowBlobPublicAccess": None}, "does not say"),
        ),
        Case(
            "azure.bucket.public_access",
            FAIL,
            then(bucket(allowBlobPublicAccess=True), _container_is("Blob")),
            "everybody can read",
        ),
        *_of_account(
            "azure.bucket.tls",
            (OK, {}, "TLS1_2"),
            (WARN, {"minimumTlsVersion": "TLS1_0"}, "from TLS1_0 on"),
            (WARN, {"supportsHttpsTrafficOnly": False}, "plain HTTP"),
        ),
        *_of_account(
            "azure.bucket.encryption",
            (OK, {}, "Microsoft's own keys"),
            (UNKNOWN, {"encryption": None}, "does not say whose key"),
            (UNKNOWN, {"encryption": "on"}, "nobody understands"),
        ),
        *_keys("azure.bucket.encryption", "keys/data", BUCKET),
        Case(
            "azure.bucket.encryption",
            UNKNOWN,
            then(BUCKET, _container_has(defaultEncryptionScope="team")),
            "the encryption scope team",
        ),
        Case(
            "azure.bucket.encryption",
            OK,
            then(BUCKET, _container_has(defaultEncryptionScope="$account-encryption-key")),
            "Microsoft's own keys",
        ),
        *_of_account(
            "azure.bucket.shared_keys",
            (OK, {}, "are off"),
            (WARN, {"allowSharedKeyAccess": True}, "open all of it"),
            (WARN, {"allowSharedKeyAccess": None}, "open all of it"),
        ),
        *_of_account(
            "azure.bucket.network",
            (OK, {}, "open to all networks"),
            (UNKNOWN, {"publicNetworkAccess": "Disabled"}, "closed to public networks"),
            (UNKNOWN, {"networkAcls": {"defaultAction": "Deny"}}, "firewall"),
            (UNKNOWN, {"networkAcls": "open"}, "nobody understands"),
        ),
        *_of_account("azure.bucket.versioning", (OK, {}, "kept for a while")),
        Case(
            "azure.bucket.versioning",
            WARN,
            then(BUCKET, _service_without("containerDeleteRetentionPolicy")),
            "deleted containers are gone",
        ),
        Case("azure.bucket.reachable", OK, BUCKET, "it answers this machine"),
        Case(
            "azure.bucket.reachable",
            FAIL,
            answered(BUCKET, _BLOB, _data_denied("AuthorizationPermissionMismatch")),
            "no data role",
        ),
        Case(
            "azure.bucket.reachable",
            FAIL,
            answered(BUCKET, _BLOB, Response(404, b"", {"x-ms-error-code": "ContainerNotFound"})),
            "does not exist",
        ),
        Case(
            "azure.bucket.reachable",
            UNKNOWN,
            answered(BUCKET, _BLOB, _data_denied("AuthorizationFailure")),
            "firewall",
        ),
        Case(
            "azure.bucket.reachable",
            UNKNOWN,
            answered(BUCKET, _BLOB, Response(200, b"<html>")),
            "answered 200",
        ),
        Case(
            "azure.bucket.reachable",
            UNKNOWN,
            answered(
                lambda w: (w.fit_bucket(), w.local(credentials=None, connector="team"))[1],
                _BLOB,
                _data_denied("AuthorizationPermissionMismatch"),
            ),
            "no data role",
            "Microsoft.Storage/storageAccounts/blobServices/containers/read",
        ),
        Case(
            "azure.bucket.reachable",
            UNKNOWN,
            lambda w: w.local(artifact_store="abfs://artifacts@nobodys.dfs.core.windows.net"),
            "there is no such account, or this machine's network",
        ),
        *_access(),
    ]


def _access() -> list[Case]:
    name = "azure.connector.bucket_access"
    blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
    account = "Microsoft.Storage/storageAccounts/read"
    listing = "Microsoft.Storage/storageAccounts/blobServices/containers/read"
    every = [f"{blobs}/read", f"{blobs}/write", f"{blobs}/delete"]
    return [
        Case(name, OK, then(BUCKET, _may([listing], every)), "(4 of 4"),
        Case(name, OK, then(BUCKET, _may([listing.upper()], [f"{blobs}/*"])), "(4 of 4"),
        Case(name, FAIL, then(BUCKET, _may(["*"], [])), f"allows {blobs}/read"),
        # ZenML looks for the account among those that the subscription shows it.
        Case(name, OK, then(unnamed, _may([listing, account], every)), "(6 of 6"),
        Case(name, FAIL, then(unnamed, _may([listing], every)), f"allows {account}"),
        Case(name, FAIL, then(BUCKET, _may([], every)), f"allows {listing}"),
        Case(
            name,
            FAIL,
            then(BUCKET, _may(["*"], ["*"], notDataActions=[f"{blobs}/delete"])),
            f"allows {blobs}/delete",
        ),
        Case(
            name,
            UNKNOWN,
            then(BUCKET, _may(["*"], ["*"], condition="@Resource[…] StringEquals 'a'")),
            "under a condition",
        ),
        Case(
            name,
            UNKNOWN,
            lambda w: (w.fit_bucket(), w.local(credentials=None, connector="team"))[1],
            "the connector team, whose identity is not told",
        ),
        Case(name, UNKNOWN, answered(BUCKET, "/permissions", _BUSY), "throttled"),
        Case(
            name,
            UNKNOWN,
            then(BUCKET, lambda w: w.azure.deny("Microsoft.Authorization/permissions/read")),
            "is denied",
            "Microsoft.Authorization/permissions/read",
        ),
    ]


def registry(**properties: Any) -> Arrange:
    """A registry with these properties."""

    def arrange(world: World) -> BaseSpec:
        world.fit_registry(**properties)
        return world.azureml()

    return arrange


def _of_registry(name: str, *cases: tuple[CheckStatus, dict[str, Any], str]) -> list[Case]:
    denied = answered(registry(), "/microsoft.containerregistry/registries", forbidden)
    return [
        *(Case(name, status, registry(**properties), why) for status, properties, why in cases),
        Case(name, UNKNOWN, denied, "says nothing about whether it exists", _LOOPBACK),
    ]


def _registry() -> list[Case]:
    name = "azure.connector.registry_access"
    acr = "Microsoft.ContainerRegistry/registries"
    old = {"actions": [f"{acr}/pull/read", f"{acr}/push/write"]}
    new = {"dataActions": [f"{acr}/repositories/*"]}

    def mode(value: str | None, *roles: dict[str, Any]) -> Arrange:
        return then(registry(roleAssignmentMode=value), lambda w: w.may(w.registry_id, *roles))

    def implicit(*actions: str) -> Arrange:
        """No service principal, which lists the registries."""

        def arrange(world: World) -> BaseSpec:
            world.fit_registry()
            world.may(world.registry_id, {"actions": [*old["actions"], *actions]})
            return world.azureml(credentials=None)

        return arrange

    roles, abac = "LegacyRegistryPermissions", "AbacRepositoryPermissions"
    return [
        *_of_registry(
            "azure.registry.exists",
            (OK, {}, "team is there"),
            (WARN, {"provisioningState": "Updating"}, "being changed"),
            (FAIL, {"provisioningState": "Failed"}, "Failed"),
            (FAIL, {"loginServer": "team-x1.azurecr.io"}, "no container registry team.azurecr.io"),
            (UNKNOWN, {"loginServer": 5}, "nobody understands"),
            (UNKNOWN, {"provisioningState": None}, "None"),
        ),
        Case(
            "azure.registry.exists",
            UNKNOWN,
            then(lambda w: w.azureml(), lambda w: w.may(w.subscription, {"actions": [f"{acr}/x"]})),
            "may not see all",
            f"{acr}/read",
        ),
        *_of_registry(
            "azure.registry.admin_user",
            (OK, {}, "no admin user"),
            (WARN, {"adminUserEnabled": True}, "knows its password"),
            (UNKNOWN, {"adminUserEnabled": "no"}, "nobody understands"),
        ),
        *_of_registry(
            "azure.registry.network",
            (OK, {}, "open to all networks"),
            (WARN, {"anonymousPullEnabled": True}, "everybody can pull"),
            (UNKNOWN, {"publicNetworkAccess": "Disabled"}, "cannot be seen"),
            (UNKNOWN, {"networkRuleSet": {"defaultAction": "Deny"}}, "cannot be seen"),
            (UNKNOWN, {"publicNetworkAccess": None}, "does not say"),
        ),
        *_of_registry(
            "azure.registry.roles",
            (OK, {}, "takes AcrPull"),
            (WARN, {"roleAssignmentMode": abac}, "AcrPull and AcrPush do not count"),
            (UNKNOWN, {"roleAssignmentMode": None}, "does not say"),
            (UNKNOWN, {"roleAssignmentMode": "Newest"}, "does not say"),
        ),
        *_of_registry(
            "azure.registry.encryption",
            (OK, {}, "Microsoft's own keys"),
            # Of this tier, which takes no other key.
            (OK, {"encryption": None}, "Microsoft's own keys"),
            (UNKNOWN, {"encryption": {"status": "odd"}}, "does not say whose key"),
            (UNKNOWN, {"encryption": {"status": "enabled"}}, "nobody understands"),
        ),
        *_keys(
            "azure.registry.encryption", "keys/images/1", then(registry(), lambda w: w.fit_bucket())
        ),
        Case(name, OK, mode(roles, old), "(2 of 2"),
        Case(name, OK, implicit(f"{acr}/read"), "(2 of 2"),
        Case(name, FAIL, implicit(), f"allows {acr}/read"),
        Case(name, OK, mode(abac, new), "(4 of 4"),
        Case(name, OK, mode(None, old, new), "(2 of 2"),
        Case(name, FAIL, mode(abac, old), "repositories/content/read"),
        Case(name, FAIL, mode(roles, new), "pull/read"),
        Case(name, FAIL, mode(None), "pull/read"),
        Case(name, FAIL, mode(roles, {"actions": [f"{acr}/pull/read"]}), "allows " + acr + "/push"),
        Case(name, UNKNOWN, mode(None, old), "which it does not say"),
        Case(name, UNKNOWN, mode(roles, old | {"condition": "x"}), "under a condition"),
    ]


def workspace(*changes: Callable[[World], Any], **properties: Any) -> Arrange:
    """A workspace with these properties, and what else is spoiled."""

    def arrange(world: World) -> BaseSpec:
        world.fit_workspace()
        world.workspace()["properties"].update(properties)
        for change in changes:
            change(world)
        return world.azureml()

    return arrange


def _forget(part: str) -> Callable[[World], Any]:
    def change(world: World) -> None:
        found = world.azure.resources.resources
        for each in [each for each in found if part in each]:
            del found[each]

    return change


def _workspace() -> list[Case]:
    ml = "Microsoft.MachineLearningServices/workspaces"
    unseen = answered(workspace(), "/workspaces/team-ml", forbidden)
    named = {"primaryUserAssignedIdentity": "/subscriptions/x/userAssignedIdentities/runner"}
    attached, access = "azure.workspace.attached", "azure.connector.workspace_access"

    def set_(**fields: Any) -> Callable[[World], Any]:
        return lambda w: w.workspace().update(fields)

    def may(*actions: str) -> Callable[[World], Any]:
        return lambda w: w.may(w.workspace_id, {"actions": list(actions)})

    return [
        Case("azure.workspace.exists", OK, workspace(), "it is there"),
        Case("azure.workspace.exists", WARN, workspace(provisioningState="Creating"), "Creating"),
        Case("azure.workspace.exists", FAIL, workspace(provisioningState="Failed"), "Failed"),
        Case("azure.workspace.exists", FAIL, lambda w: w.azureml(), "does not exist"),
        Case("azure.workspace.exists", UNKNOWN, unseen, "says nothing about", _LOOPBACK),
        Case("azure.workspace.exists", UNKNOWN, workspace(provisioningState=None), "None"),
        Case("azure.workspace.kind", OK, workspace(), "for jobs"),
        Case("azure.workspace.kind", FAIL, workspace(set_(kind="Hub")), "a Hub"),
        Case("azure.workspace.kind", FAIL, workspace(v1LegacyMode=True), "API v1"),
        Case("azure.workspace.kind", UNKNOWN, workspace(set_(kind=None)), "None"),
        Case("azure.workspace.region", OK, workspace(set_(location="West Europe")), "West Europe"),
        Case("azure.workspace.region", WARN, workspace(set_(location="eastus")), "eastus"),
        Case("azure.workspace.region", UNKNOWN, workspace(set_(location=None)), "does not say"),
        Case(attached, OK, workspace(), "what it stands on is there"),
        Case(attached, OK, workspace(containerRegistry=None), "a registry of its own"),
        Case(attached, WARN, workspace(applicationInsights=None), "keeps the logs"),
        Case(attached, FAIL, workspace(keyVault=None), "no keyVault"),
        Case(attached, FAIL, workspace(_forget("/vaults/")), "its keyVault is gone"),
        Case(attached, FAIL, workspace(_forget("storageaccounts")), "its storageAccount is gone"),
        Case(attached, FAIL, workspace(_forget("/registries/")), "its containerRegistry is gone"),
        Case(
            attached, UNKNOWN, answered(workspace(), "/vaults/team", forbidden), "keyVault",
            _LOOPBACK,
        ),
        Case(
            attached, UNKNOWN, workspace(keyVault="/subscriptions/x/providers/Microsoft.Odd/a/b"),
            "known here",
        ),
        Case("azure.workspace.identity", OK, workspace(), "Azure made for it"),
        Case(
            "azure.workspace.identity",
            OK,
            workspace(
                set_(
                    identity={
                        "type": "UserAssigned",
                        "userAssignedIdentities": {
                            named["primaryUserAssignedIdentity"].upper(): {"principalId": "x"}
                        },
                    }
                ),
                **named,
            ),
            "it is runner",
        ),
        Case("azure.workspace.identity", FAIL, workspace(**named), "not among its identities"),
        Case("azure.workspace.identity", FAIL, workspace(set_(identity=None)), "no identity"),
        Case(
            "azure.workspace.identity",
            UNKNOWN,
            workspace(set_(identity={"type": "UserAssigned"})),
            "does not say which",
        ),
        Case("azure.workspace.network", OK, workspace(), "open to all networks"),
        Case(
            "azure.workspace.network", UNKNOWN, workspace(publicNetworkAccess="Disabled"), "private"
        ),
        Case(
            "azure.workspace.network",
            UNKNOWN,
            workspace(managedNetwork={"isolationMode": "AllowOnlyApprovedOutbound"}),
            "outbound rules",
        ),
        *_pull("azure.workspace.pull", workspace),
        Case(access, OK, workspace(may(f"{ml}/*")), "(7 of 7"),
        Case(access, FAIL, workspace(may(f"{ml}/*/read", f"{ml}/read")), "jobs/write"),
        Case(access, UNKNOWN, answered(workspace(), "/permissions", _BUSY), "throttled"),
    ]  # fmt: skip


def _pull(name: str, thing: Callable[..., Arrange]) -> list[Case]:
    """Cases of a check of an identity's right to pull: by assignments, in both modes."""

    def mode(value: str, **options: Any) -> Callable[[World], Any]:
        def change(world: World) -> None:
            _forget("/roleassignments/")(world)
            registry = world.azure.resources.resources[world.registry_id.lower()]
            registry["properties"]["roleAssignmentMode"] = value
            if options.pop("granted", True):
                world.let_pull(**options)

        return change

    roles, abac = "LegacyRegistryPermissions", "AbacRepositoryPermissions"
    return [
        Case(name, OK, thing(mode(roles)), "(1 of 1"),
        Case(name, OK, thing(mode(abac, abac=True)), "(1 of 1"),
        Case(name, FAIL, thing(mode(roles, granted=False)), "pull/read"),
        Case(name, FAIL, thing(mode(abac)), "repositories/content/read"),
        Case(name, UNKNOWN, thing(mode(roles, condition="x")), "under a condition"),
        Case(
            name,
            UNKNOWN,
            then(thing(), lambda w: w.azure.deny("Microsoft.Authorization/roleAssignments/read")),
            "is denied",
            "Microsoft.Authorization/roleAssignments/read",
        ),
    ]


def cluster(*changes: Callable[[World], Any], **properties: Any) -> Arrange:
    """A cluster with these properties, and what else is spoiled."""

    def arrange(world: World) -> BaseSpec:
        world.fit_cluster()
        world.cluster()["properties"].update(properties)
        for change in changes:
            change(world)
        return world.kubernetes()

    return arrange


def _here(name: str) -> Callable[[World], Any]:
    """Let the cluster's API be where something takes connections."""
    return lambda w: w.cluster()["properties"].update({name: w.azure.proxy.url.split("//")[1]})


def _inside() -> list[Case]:
    """What the cluster alone tells, in its namespace ml."""
    name, rights, pull, accounts = (
        f"azure.cluster.{one}" for one in ("namespace", "rights", "pull_secret", "service_accounts")
    )
    entra = {"aadProfile": {"managed": True}}

    def inside(*changes: Callable[[World], Any], like: Any = None, **more: Any) -> Arrange:
        def arrange(world: World) -> BaseSpec:
            cluster(*changes, **(like or {}))(world)
            return world.kubernetes(namespace="ml", **more)

        return arrange

    def answers(status: int) -> Callable[[World], None]:
        return lambda w: setattr(w.api, "refusal", Response(status, b"{}"))

    def denies(*rights: str) -> Callable[[World], None]:
        return lambda w: w.api.denied.update(rights)

    def foreign(*names: str) -> Arrange:
        keys = ("pod_settings", "orchestrator_pod_settings")
        settings = {key: {"image_pull_secrets": list(names)} for key in keys}
        return inside(
            lambda w: w.api.secrets.add("ml/login"),
            container_registry="ghcr.io/team",
            extra={"orchestrator": settings if names else {}},
        )

    def named(*changes: Callable[[World], Any], there: str = "runs", **more: str) -> Arrange:
        given = {"service_account_name": "runs", **more}
        return inside(
            lambda w: w.api.accounts.update({f"ml/{there}": {}}),
            *changes,
            extra={"orchestrator": given},
        )

    def asks_no_others(world: World) -> None:
        world.api.asks_for_others = False

    asked = "/listclusterusercredential"
    refused = answered(inside(), asked, forbidden)
    user = "Microsoft.ContainerService/managedClusters/listClusterUserCredential/action"
    not_given = inside(lambda w: w.azure.deny(user))
    untold = answered(inside(), asked, json_response({"kubeconfigs": [{"value": "?"}]}))
    gone = inside(lambda w: w.api.namespaces.clear())
    going = {"/api/v1/namespaces/ml": {"metadata": {"deletionTimestamp": "2026-11-28T09:00:00Z"}}}
    return [
        Case(name, OK, inside(), "the cluster has the namespace ml"),
        Case(name, OK, inside(like=entra), "the cluster has the namespace ml"),
        Case(name, FAIL, gone, "no namespace ml"),
        Case(name, FAIL, inside(lambda w: w.api.objects.update(going)), "is deleting the name"),
        Case(name, UNKNOWN, inside(answers(403)), "answered 403"),
        Case(name, UNKNOWN, inside(answers(401), like=entra), "answered 401"),
        Case(name, UNKNOWN, refused, "denied", _LOOPBACK),
        Case(
            name,
            UNKNOWN,
            not_given,
            "is denied",
            "Microsoft.ContainerService/managedClusters/listclusterusercredential/action",
        ),
        Case(name, UNKNOWN, untold, "could not be understood"),
        Case(rights, OK, inside(), "the connector may do in ml what ZenML does there"),
        Case(rights, OK, inside(like=entra), "these credentials themselves may do in ml"),
        Case(rights, FAIL, inside(denies("create jobs")), "may not create jobs in ml"),
        Case(rights, WARN, inside(denies("patch cronjobs")), "schedules will fail"),
        Case(rights, UNKNOWN, inside(denies("get pods"), like=entra), "as the local administrator"),
        Case(rights, UNKNOWN, inside(answers(500)), "answered 500"),
        Case(rights, UNKNOWN, refused, "denied", _LOOPBACK),
        Case(accounts, OK, named(), "ml has runs, and runs may make the steps' pods"),
        Case(accounts, FAIL, named(there="gone"), "the service account runs does not exist in ml"),
        Case(
            accounts,
            FAIL,
            named(step_pod_service_account_name="steps"),
            "the service account steps does not exist in ml",
        ),
        Case(accounts, FAIL, named(denies("create jobs")), "runs may not create jobs in ml"),
        Case(accounts, UNKNOWN, named(asks_no_others), "may do in ml was not seen"),
        Case(
            accounts,
            UNKNOWN,
            named(service_account_name="{{pods.account}}"),
            "in ZenML's secret {{pods.account}}",
        ),
        Case(accounts, UNKNOWN, named(answers(403)), "answered 403"),
        Case(pull, OK, foreign("login"), "have the image pull secret login"),
        Case(pull, FAIL, foreign("gone"), "ml has none of this name"),
        Case(pull, UNKNOWN, foreign(), "no image pull secret is named"),
    ]


def _cluster() -> list[Case]:
    aks = "Microsoft.ContainerService/managedClusters"
    unseen = answered(cluster(), "/managedclusters/prod", forbidden)
    exists, compute = "azure.cluster.exists", "azure.cluster.compute"
    local, reachable = "azure.cluster.local_accounts", "azure.cluster.reachable"
    identity, access = "azure.cluster.workload_identity", "azure.connector.cluster_access"

    def in_a_skipped_group(world: World) -> BaseSpec:
        cluster()(world)
        return world.kubernetes(infra="verify", resources={"group": "skip"})

    def pools(*found: dict[str, Any], **more: Any) -> Arrange:
        return cluster(agentPoolProfiles=list(found), **more)

    def profile(**found: Any) -> Arrange:
        return cluster(apiServerAccessProfile=found)

    def private(*changes: Callable[[World], Any]) -> Arrange:
        named = {"privateFQDN": "127.0.0.1:1", "fqdn": "public.invalid"}
        return cluster(*changes, apiServerAccessProfile={"enablePrivateCluster": True}, **named)

    def few(*changes: Callable[[World], Any]) -> Arrange:
        ranges = {"authorizedIPRanges": ["192.0.2.0/24"]}
        return cluster(*changes, apiServerAccessProfile=ranges, fqdn="127.0.0.1:1")

    def may(*actions: str) -> Callable[[World], Any]:
        return lambda w: w.may(w.cluster_id, {"actions": list(actions)})

    def placed(where: str | None) -> Callable[[World], Any]:
        return lambda w: w.cluster().update(location=where)

    def namespace(name: str) -> Arrange:
        def arrange(world: World) -> BaseSpec:
            world.fit_cluster()
            return world.kubernetes(namespace=name)

        return arrange

    linux = {"osType": "Linux", "vmSize": "Standard_D4s_v5", "provisioningState": "Succeeded",
             "powerState": {"code": "Running"}}  # fmt: skip
    wide = [f"{first}.0.0.0/8" for first in (11, 20, 52)]
    windows = {"name": "win", "count": 3, "osType": "Windows"}
    empty = {**linux, "name": "none", "count": 0}
    stopped = {**linux, "name": "off", "count": 2, "powerState": {"code": "Stopped"}}
    growing = {**linux, "name": "grows", "count": 0, "enableAutoScaling": True, "maxCount": 3}
    arm = {**linux, "name": "arm", "count": 1, "vmSize": "Standard_D4ps_v5"}
    tainted = {**linux, "name": "own", "count": 1, "nodeTaints": ["team=x:NoSchedule"]}
    version = "azure.cluster.version"
    offers = "/kubernetesversions"
    return [
        Case(exists, OK, cluster(), "it runs"),
        Case(exists, OK, in_a_skipped_group, "it runs"),
        Case(exists, WARN, cluster(provisioningState="Upgrading"), "Upgrading"),
        Case(exists, FAIL, cluster(powerState={"code": "Stopped"}), "it is stopped"),
        Case(exists, FAIL, cluster(provisioningState="Failed"), "Failed"),
        Case(exists, FAIL, lambda w: (w.azure.group(GROUP), w.kubernetes())[1], "ResourceNotFound"),
        Case(exists, UNKNOWN, cluster(powerState=None), "power None"),
        Case(exists, UNKNOWN, unseen, "says nothing about whether it exists", _LOOPBACK),
        Case(local, OK, cluster(), "it has local accounts"),
        Case(local, FAIL, cluster(disableLocalAccounts=True), "no other way"),
        Case(local, UNKNOWN, cluster(disableLocalAccounts=None), "does not say"),
        Case("azure.cluster.region", OK, cluster(placed("West Europe")), "West Europe"),
        Case("azure.cluster.region", WARN, cluster(placed("eastus")), "eastus"),
        Case("azure.cluster.region", UNKNOWN, cluster(placed(None)), "does not say"),
        Case(version, OK, cluster(), "Kubernetes 1.34.2 is supported"),
        Case(version, WARN, cluster(currentKubernetesVersion="1.30.9"), "extended support"),
        Case(version, FAIL, cluster(currentKubernetesVersion="1.29.15"), "does not offer"),
        Case(version, UNKNOWN, cluster(currentKubernetesVersion="1.35.0"), "does not tell"),
        Case(version, UNKNOWN, answered(cluster(), offers, forbidden), "denied", _LOOPBACK),
        Case(
            version,
            UNKNOWN,
            then(cluster(), lambda w: w.azure.resources.kubernetes.clear()),
            "are none",
        ),
        Case("azure.cluster.namespace", OK, namespace("default"), "the namespace default"),
        *_inside(),
        Case(compute, WARN, pools(arm, windows), "arm has ARM nodes"),
        Case(compute, FAIL, pools(tainted), "own has the taint team"),
        Case(compute, OK, cluster(), "pods can run in system"),
        Case(compute, OK, pools(windows, growing), "pods can run in grows"),
        Case(compute, OK, pools(nodeProvisioningProfile={"mode": "Auto"}), "makes nodes"),
        Case(compute, FAIL, pools(windows, empty, stopped), "none of its node pools"),
        Case(compute, FAIL, pools(growing | {"maxCount": 0}), "none of its node pools"),
        Case(compute, UNKNOWN, pools({"name": "odd"}), "how many nodes"),
        Case(compute, UNKNOWN, cluster(agentPoolProfiles=None), "which nodes"),
        Case(compute, UNKNOWN, cluster(agentPoolProfiles="many"), "nobody understands"),
        Case(reachable, WARN, cluster(), "open to every address"),
        Case(reachable, WARN, profile(authorizedIPRanges=["0.0.0.0/1", "128.0.0.0/1"]), "every"),
        Case(reachable, WARN, profile(authorizedIPRanges=wide), "a great part"),
        Case(reachable, UNKNOWN, profile(authorizedIPRanges=["nonsense"]), "that are none"),
        Case(reachable, WARN, private(), "this machine is not in its network"),
        Case(reachable, WARN, few(), "192.0.2.0/24 alone, and was not reached from here"),
        Case(reachable, OK, private(_here("privateFQDN")), "private address, and was reached"),
        Case(reachable, OK, few(_here("fqdn")), "192.0.2.0/24 alone, and was reached"),
        Case(reachable, UNKNOWN, cluster(fqdn=None), "where its API is"),
        Case(identity, OK, cluster(), "an identity of their own"),
        Case(identity, WARN, cluster(oidcIssuerProfile=None), "OIDC issuer"),
        Case(identity, WARN, cluster(securityProfile={}), "workload identity is off"),
        Case(identity, UNKNOWN, cluster(securityProfile="on"), "nobody understands"),
        *_pull("azure.cluster.pull", cluster),
        Case("azure.cluster.pull", UNKNOWN, cluster(identityProfile=None), "does not say which"),
        Case(access, OK, cluster(may(f"{aks}/*")), "(2 of 2"),
        Case(access, FAIL, cluster(may("*/read")), "listClusterAdminCredential"),
        Case(access, UNKNOWN, answered(cluster(), "/permissions", _BUSY), "throttled"),
    ]


CASES = [*_credentials(), *_bucket(), *_registry(), *_workspace(), *_cluster()]
