"""What follows from roles and failures on Azure, judged in tables without a cloud."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from kitaru_iac.checks.model import CheckStatus, Verdict, ok
from kitaru_iac.checks.permissions import Identity, Permission
from kitaru_iac.checks.probes import Denied, NotFound, Probe, ProbeError, Unavailable
from kitaru_iac.clouds.azure.answers import caller
from kitaru_iac.clouds.azure.decisions import Judged, judge, reads_all
from kitaru_iac.clouds.azure.explain import About, checklist, evaluate_region, evaluate_rights
from kitaru_iac.clouds.azure.observations import Principal, Rights, Role
from kitaru_iac.clouds.azure.permission_table import AzurePermission, Resource, When
from kitaru_iac.clouds.azure.resources import AzureResources
from kitaru_iac.spec.kinds import StackType

OK, WARN, FAIL, UNKNOWN = CheckStatus
SUBSCRIPTION = "00000000-1111-2222-3333-444444444444"
R = AzureResources("prod", StackType.AZUREML, SUBSCRIPTION, "ml", "westeurope")
ME = Principal("object-id", "me", kind="User")
READ, WRITE = "Microsoft.Storage/storageAccounts/read", "Microsoft.Storage/storageAccounts/write"
BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"


def needed(*actions: str, resource: Resource = Resource.ACCOUNT) -> tuple[AzurePermission, ...]:
    types = frozenset({StackType.AZUREML})
    return tuple(
        Permission(Identity.CONNECTOR, one, resource, "x", types, When.ALWAYS) for one in actions
    )


def rights(*roles: Role, who: Principal = ME) -> Rights:
    return Rights(who, "/the/scope", roles)


def test_what_is_needed_is_sorted_by_what_the_roles_say() -> None:
    held = rights(Role(actions=(READ,)), Role(data_actions=(BLOBS,), condition="x"))
    assert judge(held, needed(WRITE, READ, BLOBS)) == Judged((READ,), (BLOBS,), (WRITE,))
    assert judge(held, ()) == Judged()
    # Azure tells the roles of who looks without the conditions of their assignments.
    limits = (Role(actions=(READ, WRITE), condition="x"), Role(actions=(WRITE,)))
    all_of_it = Role(actions=("*",))
    held = replace(rights(all_of_it), assigned=limits)
    assert judge(held, needed(WRITE, READ, BLOBS)) == Judged((WRITE,), (READ,), (BLOBS,))
    assert judge(replace(held, roles=()), needed(READ)) == Judged((), (), (READ,))
    unlisted = replace(rights(all_of_it), assigned=(Role(actions=(WRITE,), condition="x"),))
    assert judge(unlisted, needed(READ)) == Judged((READ,))


@pytest.mark.parametrize(
    ("roles", "all_of_it"),
    [
        ((), False),
        ((Role(actions=("*",)),), True),
        ((Role(actions=("*/read",)),), True),
        ((Role(actions=("*/READ",)),), True),
        ((Role(actions=(READ, "*/read")),), True),
        ((Role(actions=(READ,)),), False),
        ((Role(data_actions=("*",)),), False),
        ((Role(actions=("*",), condition="x"),), False),
        ((Role(actions=("*",), condition="x"), Role(actions=("*/read",))), True),
        ((Role(actions=("*",), not_actions=("Microsoft.Authorization/*/Write",)),), True),
        ((Role(actions=("*",), not_actions=("a/delete", "b/action")),), True),
        ((Role(actions=("*",), not_actions=("a/delete", "b/read")),), False),
        ((Role(actions=("*",), not_actions=("Microsoft.Authorization/*",)),), False),
    ],
)
def test_a_listing_is_whole_where_nothing_is_left_out_of_reading(
    roles: tuple[Role, ...], all_of_it: bool
) -> None:
    assert reads_all(roles) is all_of_it


@pytest.mark.parametrize(
    ("seen", "status", "words"),
    [
        ([(rights(Role(actions=("*",))), needed(READ, WRITE))], OK, "me may do all that is needed"),
        ([(rights(Role(actions=("*",))), needed(READ, WRITE))], OK, "(2 of 2 operations)"),
        (
            [(rights(), needed(READ, WRITE))],
            FAIL,
            f"no role of me at /the/scope or above allows {READ}, {WRITE}",
        ),
        ([(rights(Role(actions=(READ,))), needed(READ, WRITE))], FAIL, f"allows {WRITE}"),
        (
            [(rights(Role(actions=(READ,))), needed(READ)), (rights(), needed(WRITE))],
            FAIL,
            f"allows {WRITE}",
        ),
        (
            [(rights(Role(actions=("*",), condition="x")), needed(READ))],
            UNKNOWN,
            f"me may {READ} under a condition of the role assignment only",
        ),
        (
            # What is certain at one scope makes the other's condition no more certain.
            [
                (rights(Role(actions=("*",), condition="x")), needed(READ)),
                (rights(Role(actions=("*",))), needed(WRITE)),
            ],
            UNKNOWN,
            f"me may {READ} under",
        ),
        ([], UNKNOWN, "nothing is known to be needed"),
        ([(rights(Role(actions=("*",))), ())], UNKNOWN, "nothing is known to be needed"),
    ],
)
def test_only_what_every_scope_allows_without_a_condition_is_ok(
    seen: list[Any], status: CheckStatus, words: str
) -> None:
    verdict = evaluate_rights(seen, Identity.CONNECTOR)
    assert verdict.status is status
    assert words in verdict.why
    assert bool(verdict.caveat) is (status is OK)
    assert bool(verdict.remedy) is (status is not OK)


@pytest.mark.parametrize("is_managed", [True, None, False])
def test_what_another_tenant_was_delegated_is_not_seen_to_be_missing(
    is_managed: bool | None,
) -> None:
    theirs = replace(rights(who=Principal("o", "theirs")), is_managed=is_managed)
    verdict = evaluate_rights([(theirs, needed(READ))], Identity.CONNECTOR)
    assert verdict.status is (FAIL if is_managed is False else UNKNOWN)
    assert ("Lighthouse" in verdict.why) is (is_managed is not False)
    assert ("was not seen" in verdict.why) is (is_managed is None)
    # Nothing on data is delegated, and nothing to what pulls the image, which is a resource's own.
    assert evaluate_rights([(theirs, needed(READ, BLOBS))], Identity.CONNECTOR).status is FAIL
    assert evaluate_rights([(theirs, needed(READ))], Identity.PULL).status is FAIL
    # The caller's own rights Azure tells itself.
    own = replace(theirs, principal=Principal("o", "me", True))
    assert evaluate_rights([(own, needed(READ))], Identity.CONNECTOR).status is FAIL


@pytest.mark.parametrize(
    ("claims", "kind", "name"),
    [
        ({"idtyp": "user", "upn": "me@x", "appid": "cli"}, "User", "me@x"),
        (
            {"idtyp": "user", "unique_name": "live.com#me@y", "appid": "cli"},
            "User",
            "live.com#me@y",
        ),
        ({"upn": "me@x", "appid": "cli"}, "User", "me@x"),
        ({"idtyp": "app", "appid": "app"}, "ServicePrincipal", "app"),
        ({"appid": "app"}, "ServicePrincipal", "app"),
    ],
)
def test_a_token_tells_a_person_from_an_application(
    claims: dict[str, str], kind: str, name: str
) -> None:
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    found = caller(f"e30.{part}.x")
    assert (found.kind, found.name) == (kind, name)


def test_a_remedy_assigns_a_role_to_the_very_principal() -> None:
    verdict = evaluate_rights([(rights(), needed(READ))], Identity.VERIFY)
    assert verdict.remedy == (
        "az role assignment create --assignee-object-id object-id --assignee-principal-type User "
        "--role Reader --scope /the/scope"
    )
    nobody = Principal(None, "somebody")
    verdict = evaluate_rights(
        [(rights(who=nobody), needed(READ, resource=Resource.GROUP))], Identity.CONNECTOR
    )
    assert verdict.remedy == (
        "az role assignment create --assignee-object-id OBJECT_ID --assignee-principal-type "
        "ServicePrincipal --role ROLE --scope /the/scope  # a role from: kitaru stack policy"
    )
    conditional = [(rights(Role(actions=("*",), condition="x")), needed(READ))]
    verdict = evaluate_rights(conditional, Identity.CONNECTOR)
    assert verdict.remedy == "az role assignment list --assignee object-id --all"
    held = Rights(ME, "/subscriptions/s-1/x", (Role(actions=("*",), condition="x"),))
    remedy = str(evaluate_rights([(held, needed(READ))], Identity.CONNECTOR).remedy)
    assert remedy.endswith("--all --subscription s-1")  # the listing is of one subscription
    assert "OBJECT_ID" in str(evaluate_rights([], Identity.CONNECTOR).remedy)


@pytest.mark.parametrize(
    ("seen", "described", "status"),
    [
        ({"location": "westeurope"}, "westeurope", OK),
        ({"location": "West Europe"}, "westeurope", OK),
        ({"location": "westeurope"}, "West Europe", OK),
        ({"location": "northeurope"}, "westeurope", WARN),
        ({"location": ""}, "westeurope", UNKNOWN),
        ({}, "westeurope", UNKNOWN),
    ],
)
def test_where_it_is_is_told_against_what_is_described(
    seen: dict[str, str], described: str, status: CheckStatus
) -> None:
    verdict = evaluate_region(seen, described, "az show", ": far away")
    assert verdict.status is status
    if status is WARN:
        assert verdict.why == "it is in northeurope, and the description says westeurope: far away"
        assert verdict.remedy == "az show  # or set region: northeurope"
    if status is UNKNOWN:
        assert verdict.remedy == "az show"


def explained(error: ProbeError, caller: Any, r: AzureResources = R, **more: Any) -> Verdict:
    probes: Any = SimpleNamespace(caller=Probe("who", lambda: caller))
    about = About(checklist(probes, r), "the store", more.pop("create", None))
    about.add("azure.bucket.exists", Probe("look", lambda: 1), lambda _: ok("there"), **more)
    (check,) = about.made
    assert check.on_error is not None
    verdict = check.on_error(error, caller)
    assert verdict is not None
    return verdict


DENIED = Denied("403", permission="a/read")
WHO = "az account show"


@pytest.mark.parametrize(
    ("error", "caller", "subscription", "remedy"),
    [
        (
            DENIED,
            ME,
            SUBSCRIPTION,
            "  # by an owner; or a role with a/read alone: kitaru stack policy",
        ),
        (Denied("403"), ME, SUBSCRIPTION, "  # by an owner"),
        (DENIED, ME, None, f"{WHO}  # and have a/read granted"),
        (Denied("403"), ME, None, f"{WHO}  # and have Reader granted"),
        (DENIED, Unavailable("503"), SUBSCRIPTION, f"{WHO}  # and have a/read granted"),
        (Unavailable("503"), ME, SUBSCRIPTION, WHO),
        (Unavailable("503", "wait"), ME, SUBSCRIPTION, "wait"),
    ],
)
def test_who_was_refused_is_told_the_command_that_lets_it_look(
    error: ProbeError, caller: Any, subscription: str | None, remedy: str
) -> None:
    verdict = explained(error, caller, AzureResources("prod", StackType.AZUREML, subscription))
    assert verdict.status is UNKNOWN
    assert str(verdict.remedy).endswith(remedy)
    if remedy.startswith("  #"):
        assert str(verdict.remedy) == (
            "az role assignment create --assignee-object-id object-id --assignee-principal-type "
            f"User --role Reader --scope /subscriptions/{SUBSCRIPTION}{remedy}"
        )


@pytest.mark.parametrize(
    ("error", "more", "status", "remedy"),
    [
        (NotFound("404"), {"absent": "az make"}, FAIL, "az make"),
        (NotFound("404", "az other"), {"absent": "az make"}, FAIL, "az other"),
        (NotFound("404"), {"create": "az create"}, UNKNOWN, "az create"),
        (NotFound("404"), {"create": "az create", "absent": "az make"}, FAIL, "az make"),
        (NotFound("404"), {}, UNKNOWN, WHO),
        (Unavailable("503"), {"absent": "az make", "create": "az create"}, UNKNOWN, WHO),
    ],
)
def test_what_is_not_there_fails_where_it_is_looked_for_itself(
    error: ProbeError, more: dict[str, str], status: CheckStatus, remedy: str
) -> None:
    verdict = explained(error, ME, **more)
    assert (verdict.status, verdict.remedy) == (status, remedy)


def test_a_property_that_nobody_understands_is_unknown() -> None:
    def strange(_: object) -> Verdict:
        raise Unavailable("a number is no text")

    probes: Any = SimpleNamespace(caller=Probe("who", lambda: ME))
    about = About(checklist(probes, R), "the store")
    about.add("azure.bucket.exists", Probe("look", lambda: 1), strange, subject="the account")
    (check,) = about.made
    assert check.subject == "the account"
    verdict = check.evaluate(1)
    assert verdict.status is UNKNOWN
    assert verdict.why == "not looked at: a number is no text"
    assert verdict.remedy == WHO
