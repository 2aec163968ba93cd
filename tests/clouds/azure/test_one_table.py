"""One table feeds the policies and the checks: what is printed is enough for them, and no more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

import pytest

from kitaru_iac.checks.model import CheckStatus, run_checks
from kitaru_iac.checks.permissions import Identity
from kitaru_iac.clouds.azure.permission_table import (
    NOT_JUDGED,
    PERMISSIONS,
    Resource,
    When,
    is_data,
)
from kitaru_iac.clouds.azure.permissions import built_in, policies, policy
from kitaru_iac.clouds.azure.verify import checks_for
from kitaru_iac.infrastructure.verify import policy as printed
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.model import BaseSpec
from tests.clouds.azure.world import ACCOUNT, CONTAINER, GROUP, OTHER, World, ended
from tests.doubles.arm import SUBSCRIPTION_ID
from tests.doubles.azure_faults import forbidden
from tests.doubles.web import Handler, Request, Response


def describe(kind: str, **over: Any) -> BaseSpec:
    given: dict[str, Any] = {
        "name": "prod",
        "type": kind,
        "artifact_store": f"abfs://{CONTAINER}@teamdata.dfs.core.windows.net",
        "subscription_id": SUBSCRIPTION_ID,
    }
    if kind != "local":
        given |= {"container_registry": "team.azurecr.io", "resource_group": "ml-platform"}
    more = {"azureml": {"workspace": "team-ml"}, "kubernetes": {"cluster": "prod"}}
    given |= {"region": "westeurope"} | more.get(kind, {}) | over
    return from_mapping({key: value for key, value in given.items() if value is not None})


KINDS = ("local", "azureml", "kubernetes")


def granted(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Each action with the scope at which its role is assigned."""
    for role, assigned in zip(
        document["roleDefinitions"], document["roleAssignments"], strict=True
    ):
        assert assigned["role"] == role["Name"]
        for action in (*role["Actions"], *role["DataActions"]):
            yield action, assigned["scope"]


def known(scope: str) -> str:
    """A scope with what the description does not tell, as it is in the world."""
    told = {
        f"<group of the account of {CONTAINER}>": GROUP,
        f"<account of {CONTAINER}>": ACCOUNT,
        "<group of team.azurecr.io>": "images",
    }
    for unknown, name in told.items():
        scope = scope.replace(unknown, name)
    return scope


@pytest.mark.parametrize("kind", KINDS)
def test_actions_stand_where_azure_takes_them(kind: str) -> None:
    for document in policies(describe(kind)).values():
        for role in document["roleDefinitions"]:
            assert not any(is_data(action) for action in role["Actions"])
            assert all(is_data(action) for action in role["DataActions"])
            assert not any("*" in action for action in (*role["Actions"], *role["DataActions"]))
            assert role["AssignableScopes"] == [f"/subscriptions/{SUBSCRIPTION_ID}"]
            assert role["Actions"] or role["DataActions"]


@pytest.mark.parametrize("kind", KINDS)
def test_only_looking_for_things_is_granted_on_the_whole_subscription(kind: str) -> None:
    for document in policies(describe(kind)).values():
        for action, scope in granted(document):
            if scope == f"/subscriptions/{SUBSCRIPTION_ID}":
                assert action.endswith("/read")
                assert not is_data(action)


def test_what_is_not_told_stands_in_brackets_and_not_for_a_wider_scope() -> None:
    spec = describe("local", artifact_store="az://artifacts", subscription_id=None, region=None)
    scopes = {scope for _, scope in granted(policy(spec, Identity.CONNECTOR))}
    group = "/subscriptions/<subscription>/resourceGroups/<group of the account of artifacts>"
    account = f"{group}/providers/Microsoft.Storage/storageAccounts/<account of artifacts>"
    assert account in scopes
    actions = {action for action, _ in granted(policy(spec, Identity.CONNECTOR))}
    assert "Microsoft.Storage/storageAccounts/read" in actions
    named = {action for action, _ in granted(policy(describe("local"), Identity.CONNECTOR))}
    assert "Microsoft.Storage/storageAccounts/read" not in named


def test_a_service_principal_needs_no_listing_of_registries_and_its_steps_no_role() -> None:
    secret = f"azure-service-principal:{SUBSCRIPTION_ID}:{SUBSCRIPTION_ID}:secret"
    found = policies(describe("azureml", credentials=secret))
    assert sorted(found) == ["connector", "pull", "verify"]
    actions = {action for action, _ in granted(found["connector"])}
    assert "Microsoft.ContainerRegistry/registries/read" not in actions
    assert "secret" not in json.dumps(found)


def test_every_line_is_of_some_stack_and_named_once() -> None:
    used = {
        (identity, action)
        for kind in KINDS
        for store in (None, "az://artifacts")
        for identity, document in policies(
            describe(kind, **({"artifact_store": store} if store else {}))
        ).items()
        for action, _ in granted(document)
    }
    assert used == {(row.identity.value, row.action) for row in PERMISSIONS}
    lines = [(row.identity, row.resource, row.action, row.when) for row in PERMISSIONS]
    assert len(set(lines)) == len(lines)


def test_a_remedy_names_a_role_for_all_that_a_check_may_miss() -> None:
    for thing in set(Resource) - {Resource.GROUP}:
        for abac in (None, False, True):
            assert built_in(Identity.CONNECTOR, thing, abac=abac)
    assert built_in(Identity.PULL, Resource.REGISTRY, abac=True) != built_in(
        Identity.PULL, Resource.REGISTRY, abac=False
    )


@pytest.mark.parametrize("kind", ["azureml", "kubernetes"])
@pytest.mark.parametrize("mode", ["LegacyRegistryPermissions", "AbacRepositoryPermissions"])
def test_the_printed_roles_are_what_the_checks_ask_for(kind: str, mode: str, world: World) -> None:
    """With all of them every check is ok; without any one of them some check fails."""
    world.fit_workspace() if kind == "azureml" else world.fit_cluster()
    registry = world.azure.resources.resources[world.registry_id.lower()]
    registry["properties"]["roleAssignmentMode"] = mode
    spec = getattr(world, kind)(credentials=None, artifact_store=f"az://{CONTAINER}")
    runs = "workspace" if kind == "azureml" else "cluster"
    wanted = {f"azure.connector.{part}_access" for part in ("bucket", "registry", runs)}
    document = policy(spec, Identity.CONNECTOR)

    def statuses(*without: str) -> dict[str, CheckStatus]:
        for path in [p for p in world.azure.resources.resources if "/roleassignments/" in p]:
            del world.azure.resources.resources[path]
        for role, assigned in zip(
            document["roleDefinitions"], document["roleAssignments"], strict=True
        ):
            guid = world.azure.role_definition(
                role["Name"],
                actions=[a for a in role["Actions"] if a not in without],
                dataActions=[a for a in role["DataActions"] if a not in without],
            )
            world.azure.role_assignment(known(assigned["scope"]), guid, OTHER)
        checks = checks_for(spec, timeout=5, identity=OTHER, server="https://zenml.example")
        results = run_checks([one for one in checks if one.info.id in wanted], 6)
        return {r.id: r.status for r in results}

    assert statuses() == dict.fromkeys(wanted, CheckStatus.OK)
    other = When.ABAC if mode.startswith("Legacy") else When.ROLES
    of_no_use = {row.action for row in PERMISSIONS if row.when is other}
    not_judged = {action for who, action in NOT_JUDGED if who is Identity.CONNECTOR}
    # One of each check's at a time, since every round asks all three.
    by_check: dict[str, list[str]] = {name: [] for name in wanted}
    for action in sorted({action for action, _ in granted(document)}):
        of = {"Microsoft.Storage": "bucket", "Microsoft.ContainerRegistry": "registry"}
        part = of.get(action.partition("/")[0], runs)
        by_check[f"azure.connector.{part}_access"].append(action)
    for missing in zip_longest(*by_check.values()):
        ends = {
            name: CheckStatus.FAIL if one and one not in of_no_use | not_judged else CheckStatus.OK
            for name, one in zip(by_check, missing, strict=True)
        }
        assert statuses(*filter(None, missing)) == ends, missing


def test_every_printed_action_is_judged_or_says_why_not() -> None:
    """The connector's are tried one by one above, and those of whoever looks below.

    Those of whoever pulls are what `azure.workspace.pull` and `azure.cluster.pull` are about.
    """
    rows = {(row.identity, row.action) for row in PERMISSIONS}
    assert set(NOT_JUDGED) <= rows
    assert {row for row in rows if row[0] is Identity.RUNTIME} <= set(NOT_JUDGED)
    judged = {Identity.CONNECTOR, Identity.PULL, Identity.VERIFY}
    assert {identity for identity, _ in rows - set(NOT_JUDGED)} == judged


@pytest.mark.parametrize("kind", ["azureml", "kubernetes"])
def test_who_looks_needs_what_the_table_says_and_no_more(kind: str, world: World) -> None:
    world.fit_workspace() if kind == "azureml" else world.fit_cluster()
    world.own_keys()
    spec = getattr(world, kind)()
    world.report(spec, identity=OTHER)
    world.report(spec)
    asked = {
        operation(path)
        for host, _, path in (call.partition("/") for call in world.faults.calls)
        if host == "management.azure.com"
    }
    allowed = {action.lower() for action, _ in granted(policy(spec, Identity.VERIFY))}
    assert asked == allowed


def operation(path: str) -> str:
    """What somebody has to be allowed who reads this, in small letters."""
    kinds = path.lower().rpartition("providers/")[2].split("/")
    if "providers/" not in path.lower():
        name = "resourcegroups" in path.lower()
        return "microsoft.resources/subscriptions/" + ("resourcegroups/" * name) + "read"
    if len(kinds) == 1:
        return "microsoft.resources/subscriptions/providers/read"
    if kinds[-1].startswith("listcluster"):  # a question that is asked by a POST
        return "/".join([kinds[0], *kinds[1:-1:2], kinds[-1], "action"])
    return "/".join([kinds[0], *kinds[1::2], "read"])


@pytest.mark.parametrize("kind", ["azureml", "kubernetes"])
def test_the_printed_roles_show_all_to_who_looks(kind: str, world: World) -> None:
    """Nothing is answered but what they allow where they are assigned, and all ends as before."""
    world.fit_workspace() if kind == "azureml" else world.fit_cluster()
    world.azure.storage_account("otherdata", GROUP)
    spec = getattr(world, kind)(artifact_store=f"az://{CONTAINER}")
    before = [ended(world.report(spec, **whose)) for whose in ({}, {"identity": OTHER})]
    document = policy(spec, Identity.VERIFY)
    allowed = [(action.lower(), known(at).lower()) for action, at in granted(document)]
    refused: list[tuple[str, str]] = []

    def by(action: str, scope: str, request: Request, handler: Handler) -> Response:
        at = f"{scope.lower().rstrip('/')}/"
        if any(action == one and at.startswith(f"{where}/") for one, where in allowed):
            return handler(request)
        refused.append((action, scope))
        return forbidden(request, handler)

    world.faults.on_all(
        "management.azure.com", lambda r, handler: by(operation(r.path), r.path, r, handler)
    )
    listing = "microsoft.storage/storageaccounts/blobservices/containers/read"
    world.faults.on_all(
        f"{ACCOUNT}.blob", lambda r, handler: by(listing, world.container_id, r, handler)
    )
    after = [ended(world.report(spec, **whose)) for whose in ({}, {"identity": OTHER})]
    assert (after, refused) == (before, [])


@pytest.mark.parametrize("kind", KINDS)
def test_the_command_prints_them(kind: str) -> None:
    document = printed(describe(kind))
    assert document["cloud"] == "azure"
    assert document["trust"] == {}
    assert "verify" in document["policies"]  # type: ignore[operator]
    json.dumps(document)
