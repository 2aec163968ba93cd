"""What is made for a description on Azure, and under which names: pure."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitaru_iac.checks.probes import Denied, NotFound
from kitaru_iac.clouds.azure.answers import arm_error
from kitaru_iac.clouds.azure.provision import grants, holdings, names
from kitaru_iac.clouds.azure.provision.account import Account
from kitaru_iac.clouds.azure.provision.args import OUTPUTS
from kitaru_iac.clouds.azure.provision.grants import Role, Scope, Use
from kitaru_iac.clouds.azure.provision.kinds import ACCOUNT as STORAGE
from kitaru_iac.clouds.azure.provision.kinds import (
    ASSIGNMENT,
    CONTAINER,
    FEDERATION,
    IDENTITY,
    KINDS,
    LIFECYCLE,
    VAULT,
    WORKSPACE,
)
from kitaru_iac.clouds.azure.provision.kinds import GROUP as KIND_GROUP
from kitaru_iac.clouds.azure.provision.layout import Known, Layout, layout
from kitaru_iac.clouds.azure.provision.marked import claim_of
from kitaru_iac.clouds.azure.provision.own_policy import provision_policy
from kitaru_iac.clouds.azure.provision.ownership import NAME, claims
from kitaru_iac.clouds.azure.provision.target import account_for, passing, place_of, told_by
from kitaru_iac.clouds.outputs import filled
from kitaru_iac.clouds.provider import marks
from kitaru_iac.errors import DescriptionError
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.model import StackSpec
from kitaru_iac.spec.names import PATTERNS, azure_container, storage_account, workspace

SUBSCRIPTION, GROUP, REGION = "00000000-0000-0000-0000-000000000123", "ml", "westeurope"
PLACE = ("prod", SUBSCRIPTION, GROUP)
ACCOUNT = names.account_name(*PLACE)
REACHED: dict[str, Any] = {"endpoint_access": ["203.0.113.7/32"]}
STORE = f"abfs://kitaru-prod@{ACCOUNT}.dfs.core.windows.net"


def described(**more: Any) -> StackSpec:
    given = {
        "name": "prod", "type": "azureml", "region": REGION, "infra": "provision",
        "subscription_id": SUBSCRIPTION, "resource_group": GROUP,
    }  # fmt: skip
    return from_mapping({k: v for k, v in {**given, **more}.items() if v is not None})


def kubernetes(**more: Any) -> StackSpec:
    return described(**{"type": "kubernetes", "cluster": "aks", "artifact_store": "az://data",
                        "resources": {"bucket": "create"}, **more})  # fmt: skip


def aks(**more: Any) -> StackSpec:
    """A stack with a new cluster."""
    return described(**{"type": "kubernetes", "resources": {"cluster": "create"},
                        "infrastructure": REACHED, **more})  # fmt: skip


def local(**more: Any) -> StackSpec:
    return described(**{"type": "local", "artifact_store": "az://data",
                        "resources": {"bucket": "create"}, **more})  # fmt: skip


def made(spec: StackSpec, **more: Any) -> Layout:
    return layout(spec, SUBSCRIPTION, REGION, **more)


@given(st.from_regex(PATTERNS["name"], fullmatch=True))
def test_every_stack_gets_names_that_azure_takes(stack: str) -> None:
    place = (stack, SUBSCRIPTION, GROUP)
    assert storage_account(names.account_name(*place))
    assert re.fullmatch(r"[a-z0-9]{5,50}", names.registry_name(*place))
    assert re.fullmatch(r"[a-z](?!.*--)[a-z0-9-]{1,22}[a-z0-9]", names.vault_name(*place))
    assert azure_container(names.container_name(stack))
    assert workspace(names.workspace_name(stack))
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]{2,61}[a-z0-9]", names.insights_name(stack))


def test_names_stay_what_they_are() -> None:
    # Another name would be another resource: these must never change.
    assert ACCOUNT == "kitaruprod2b32317899"
    assert names.registry_name(*PLACE) == "kitaruprod2b32317899"
    assert names.vault_name(*PLACE) == "kv-prod-2b32317899"
    assert names.workspace_name("prod") == "kitaru-prod"
    guid = names.assignment_name("/x", Role.ACR_PULL.value, "me")
    assert guid == "15ce65e9-b090-56fd-adff-dcabec481386"


@pytest.mark.parametrize(
    "other",
    [("Prod", SUBSCRIPTION, GROUP), ("prod", SUBSCRIPTION[:-1] + "4", GROUP),
     ("prod", SUBSCRIPTION, "ml2")],
)  # fmt: skip
def test_other_places_have_other_names(other: tuple[str, str, str]) -> None:
    for name in (names.account_name, names.registry_name, names.vault_name):
        assert name(*PLACE) != name(*other)
    assert names.account_name("prod", SUBSCRIPTION.upper(), "ML") == ACCOUNT


def test_what_is_left_out_is_made() -> None:
    found = made(described(), tenant="t")
    assert (found.new_account, found.new_container) == (ACCOUNT, "kitaru-prod")
    assert found.new_registry == "kitaruprod2b32317899"
    assert (found.new_workspace, found.new_identity) == ("kitaru-prod", "kitaru-prod")
    assert found.new_vault == "kv-prod-2b32317899"
    assert found.artifact_store == STORE
    assert found.container_registry == "kitaruprod2b32317899.azurecr.io"
    assert not found.new_group
    assert found.args()["tenant"] == "t"


def test_a_description_that_was_filled_makes_the_same() -> None:
    first = made(described())
    keys = ("artifact_store", "container_registry", "cluster", "region", "workspace")
    outputs = {key: getattr(first, key) for key in keys}
    again = filled(described(), outputs)
    assert made(again) == first
    assert filled(again, outputs) == again


def test_what_is_named_is_used_and_not_made() -> None:
    spec = described(
        artifact_store="abfs://mine@team.dfs.core.windows.net/x",
        container_registry="team.azurecr.io",
        workspace="team-ml",
    )
    assert not made(spec).makes_anything


def test_a_new_workspace_has_an_account_of_its_own() -> None:
    """What exists is let alone: AzureML would make containers and file shares in it."""
    found = made(described(artifact_store="abfs://mine@team.dfs.core.windows.net/x"))
    assert (found.new_account, found.new_container) == (ACCOUNT, None)
    assert found.artifact_store == "abfs://mine@team.dfs.core.windows.net/x"


@pytest.mark.parametrize(
    ("uri", "account", "result"),
    [
        ("az://data/x", ACCOUNT, f"az://data@{ACCOUNT}.blob.core.windows.net/x"),
        ("abfs://data@mine.dfs.core.windows.net", "mine", "abfs://data@mine.dfs.core.windows.net"),
    ],
)
def test_a_named_container_is_made_where_it_is_said(uri: str, account: str, result: str) -> None:
    found = made(described(artifact_store=uri, resources={"bucket": "create"}))
    assert (found.new_account, found.new_container) == (account, "data")
    assert found.artifact_store == result
    again = from_mapping({"name": "x", "artifact_store": result, "type": "local"})
    assert str(again.artifact_store) == result


@pytest.mark.parametrize(
    ("spec", "field", "text"),
    [
        (lambda: aks(infrastructure={**REACHED, "min_nodes": 0}),
         "infrastructure.min_nodes", "one node at least"),
        (lambda: aks(resources={"cluster": "create", "role": "existing"}),
         "resources.role", "identity of its own"),
        (lambda: kubernetes(cluster=None), "cluster", "no cluster is named"),
        (lambda: kubernetes(resources={"role": "create"}), "resources.role", "only together"),
        (lambda: described(resources={"role": "skip"}), "resources.role", "identity of its own"),
        (lambda: described(workspace="w-x", resources={"role": "create"}),
         "resources.role", "only together"),
        (lambda: described(container_registry="abc.azurecr.io", resources={"registry": "create"}),
         "container_registry", "no registry `abc` can be made"),
        (lambda: described(infrastructure={"tags": {"a/b": "x"}}),
         "infrastructure.tags", "Azure takes no tag `a/b`"),
        (lambda: local(resource_group=None), "resource_group", "is missing"),
    ],
)  # fmt: skip
def test_what_cannot_be_made_is_said(spec: Any, field: str, text: str) -> None:
    with pytest.raises(DescriptionError) as refused:
        made(spec())
    assert [(p.field, text in p.what) for p in refused.value.problems] == [(field, True)]


def test_an_aks_cluster_that_exists_gets_store_and_registry() -> None:
    found = replace(made(kubernetes()), known=Known(principal="p"))
    assert (found.new_container, found.cluster, found.new_workspace) == ("data", "aks", None)
    assert found.new_registry
    assert found.args()["principal"] == "p"


def test_a_new_cluster_comes_with_store_and_registry() -> None:
    found = made(aks())
    assert (found.new_cluster, found.cluster) == ("kitaru-prod", "kitaru-prod")
    assert found.node_group == "kitaru-prod-nodes-2b32317899"
    assert (found.new_account, found.new_container) == (ACCOUNT, "kitaru-prod")
    assert (found.namespace, found.service_accounts) == (
        "default",
        ("zenml-service-account", "default"),
    )
    extra = {"orchestrator": {"service_account_name": "sa"}}
    other = made(aks(cluster="mine", namespace="ml", extra=extra))
    assert (other.new_cluster, other.namespace, other.service_accounts) == ("mine", "ml", ("sa",))
    filled_ = filled(aks(), {key: getattr(found, key) for key in OUTPUTS})
    assert made(filled_) == found


def test_the_identities_of_a_cluster_may_do_no_more_than_they_need() -> None:
    everything = {"account": True, "registry": True, "store": True, "images": True}
    found = grants.for_cluster(**everything, abac=False)
    at = {use: {(one.scope, one.role) for one in granted} for use, granted in found.items()}
    assert at == {
        Use.CONTROL: {(Scope.NODES, Role.MANAGED_IDENTITY_OPERATOR)},
        Use.NODES: {(Scope.REGISTRY, Role.ACR_PULL), (Scope.REGISTRY, Role.REPOSITORY_READER),
                    (Scope.IMAGES, Role.ACR_PULL)},
        Use.PODS: {(Scope.ACCOUNT, Role.BLOB_DATA_CONTRIBUTOR),
                   (Scope.STORE, Role.BLOB_DATA_CONTRIBUTOR)},
    }  # fmt: skip
    nothing = dict.fromkeys(everything, False)
    assert sum(map(len, grants.for_cluster(**nothing).values())) == 1


def test_a_local_stack_pushes_nothing() -> None:
    found = made(local())
    assert (found.new_container, found.new_registry, found.workspace) == ("data", None, None)


def test_names_that_may_be_taken_by_nothing_are_claimed_too() -> None:
    """Names of the world, and of what was deleted and can be recovered."""
    found = claims(made(described(resources={"group": "create"})))
    of_cluster = claims(made(aks()))
    types = [claim.type for claim in (*found, *of_cluster)]
    assert {t for t in types if t != NAME} == set(KINDS)
    assert [one.inputs["resourceName"] for one in of_cluster if one.type == IDENTITY] == [
        "kitaru-prod-control", "kitaru-prod-nodes", "kitaru-prod-pods",
    ]  # fmt: skip
    assert [one.inputs["of"] for one in of_cluster if "of" in one.inputs] == [GROUP]
    asked = {claim.inputs["type"] for claim in found if claim.type == NAME}
    assert {VAULT, WORKSPACE} < asked
    assert len(asked) == 4


def test_every_id_that_is_made_is_known_again() -> None:
    for claim in (*claims(made(described(resources={"group": "create"}))), *claims(made(aks()))):
        if claim.type != NAME:
            path = KINDS[claim.type].id_of(SUBSCRIPTION, claim.inputs)
            assert claim_of(path) == claim
            assert claim_of(path.replace("resourceGroups", "resourcegroups")) == claim
    assert claim_of(f"/subscriptions/{SUBSCRIPTION}") is None
    assert claim_of(names.resource_id(SUBSCRIPTION, GROUP, "Microsoft.X/things", "a")) is None


@pytest.mark.parametrize(
    "code",
    ["RoleAssignmentNotFound", "ManagementPolicyNotFound", "DeletedVaultNotFound", "ShareNotFound"],
)
def test_what_a_provider_calls_absent_by_a_code_of_its_own_is_absent(code: str) -> None:
    """Else no new vault's name is free, and no run that was cut off at a role goes on."""
    said = {"error": {"code": code, "message": "gone"}}
    assert isinstance(arm_error(404, said, "it"), NotFound)
    assert not isinstance(arm_error(403, said, "it"), NotFound)


class _Shares:
    """An account without blobs, whose only share holds so many bytes."""

    def __init__(self, used: int | None) -> None:
        self.used = used

    def list(self, path: str, *_: object, **__: object) -> Any:
        return ({"name": "code-1"},) if path.endswith("/fileServices/default/shares") else ()

    def get(self, path: str, *_: object, **query: object) -> Any:
        assert (path.rsplit("/", 1)[1], query["expand"]) == ("code-1", "stats")
        return {"properties": {} if self.used is None else {"shareUsageBytes": self.used}}


@pytest.mark.parametrize(
    ("used", "told"),
    [(0, None), (7, "its file share code-1 holds files"), (None, "may hold files")],
)
def test_an_account_with_notebooks_in_a_share_is_not_empty(
    used: int | None, told: str | None
) -> None:
    access: Any = _Shares(used)
    found = holdings.told(access, STORAGE, f"{SUBSCRIPTION}/storageAccounts/a")
    assert found is None if told is None else told in str(found)


class _Tagged:
    """Whatever is looked up is there, with our tags, in this region."""

    def __init__(self, location: str) -> None:
        self.location = location

    def resource(self, path: str, *_: object, **__: object) -> Any:
        return {"id": path, "location": self.location, "tags": marks("kitaru", "prod")}

    def get(self, path: str, *_: object, **__: object) -> Any:
        return {"id": path}


@pytest.mark.parametrize(
    ("location", "foreign"),
    [("westeurope", None), ("West Europe", None), ("northeurope", "it is in northeurope")],
)
@pytest.mark.parametrize("type_", [*KINDS, CONTAINER, LIFECYCLE, FEDERATION])
def test_what_is_in_another_region_is_not_taken_back_and_replaced(
    type_: str, location: str, foreign: str | None
) -> None:
    """Names have no region in them: a lost state, and another region in the description."""
    access: Any = _Tagged(location)
    account = Account(access, None, REGION, SUBSCRIPTION)
    names_ = dict.fromkeys({kind.name for kind in KINDS.values()}, "thing1")
    parts = {"containerName": "c-1", "managementPolicyName": "default",
             "federatedIdentityCredentialResourceName": "zenml"}  # fmt: skip
    seen = account.sight(type_, {**names_, **parts}, marks("kitaru", "prod"))
    assert seen is not None
    assert seen.foreign == foreign


class _Group:
    """A group that is ours, and a machine in it on which a policy wrote the group's tags."""

    def get(self, *_: object, **__: object) -> Any:
        return {"tags": marks("kitaru", "prod")}

    def list(self, path: str, *_: object, **__: object) -> Any:
        if path.endswith("/permissions"):
            return ({"actions": ["*"], "notActions": []},)
        kinds = (KINDS[IDENTITY].arm, "Microsoft.Compute/virtualMachines")
        return tuple({"type": kind, "name": "x", "tags": marks("kitaru", "prod")} for kind in kinds)


def test_what_inherits_the_tags_of_our_group_is_not_ours() -> None:
    access: Any = _Group()
    found = holdings.contents(access, KIND_GROUP, f"/subscriptions/{SUBSCRIPTION}/resourceGroups/g")
    assert found.others == "Microsoft.Compute/virtualMachines x"


@pytest.mark.parametrize("principal", [None, "p-2"])
def test_a_role_that_a_deleted_identity_left_is_a_name_that_is_taken(principal: str | None) -> None:
    """Azure keeps it, and refuses to make it another identity's, with half of the stack made."""
    scope = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/x/providers/Microsoft.X/things/a"
    known = Known(store_id=scope, images_id=scope, images_abac=True, principal=principal)
    found = [
        one for one in claims(replace(made(described()), known=known)) if one.type == ASSIGNMENT
    ]
    assert {one.inputs["scope"] for one in found} == {scope}
    assert [one.inputs["principalId"] for one in found] == [principal or ""] * 2
    assert len({one.inputs["roleAssignmentName"] for one in found}) == 2
    several = Known(store_id=scope, images_id=scope, images_abac=True, principals={"pods": "p-3"})
    of_cluster = claims(replace(made(aks()), known=several))
    whose = [one.inputs["principalId"] for one in of_cluster if one.type == ASSIGNMENT]
    assert whose == ["", "p-3"]
    assert not [one for one in claims(made(described())) if one.type == ASSIGNMENT]


class _Elsewhere:
    """Azure to whom may see another group of the subscription: lists are empty, and not refused."""

    def list(self, *_: object, **__: object) -> Any:
        return ()

    def resource(self, path: str, *_: object, **__: object) -> Any:
        raise Denied(f"{path} is denied")


def test_what_is_left_out_of_a_listing_is_not_said_to_be_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    access: Any = _Elsewhere()
    opened = Account(access, None, REGION, SUBSCRIPTION)
    monkeypatch.setattr(Account, "open", lambda *_: opened)
    for spec in (described(), kubernetes(), described(resources={"group": "create"})):
        found = account_for(spec).marked(marks("kitaru", "prod"))
        assert found.found == ()
        assert any(f"resourceGroups/{GROUP} is denied" in why for why in found.unseen)
        assert any(f"/{ACCOUNT} is denied" in why for why in found.unseen)


def test_a_registry_s_grants_fit_its_mode() -> None:
    def pulls(**more: Any) -> set[Role]:
        found = grants.for_identity(registry=False, images=True, **more)
        return {grant.role for grant in found if grant.scope is Scope.IMAGES}

    assert pulls(abac=True) == {Role.REPOSITORY_READER}
    assert pulls(abac=False) == {Role.ACR_PULL}
    assert pulls(abac=None) == {Role.ACR_PULL, Role.REPOSITORY_READER}
    ours = {g.role for g in grants.for_identity(registry=True) if g.scope is Scope.REGISTRY}
    assert ours == {Role.CONTRIBUTOR, Role.ACR_PULL, Role.REPOSITORY_READER}


def test_what_exists_is_granted_no_more_than_it_needs() -> None:
    found = grants.for_identity(registry=False, store=True, images=True)
    outside = {g.role for g in found if g.scope in {Scope.STORE, Scope.IMAGES}}
    assert outside == {Role.BLOB_DATA_CONTRIBUTOR, Role.ACR_PULL, Role.REPOSITORY_READER}
    assert grants.for_principal(account=False, registry=False) == ()
    names_ = [grant.name for grant in found]
    assert len(set(names_)) == len(names_)


def test_who_makes_a_cluster_may_make_what_it_is_made_of() -> None:
    names_, group = provision_policy(aks())["roleDefinitions"]
    for what in ("managedClusters/write", "userAssignedIdentities/assign/action",
                 "federatedIdentityCredentials/write"):  # fmt: skip
        assert any(action.endswith(what) for action in group["Actions"]), what
    assert not any("MachineLearning" in action for action in group["Actions"])
    condition = provision_policy(aks())["roleAssignments"][1]["condition"]
    for role in (Role.MANAGED_IDENTITY_OPERATOR, Role.ACR_PULL, Role.BLOB_DATA_CONTRIBUTOR):
        assert role in condition
    assert Role.CONTRIBUTOR not in condition
    assert "Microsoft.Storage/storageAccounts/read" not in names_["Actions"]


def test_who_makes_a_namespace_in_a_cluster_is_let_in() -> None:
    _, without = provision_policy(aks())["roleDefinitions"]
    _, group = provision_policy(aks(namespace="ml"))["roleDefinitions"]
    assert set(group["Actions"]) - set(without["Actions"]) == {
        "Microsoft.ContainerService/managedClusters/listClusterUserCredential/action"
    }
    assert not any("managedClusters/list" in action for action in without["Actions"])


def test_who_provisions_may_assign_these_roles_to_identities_alone() -> None:
    policy = provision_policy(described())
    names_, group = policy["roleDefinitions"]
    assert "Microsoft.KeyVault/deletedVaults/read" in names_["Actions"]
    assert not any("*" in action for action in names_["Actions"] + group["Actions"])
    assert "Microsoft.Resources/subscriptions/resourceGroups/delete" not in group["Actions"]
    where = {one["role"]: one for one in policy["roleAssignments"]}
    assert where[group["Name"]]["scope"] == f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}"
    condition = where[group["Name"]]["condition"]
    assert Role.KEY_VAULT_ADMINISTRATOR in condition
    assert "'ServicePrincipal'" in condition
    assert condition.count("(") == condition.count(")")

    small = provision_policy(local())
    assert "condition" not in small["roleAssignments"][1]
    assert not any("MachineLearning" in a for d in small["roleDefinitions"] for a in d["Actions"])
    whole = provision_policy(described(resources={"group": "create"}))
    assert whole["roleAssignments"][1]["scope"] == f"/subscriptions/{SUBSCRIPTION}"


@pytest.mark.parametrize(
    ("failure", "passes"),
    [
        ("Code=PrincipalNotFound: Principal 1 does not exist in the directory", True),
        ("The managed identity '/x' does not have read permission on the vault", True),
        ("AuthorizationFailed: The workspace's identity may not read '/x'", True),
        # Who provisions lacks a right on identities: that is no new identity's.
        (
            (
                "AuthorizationFailed: The client 'a' does not have authorization to perform "
                "'Microsoft.ManagedIdentity/userAssignedIdentities/write' for a managed identity"
            ),
            False,
        ),
        ("The client 'a' does not have authorization to assign a managed identity", False),
        ("AuthorizationFailed: The client 'a' does not have authorization", False),
        ("StorageAccountAlreadyTaken", False),
        ("Soft-deleted workspace exists. Please purge or recover it.", False),
    ],
)
def test_only_what_time_mends_is_tried_again(failure: str, passes: bool) -> None:
    assert (passing(failure) is not None) is passes


def test_where_a_deployment_is_follows_from_its_provider() -> None:
    inputs = {"subscriptionId": SUBSCRIPTION.upper(), "location": REGION}
    assert place_of(inputs) == {"subscription": SUBSCRIPTION, "region": REGION}
    assert place_of({}) == {"subscription": "", "region": ""}


def test_a_record_tells_its_subscription_or_nothing() -> None:
    """Without one, the only one in sight is asked, whosever it is."""
    assert told_by(described(subscription_id=SUBSCRIPTION.upper())) == {
        "subscription": {SUBSCRIPTION}
    }
    assert told_by(local(subscription_id=None)) == {"subscription": frozenset()}
