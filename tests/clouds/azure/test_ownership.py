"""Whose what exists in Azure is, what keeps a name, and what holds data: asked of the double."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from kitaru_iac.checks.probes import Denied, NotFound
from kitaru_iac.clouds.azure.provision import names, target
from kitaru_iac.clouds.azure.provision.account import Account
from kitaru_iac.clouds.azure.provision.kinds import (
    ACCOUNT,
    ASSIGNMENT,
    CLUSTER,
    CONTAINER,
    GROUP,
    IDENTITY,
    KINDS,
    LIFECYCLE,
    REGISTRY,
    VAULT,
    WORKSPACE,
)
from kitaru_iac.clouds.azure.provision.layout import Known, layout
from kitaru_iac.clouds.azure.provision.ownership import NAME, claims
from kitaru_iac.clouds.provider import Claim, Sighting, marks
from kitaru_iac.errors import DescriptionError, KitaruError, NotAllowedError
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.credentials import parse_credentials
from tests.clouds.azure.world import World

HERE, REGION = "ml", "westeurope"
OURS = marks("kitaru", "prod")
DENIED = {
    ACCOUNT: "Microsoft.Storage/storageAccounts/read",
    NAME: "Microsoft.KeyVault/deletedVaults/read",
}


@pytest.fixture
def account(world: World) -> Account:
    world.azure.group(HERE)
    return Account.open(None, world.azure.subscription_id, REGION)


def inputs(type_: str, name: str) -> dict[str, str]:
    return {"resourceGroupName": HERE, KINDS[type_].name: name}


def planted(world: World, type_: str, name: str, tags: dict[str, str] | None = None) -> str:
    """Something in our group; returns its id."""
    kind = KINDS[type_]
    found = world.azure.resources.put(
        *(world.azure.group(HERE), kind.arm, name, REGION),
        tags=tags or {},
        properties={"provisioningState": "Succeeded"},
    )
    return str(found["id"])


def taken(account: Account, type_: str, name: str) -> Sighting | None:
    wanted = {**inputs(type_, name), "type": type_, "location": REGION}
    return account.sight(NAME, wanted, OURS)


@pytest.mark.parametrize("type_", [t for t in KINDS if t != GROUP])
def test_what_carries_all_marks_is_ours_and_nothing_else(
    account: Account, world: World, type_: str
) -> None:
    assert account.sight(type_, inputs(type_, "thing1"), OURS) is None
    path = planted(world, type_, "thing1", OURS)
    seen = account.sight(type_, inputs(type_, "thing1"), OURS)
    assert seen == Sighting(path, f"{KINDS[type_].noun} thing1")
    planted(world, type_, "thing1", {**OURS, "pulumi-project": "theirs"})
    seen = account.sight(type_, inputs(type_, "thing1"), OURS)
    assert seen is not None
    assert seen.foreign == "it lacks the tags pulumi-project=kitaru"


def test_azure_does_not_tell_upper_from_lower_case_in_the_names_of_tags(
    account: Account, world: World
) -> None:
    planted(world, VAULT, "kv1", {key.upper(): value for key, value in OURS.items()})
    seen = account.sight(VAULT, inputs(VAULT, "kv1"), OURS)
    assert seen is not None
    assert seen.foreign is None


def test_what_may_not_be_looked_at_is_not_said_to_be_free(account: Account, world: World) -> None:
    """Azure decides whether one may before it looks whether the thing exists."""
    world.azure.deny(DENIED[ACCOUNT])
    with pytest.raises(KitaruError, match="cannot be told") as refused:
        account.sight(ACCOUNT, inputs(ACCOUNT, "abc"), OURS)
    assert DENIED[ACCOUNT] in str(refused.value.why)
    world.azure.deny(DENIED[NAME])
    with pytest.raises(KitaruError, match="cannot be told"):
        taken(account, VAULT, "kv1")


@pytest.mark.parametrize("type_", [ACCOUNT, REGISTRY, VAULT])
def test_a_name_of_the_world_may_be_a_stranger_s(
    account: Account, world: World, type_: str
) -> None:
    assert taken(account, type_, "name12") is None
    world.azure.resources.writes.strangers.add("name12")
    seen = taken(account, type_, "name12")
    assert seen is not None
    assert "names are the world's" in str(seen.foreign)
    planted(world, type_, "name12")  # what is there is told by itself
    assert taken(account, type_, "name12") is None


def deleted(world: World, type_: str, name: str) -> None:
    path = planted(world, type_, name, OURS)
    resources = world.azure.resources
    resources.writes.deleted[path.lower()] = resources.resources.pop(path.lower())


def test_a_deleted_vault_keeps_its_name_with_both_ways_out(account: Account, world: World) -> None:
    deleted(world, VAULT, "kv1")
    assert account.sight(VAULT, inputs(VAULT, "kv1"), OURS) is None
    seen = taken(account, VAULT, "kv1")
    assert seen is not None
    for way in ("az keyvault recover --name kv1", "--take-back", "az keyvault purge --name kv1"):
        assert way in str(seen.foreign)
    assert "2030-01-08" in str(seen.foreign)
    assert "--location westeurope" in str(seen.foreign)
    # The vault's name has no region in it, nor does a stack's: it may have been moved.
    for one in world.azure.resources.writes.deleted.values():
        one["location"] = "northeurope"
    seen = taken(account, VAULT, "kv1")
    assert seen is not None
    assert str(seen.foreign).count("--location northeurope") == 2
    assert "run this in northeurope with --take-back" in str(seen.foreign)
    assert "has nothing in westeurope yet" in str(seen.foreign)  # a state stays in its region


def test_a_deleted_workspace_keeps_its_name_with_all_ways_out(
    account: Account, world: World
) -> None:
    deleted(world, WORKSPACE, "w-1")
    seen = taken(account, WORKSPACE, "w-1")
    assert seen is not None
    for way in ("Recently deleted", "--permanently-delete", "workspace: create"):
        assert way in str(seen.foreign)
    assert taken(account, WORKSPACE, "w-2") is None
    # The listing is not documented: where it is not offered, nothing is concluded.
    world.azure.resources.writes.lists_workspaces = False
    assert taken(account, WORKSPACE, "w-1") is None
    path = planted(world, WORKSPACE, "w-1", OURS)
    stored = world.azure.resources.resources[path.lower()]
    stored["properties"]["provisioningState"] = "SoftDeleted"
    assert account.sight(WORKSPACE, inputs(WORKSPACE, "w-1"), OURS) is None
    assert taken(account, WORKSPACE, "w-1") is not None


def test_a_container_is_whose_its_account_is(account: Account, world: World) -> None:
    asked = {**inputs(ACCOUNT, "data12"), "containerName": "c-1"}
    assert account.sight(CONTAINER, asked, OURS) is None
    path = planted(world, ACCOUNT, "data12")
    assert account.sight(CONTAINER, asked, OURS) is None
    resources = world.azure.resources
    resources.put(f"{path}/blobServices/default", "containers", "c-1", None, properties={})
    seen = account.sight(CONTAINER, asked, OURS)
    assert seen is not None
    assert seen.foreign is not None
    resources.resources[path.lower()]["tags"] = OURS
    seen = account.sight(CONTAINER, asked, OURS)
    assert seen is not None
    assert (seen.id, seen.foreign) == (f"{path}/blobServices/default/containers/c-1", None)
    rules = {**inputs(ACCOUNT, "data12"), "managementPolicyName": "default"}
    assert account.sight(LIFECYCLE, rules, OURS) is None
    resources.put(path, "managementPolicies", "default", None, properties={})
    seen = account.sight(LIFECYCLE, rules, OURS)
    assert seen is not None
    assert (seen.id, seen.foreign) == (f"{path}/managementPolicies/default", None)


def test_a_role_assignment_is_ours_where_it_is_our_identity_s(
    account: Account, world: World
) -> None:
    scope = planted(world, REGISTRY, "images")
    path = world.azure.role_assignment(scope, "r", "me")
    asked = {"scope": scope, "roleAssignmentName": path.rsplit("/", 1)[1], "principalId": "me"}
    seen = account.sight(ASSIGNMENT, asked, OURS)
    assert seen is not None
    assert (seen.id, seen.foreign) == (path, None)
    seen = account.sight(ASSIGNMENT, {**asked, "principalId": "you"}, OURS)
    assert seen is not None
    assert str(seen.foreign).startswith("it is of the principal me, ")
    assert account.sight(ASSIGNMENT, {**asked, "roleAssignmentName": "x"}, OURS) is None


@pytest.mark.parametrize("type_", [*KINDS, CONTAINER, LIFECYCLE, ASSIGNMENT])
def test_what_is_not_named_yet_is_not_looked_up(account: Account, type_: str) -> None:
    """In a plan, names may follow from what is not made yet."""
    assert account.sight(type_, {"tags": "x"}, OURS) is None


# -- what holds data -------------------------------------------------------------------------------


def group_path(world: World) -> str:
    return f"{world.subscription}/resourceGroups/{HERE}"


def test_blobs_and_images_are_seen(account: Account, world: World) -> None:
    world.azure.container("data12", "c-1", HERE)
    path = f"{group_path(world)}/providers/{KINDS[ACCOUNT].arm}/data12"
    assert account.holds(ACCOUNT, path) is None
    world.azure.blobs.accounts["data12"]["c-1"]["a"] = b"1"
    assert account.holds(ACCOUNT, path) == "its container c-1 holds blobs"
    world.azure.deny("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read")
    assert str(account.holds(ACCOUNT, path)).startswith("it may hold data")
    registry = planted(world, REGISTRY, "images", OURS)
    assert account.holds(REGISTRY, registry) is None
    world.azure.resources.writes.stored["images"] = 5
    assert account.holds(REGISTRY, registry) == "it holds images"
    assert account.holds(VAULT, "/x") is None
    assert account.holds(ACCOUNT, f"{path}gone") is None


def test_a_group_holds_what_others_made_and_our_data(account: Account, world: World) -> None:
    world.azure.resources.groups[HERE]["tags"] = OURS
    path = group_path(world)
    planted(world, IDENTITY, "mine", OURS)
    assert account.holds(GROUP, path) is None
    account.empty(GROUP, path)
    registry = planted(world, REGISTRY, "images", OURS)
    world.azure.resources.writes.stored["images"] = 5
    assert account.holds(GROUP, path) == "it has images: it holds images"
    account.empty(GROUP, path)  # said to go with its data
    assert account.others_in(GROUP, path) is None
    planted(world, VAULT, "theirs", {"team": "x"})
    assert "theirs" in str(account.holds(GROUP, path))
    # That keeps it, whatever is said of its data: a plan that drops it would be refused half-way.
    assert "theirs" in str(account.others_in(GROUP, path))
    assert account.others_in(ACCOUNT, path) is None
    with pytest.raises(KitaruError, match="theirs") as refused:
        account.empty(GROUP, path)
    assert "Nothing was deleted" in str(refused.value.why)
    assert registry


def test_what_azure_adds_to_a_group_by_itself_is_nobody_s(account: Account, world: World) -> None:
    world.azure.resources.groups[HERE]["tags"] = OURS
    for kind, name in (
        ("Microsoft.Insights/actiongroups", "Application Insights Smart Detection"),
        ("microsoft.alertsmanagement/smartDetectorAlertRules", "Failure Anomalies - kitaru-prod"),
    ):
        world.azure.resources.put(world.azure.group(HERE), kind, name, "global", tags={})
    assert account.holds(GROUP, group_path(world)) is None


# -- what carries the marks ------------------------------------------------------------------------


def test_all_that_carries_the_marks_is_found(account: Account, world: World) -> None:
    assert account.marked(OURS).found == ()
    ours = {planted(world, VAULT, "kv1", OURS), planted(world, WORKSPACE, "w-1", OURS)}
    planted(world, REGISTRY, "images", {**OURS, "pulumi-project": "theirs"})
    world.azure.resources.groups[HERE]["tags"] = OURS
    found = account.marked(OURS)
    assert {sight.id for sight in found.found} == {*ours, group_path(world)}
    assert found.unseen == ()
    # A listing leaves out what one may not see, and what is asked for by name is refused.
    world.azure.deny("Microsoft.KeyVault/vaults/read")
    named = Claim(VAULT, inputs(VAULT, "kv1"))
    found = replace(account, named=(named,)).marked(OURS)
    assert len(found.unseen) == 1


def test_what_aks_made_for_nodes_goes_with_the_cluster(account: Account, world: World) -> None:
    cluster = planted(world, CLUSTER, "c", OURS)
    nodes = world.azure.group("nodes")
    world.azure.resources.groups["nodes"] |= {"managedBy": cluster, "tags": OURS}
    for kind in ("Microsoft.Compute/virtualMachineScaleSets", KINDS[IDENTITY].arm):
        world.azure.resources.put(nodes, kind, "pool", REGION, tags=OURS)
    # What is of a kind that is not looked up by itself is told by its tags, each of them.
    for name, project in (("disk", "kitaru"), ("other", "theirs")):
        world.azure.resources.put(
            world.azure.group(HERE), "Microsoft.Compute/disks", name, REGION,
            tags={**OURS, "pulumi-project": project},
        )  # fmt: skip
    found = {sight.id.rsplit("/", 1)[1] for sight in account.marked(OURS).found}
    assert found == {"c", "disk"}


def test_a_group_of_which_a_part_is_hidden_is_not_empty(account: Account, world: World) -> None:
    world.azure.resources.groups[HERE]["tags"] = OURS
    path = group_path(world)
    for actions, not_actions, holds in (
        (["*"], ["Microsoft.Authorization/*/Write"], None),
        (["*/read", "Microsoft.Storage/*"], [], None),
        (["Microsoft.Resources/*"], [], "may not see all that is in the group"),
        (["*"], ["Microsoft.KeyVault/*"], "may not see all that is in the group"),
        (["*"], ["Microsoft.KeyVault/vaults/read"], "may not see all that is in the group"),
    ):
        rights = {"actions": actions, "notActions": not_actions}
        world.azure.resources.permissions[path.lower()] = [rights]
        assert (holds or "None") in str(account.holds(GROUP, path))
        assert (holds or "None") in str(account.others_in(GROUP, path))
    planted(world, VAULT, "theirs", {"team": "x"})
    world.azure.deny("Microsoft.KeyVault/vaults/read")
    with pytest.raises(KitaruError, match="cannot be told"):
        account.empty(GROUP, path)


# -- the place -------------------------------------------------------------------------------------


def described(world: World, **more: Any) -> Any:
    given = {
        "name": "prod", "type": "azureml", "region": REGION, "infra": "provision",
        "subscription_id": world.azure.subscription_id, "resource_group": HERE,
    }  # fmt: skip
    return from_mapping({**given, **more})


def test_the_place_is_looked_at_with_all_its_faults(account: Account, world: World) -> None:
    del account
    world.azure.resources.registrations["microsoft.keyvault"] = "NotRegistered"
    spec = described(world, resource_group="nowhere", resources={"role": "skip"})
    with pytest.raises(DescriptionError) as refused:
        target.target(spec)
    assert [p.field for p in refused.value.problems] == ["resources.role"]
    with pytest.raises(DescriptionError) as refused:
        target.target(described(world, resource_group="nowhere"))
    by_field = {p.field: p for p in refused.value.problems}
    assert set(by_field) == {"subscription_id", "resource_group"}
    assert "Microsoft.KeyVault" in by_field["subscription_id"].what
    place = f"--subscription {world.azure.subscription_id}  #"
    group = f"az group create --name nowhere --location {REGION} {place}"
    assert group in str(by_field["resource_group"].remedy)
    assert f"--wait {place}" in str(by_field["subscription_id"].remedy)
    # Whoever may not look is not stopped; and a group that is made need not be there.
    world.azure.deny("Microsoft.Resources/subscriptions/providers/read")
    assert target.target(
        described(world, resource_group="nowhere", resources={"group": "create"})
    ).makes_anything


def test_other_credentials_do_not_see_the_subscription(world: World) -> None:
    with pytest.raises(NotAllowedError):
        Account.open(None, "99999999-0000-0000-0000-000000000000", REGION)
    only = Account.open(None, None, REGION)
    assert only.place == {"subscription": world.azure.subscription_id, "region": REGION}


def test_the_engine_s_plugin_is_the_identity_that_looked(
    account: Account, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARM_CLIENT_ID", "somebody else")
    told = account.environment()
    assert told["ARM_CLIENT_ID"] == told["ARM_USE_MSI"] == ""
    assert "AZURE_CLIENT_SECRET" not in told
    given = parse_credentials(
        f"azure-service-principal:{world.azure.tenant_id}:{world.azure.client_id}:a-secret"
    )
    told = Account(account._access, given, REGION, "s").environment()
    for prefix in ("ARM", "AZURE"):
        assert told[f"{prefix}_CLIENT_ID"] == world.azure.client_id
        assert told[f"{prefix}_CLIENT_SECRET"] == "a-secret"
        assert told[f"{prefix}_TENANT_ID"] == world.azure.tenant_id


def test_what_exists_and_is_granted_on_is_looked_up(account: Account, world: World) -> None:
    world.azure.storage_account("team12", "other")
    world.azure.registry("images", "other", roleAssignmentMode="AbacRepositoryPermissions")
    spec = described(
        world,
        artifact_store="abfs://data@team12.dfs.core.windows.net",
        container_registry="images.azurecr.io",
    )

    def look() -> Known:
        return account.known(spec, layout(spec, account.subscription, REGION))

    found = look()
    assert str(found.store_id).endswith("/resourceGroups/other/providers/"
                                        "Microsoft.Storage/storageAccounts/team12")  # fmt: skip
    assert found.images_abac is True
    assert found.principal is None
    path = planted(world, IDENTITY, "kitaru-prod", OURS)
    world.azure.resources.resources[path.lower()]["properties"] = {"principalId": "who"}
    assert look().principal == "who"
    world.azure.deny("Microsoft.ContainerRegistry/registries/read")
    with pytest.raises(KitaruError, match="nothing is granted on a guess"):
        look()


@pytest.mark.parametrize("kind", ["workspace", "cluster"])
def test_who_runs_the_steps_of_what_exists_is_looked_up(
    account: Account, world: World, kind: str
) -> None:
    world.azure.workspace("team-ml", HERE)
    path = f"{group_path(world)}/providers/{KINDS[WORKSPACE].arm}/team-ml".lower()
    stored = world.azure.resources.resources[path]
    stored["identity"]["principalId"] = "who"
    world.azure.cluster("aks", HERE, identityProfile={"kubeletidentity": {"objectId": "who"}})
    more: dict[str, dict[str, Any]] = {
        "workspace": {"workspace": "team-ml"},
        "cluster": {"type": "kubernetes", "cluster": "aks"},
    }
    spec = described(world, **more[kind])
    assert account.known(spec, layout(spec, account.subscription, REGION)) == Known(principal="who")
    assert target.target(spec).notes == ()
    # Identities without a primary one, and a service principal.
    stored["identity"] = {"type": "UserAssigned", "userAssignedIdentities": {"/a": {}, "/b": {}}}
    aks = f"{group_path(world)}/providers/{KINDS[CLUSTER].arm}/aks".lower()
    world.azure.resources.resources[aks]["properties"]["identityProfile"] = None
    (note,) = target.target(spec).notes
    for words in ("does not tell which identity", "Storage Blob Data Contributor", "AcrPull",
                  "Container Registry Repository Reader", "/registries/", "OBJECT_ID"):  # fmt: skip
        assert words in note


def test_a_new_cluster_is_to_have_the_namespace_that_not_every_one_has(
    account: Account, world: World
) -> None:
    world.fit_cluster()
    more: dict[str, Any] = {"type": "kubernetes", "resources": {"cluster": "create"}}
    more["infrastructure"] = {"endpoint_access": ["203.0.113.7/32"]}
    assert target.target(described(world, **more)).namespace is None
    wanted = target.target(described(world, **more, namespace="ml")).namespace
    assert wanted is not None
    assert (wanted.name, wanted.cluster) == ("ml", "kitaru-prod")
    assert wanted.by_hand == (
        f"az aks get-credentials --name kitaru-prod --admin --resource-group {HERE} "
        f"--subscription {world.azure.subscription_id} && kubectl create namespace ml"
    )
    with pytest.raises(NotFound):
        wanted.api()  # it is yet to be made
    path = world.cluster_id.split("/")
    open_it = partial(account.cluster_api, path[4], path[-1])
    assert open_it().namespace("ml") == "ml"
    assert open_it().make_namespace("new", {}) is True
    world.azure.deny("Microsoft.ContainerService/managedClusters/listClusterUserCredential/action")
    with pytest.raises(Denied):
        open_it()


def test_every_claim_of_a_whole_stack_can_be_looked_up(account: Account, world: World) -> None:
    spec = described(world, resources={"group": "create"})
    planned = layout(spec, account.subscription, REGION)
    look: Callable[[Any], Sighting | None] = lambda c: account.sight(c.type, c.inputs, OURS)  # noqa: E731
    found = [look(claim) for claim in claims(planned)]
    assert [seen.name for seen in found if seen] == [f"resource group {HERE}"]
    assert names.account_name("prod", account.subscription, HERE) == planned.new_account
