"""What roles allow: pure tables, and the assignments of somebody who does not look."""

from __future__ import annotations

from typing import Any

import pytest

from kitaru_iac.checks.model import CheckResult, CheckStatus
from kitaru_iac.clouds.azure.decisions import Answer, allows
from kitaru_iac.clouds.azure.observations import Role, roles_in
from tests.clouds.azure.world import OTHER, World

BLOB = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
LISTING = "Microsoft.Storage/storageAccounts/blobServices/containers/read"
PULL = "Microsoft.ContainerRegistry/registries/pull/read"
MANAGING = [{"tenantId": "99999999-0000-1111-2222-333333333333"}]
YES, CONDITIONAL, NO = Answer
UNSEEN = "not looked at: deny assignments, and grants of the last minutes"
NO_CONDITIONS = UNSEEN.replace(",", ", conditions of role assignments,")


@pytest.mark.parametrize(
    ("action", "data", "roles", "answer"),
    [
        (PULL, False, [], NO),
        (PULL, False, [Role(actions=(PULL,))], YES),
        (PULL.upper(), False, [Role(actions=(PULL,))], YES),
        (PULL, False, [Role(actions=("*",))], YES),
        (PULL, False, [Role(actions=("*/read",))], YES),
        (PULL, False, [Role(actions=("Microsoft.ContainerRegistry/*",))], YES),
        (PULL, False, [Role(actions=("Microsoft.ContainerRegistry/registries",))], NO),
        (PULL, False, [Role(actions=("MicrosoftxContainerRegistry/registries/pull/read",))], NO),
        (PULL, False, [Role(actions=("*",), not_actions=(PULL,))], NO),
        # What one role leaves out, another one may allow.
        (PULL, False, [Role(actions=("*",), not_actions=("*",)), Role(actions=(PULL,))], YES),
        # Owner has no right on data, and a data role none on the account.
        (f"{BLOB}/read", True, [Role(actions=("*",))], NO),
        (f"{BLOB}/read", True, [Role(data_actions=("*",))], YES),
        (PULL, False, [Role(data_actions=("*",))], NO),
        (f"{BLOB}/read", True, [Role(data_actions=("*",), not_data_actions=("*/read",))], NO),
        (PULL, False, [Role(actions=("*",), condition="x")], CONDITIONAL),
        (PULL, False, [Role(actions=("*",), condition="x"), Role(actions=(PULL,))], YES),
        (PULL, False, [Role(actions=(PULL,)), Role(actions=("*",), condition="x")], YES),
        (f"{PULL}/more", False, [Role(actions=(PULL,))], NO),
        (PULL, False, [Role(actions=(f"{PULL}*x",))], NO),
    ],
)
def test_what_roles_allow(action: str, data: bool, roles: list[Role], answer: Answer) -> None:
    assert allows(roles, action, data=data) is answer


def test_an_entry_of_permissions_may_hold_a_condition() -> None:
    entry = {"actions": ["*"], "condition": "@Resource[…]"}
    assert roles_in({"value": [entry]}, "value") == (
        Role(actions=("*",), condition="@Resource[…]"),
    )


def another(world: World) -> str:
    """A role for somebody else that holds what the store needs; returns its GUID."""
    world.fit_bucket()
    data = [f"{BLOB}/read", f"{BLOB}/write", f"{BLOB}/delete"]
    return world.azure.role_definition("store", actions=[LISTING], dataActions=data)


def found(world: World, identity: str = OTHER) -> tuple[CheckStatus, str]:
    spec = world.local(credentials=None)
    result = world.check(
        spec, "azure.connector.bucket_access", identity=identity, server="https://zenml.example"
    )
    return result.status, result.why


@pytest.mark.parametrize("at", ["account", "group", "subscription", "management", "root"])
def test_an_assignment_at_the_scope_or_above_counts(at: str, world: World) -> None:
    role = another(world)
    scopes = {
        "account": world.account_id,
        "group": f"{world.subscription}/resourceGroups/ml-platform".upper(),
        "subscription": world.subscription,
        "management": "/providers/Microsoft.Management/managementGroups/all",
        "root": "/",
    }
    world.azure.role_assignment(scopes[at], role, OTHER)
    status, why = found(world)
    assert (status, OTHER in why) == (CheckStatus.OK, True), why


def test_an_assignment_below_does_not_count_above(world: World) -> None:
    world.azure.role_assignment(world.container_id, another(world), OTHER)
    status, why = found(world)
    assert status is CheckStatus.FAIL
    assert LISTING in why  # listing the account's containers is asked of the account


def test_what_a_managing_tenant_is_delegated_is_no_assignment(world: World) -> None:
    world.fit_bucket()
    data = [f"{BLOB}/read", f"{BLOB}/write", f"{BLOB}/delete"]
    role = world.azure.role_definition("data", dataActions=data)
    world.azure.role_assignment(world.account_id, role, OTHER)
    status, why = found(world)
    assert (status, LISTING in why) == (CheckStatus.FAIL, True)
    world.azure.deny("Microsoft.Resources/subscriptions/read")
    status, why = found(world)
    assert (status, "Lighthouse), whose rights" in why) == (CheckStatus.UNKNOWN, True)
    world.azure.denied.clear()
    world.faults.change(world.subscription, lambda seen: seen.update(managedByTenants=MANAGING))
    status, why = found(world)
    assert (status, "is delegated (Azure Lighthouse)" in why) == (CheckStatus.UNKNOWN, True)


def test_a_namesakes_scope_is_not_above(world: World) -> None:
    role = another(world)
    world.azure.role_assignment(world.account_id, role, OTHER)

    def elsewhere(listing: dict[str, Any]) -> None:
        for one in listing["value"]:
            one["properties"]["scope"] = world.account_id.removesuffix("data")

    world.faults.change("/roleassignments", elsewhere)
    assert found(world)[0] is CheckStatus.FAIL


def test_the_callers_own_roles_do_not_count_for_somebody_else(world: World) -> None:
    role = another(world)
    world.azure.role_assignment(world.account_id, role, world.caller)
    status, why = found(world)
    assert status is CheckStatus.FAIL
    assert f"no role of {OTHER}" in why


def test_a_conditional_assignment_is_unknown_unless_another_one_is_not(world: World) -> None:
    role = another(world)
    world.azure.role_assignment(world.account_id, role, OTHER, condition="@Resource[…]")
    assert found(world)[0] is CheckStatus.UNKNOWN
    world.azure.role_assignment(world.subscription, role, OTHER)
    assert found(world)[0] is CheckStatus.OK


def as_caller(world: World) -> CheckResult:
    return world.check(world.local(), "azure.connector.bucket_access")


def test_a_condition_counts_for_who_looks_though_azure_tells_their_rights_without(
    world: World,
) -> None:
    role = another(world)
    assert (as_caller(world).status, as_caller(world).caveat) == (CheckStatus.OK, UNSEEN)
    world.azure.role_assignment(world.account_id, role, OTHER, condition="@Resource[…]")
    assert as_caller(world).status is CheckStatus.OK  # somebody else's
    world.azure.role_assignment(world.container_id, role, world.caller, condition="@Resource[…]")
    limited = as_caller(world)
    assert (limited.status, "under a condition" in limited.why) == (CheckStatus.UNKNOWN, True)
    assert LISTING not in limited.why  # of the account, above the assignment
    world.azure.role_assignment(world.subscription, role, world.caller)
    assert as_caller(world).status is CheckStatus.OK


@pytest.mark.parametrize("kind", ["roleAssignments", "roleDefinitions"])
def test_conditions_that_may_not_be_read_are_said_to_be_unseen(kind: str, world: World) -> None:
    world.azure.role_assignment(world.account_id, another(world), world.caller, condition="x")
    world.azure.deny(f"Microsoft.Authorization/{kind}/read")
    result = as_caller(world)
    assert (result.status, result.caveat) == (CheckStatus.OK, NO_CONDITIONS)


def test_a_role_that_is_no_assignment_is_what_azure_says(world: World) -> None:
    """One by delegation (Azure Lighthouse) is told with the caller's rights, and not listed."""
    world.fit_bucket()
    role = world.azure.role_definition("other", actions=["Microsoft.Web/sites/read"])
    world.azure.role_assignment(world.account_id, role, world.caller, condition="x")
    assert as_caller(world).status is CheckStatus.OK


def test_one_who_is_told_to_be_the_caller_is_asked_as_the_caller(world: World) -> None:
    world.fit_bucket()
    assert found(world, world.caller.upper())[0] is CheckStatus.OK
    assert any(call.endswith("/permissions") for call in world.faults.calls)


def test_only_who_is_no_service_principal_has_to_list_the_registries(world: World) -> None:
    world.fit_registry()
    acr = "Microsoft.ContainerRegistry/registries"
    role = world.azure.role_definition("push", actions=[f"{acr}/pull/read", f"{acr}/push/write"])
    world.azure.role_assignment(world.registry_id, role, OTHER)

    def look(**how: Any) -> CheckResult:
        spec = world.azureml(credentials=None, **how)
        name = "azure.connector.registry_access"
        return world.check(spec, name, identity=OTHER, server="https://zenml.example")

    known, existing = look(), look(connector="team")
    assert (known.status, existing.status) == (CheckStatus.FAIL, CheckStatus.UNKNOWN)
    for one in (known, existing):
        assert f"allows {acr}/read" in one.why
        assert "--role Reader" in str(one.remedy)


def test_an_application_is_no_object(world: World) -> None:
    world.fit_bucket()
    status, why = found(world, "arn:aws:iam::123456789012:role/x")
    assert status is CheckStatus.UNKNOWN
    assert "no object id" in why


def test_a_servers_own_identity_is_not_this_process(world: World) -> None:
    world.fit_bucket()
    spec = world.azureml(credentials="azure-managed-identity")
    result = world.check(spec, "azure.connector.bucket_access", server="https://zenml.example")
    assert result.status is CheckStatus.UNKNOWN
    assert "its own Azure identity" in result.why


@pytest.mark.parametrize("call", ["/roleassignments", "/roledefinitions/"])
def test_assignments_that_may_not_be_read_are_unknown(call: str, world: World) -> None:
    world.azure.role_assignment(world.account_id, another(world), OTHER)
    permission = f"Microsoft.Authorization{call.rstrip('/')}/read"
    world.azure.deny(permission)
    spec = world.local(credentials=None)
    result = world.check(spec, "azure.connector.bucket_access", identity=OTHER, server="https://z")
    assert (result.status, (result.missing_permission or "").lower()) == (
        CheckStatus.UNKNOWN,
        permission.lower(),
    )
