"""IAM policies, tests of permissions and trust, judged: tables without a cloud."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from kitaru_iac.checks.model import CheckStatus
from kitaru_iac.checks.probes import Denied, Unavailable
from kitaru_iac.clouds.gcp import probes_common
from kitaru_iac.clouds.gcp.answers import BadRequest
from kitaru_iac.clouds.gcp.observations import Rights, Tested
from kitaru_iac.clouds.gcp.trust import (
    bindings_of,
    evaluate_rights,
    evaluate_tested,
    evaluate_trust,
    grants_to,
    public_roles,
)

OK, WARN, FAIL, UNKNOWN = CheckStatus
ME = "serviceAccount:me@p.iam.gserviceaccount.com"
POOL = "projects/1/locations/global/workloadIdentityPools/ci"
EVERYBODY = f"principalSet://iam.googleapis.com/{POOL}/*"
ONE = f"principal://iam.googleapis.com/{POOL}/subject/repo:a"
CREATOR, USER = "roles/iam.serviceAccountTokenCreator", "roles/iam.workloadIdentityUser"


def policy(*bindings: tuple[str, tuple[str, ...]], condition: Any = None) -> dict[str, Any]:
    made = [{"role": role, "members": list(members)} for role, members in bindings]
    if condition:
        made = [{**one, "condition": condition} for one in made]
    return {"version": 3, "etag": "x", "bindings": made}


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (policy(("roles/a", (ME,))), {"roles/a": True}),
        (policy(("roles/a", ("allUsers",))), {"roles/a": True}),
        (policy(("roles/a", ("allAuthenticatedUsers",))), {"roles/a": True}),
        (policy(("roles/a", (ME,)), condition={"expression": "x"}), {"roles/a": False}),
        (policy(("roles/a", (f"deleted:{ME}?uid=1",))), {}),
        (policy(("roles/a", (ME.upper(),))), {}),
        (policy(("roles/a", ("group:me@p.com", "domain:p.com", "projectOwner:p"))), {}),
        (policy(("roles/a", ())), {}),
        ({"etag": "ACAB"}, {}),
    ],
)
def test_a_role_is_granted_to_the_member_that_is_named(given: Any, wanted: object) -> None:
    assert grants_to([given], [ME]) == wanted


def test_one_grant_without_a_condition_is_enough() -> None:
    under = policy(("roles/a", (ME,)), condition={"expression": "x"})
    assert grants_to([under, policy(("roles/a", (ME,)))], [ME]) == {"roles/a": True}
    assert grants_to([policy(("roles/a", (ME,))), under], [ME]) == {"roles/a": True}


@pytest.mark.parametrize("given", [{}, {"bindings": "x"}, {"bindings": [{}]}, {"bindings": ["x"]}])
def test_what_is_no_policy_is_no_empty_one(given: Any) -> None:
    with pytest.raises(Unavailable):
        bindings_of(given)


def test_everybody_has_two_names() -> None:
    found = public_roles(
        policy(("roles/a", (ME, "allUsers")), ("roles/b", ("allAuthenticatedUsers",)))
    )
    assert found == ("roles/a to allUsers", "roles/b to allAuthenticatedUsers")  # fmt: skip


DENIED = Denied("p is denied", permission="p.get")


@pytest.mark.parametrize(
    ("seen", "status", "permission"),
    [
        (Rights(ME, frozenset({"a", "b", "c"}), roles=("roles/x",)), OK, None),
        (Rights(ME, frozenset({"a", "b"}), unseen=(DENIED,)), OK, None),
        (Rights(ME, frozenset({"a"})), UNKNOWN, None),
        (Rights(ME, frozenset()), UNKNOWN, None),
        (Rights(ME, frozenset({"a"}), frozenset({"b"})), UNKNOWN, None),
        (Rights(ME, frozenset({"a"}), unseen=(DENIED,)), UNKNOWN, "p.get"),
    ],
)
def test_a_grant_that_was_not_found_is_no_proof(
    seen: Rights, status: CheckStatus, permission: str | None
) -> None:
    verdict = evaluate_rights(seen, ("a", "b"), "it", "gcloud grant")
    assert (verdict.status, verdict.missing_permission) == (status, permission)
    assert bool(verdict.caveat) is (status is OK)


def test_nothing_wanted_is_nothing_seen() -> None:
    assert evaluate_rights(Rights(ME, frozenset()), (), "it", "g").status is UNKNOWN


@pytest.mark.parametrize(
    ("seen", "status"),
    [
        (Tested(("a", "b"), frozenset({"a", "b"})), OK),
        (Tested(("a", "b"), frozenset({"a"})), FAIL),
        (Tested(("a", "b"), frozenset()), FAIL),
        (Tested(("a", "b"), frozenset({"a"}), ("b",)), UNKNOWN),
        (Tested(("a", "b"), frozenset(), ("b",)), FAIL),
    ],
)
def test_google_itself_can_say_no(seen: Tested, status: CheckStatus) -> None:
    assert evaluate_tested(seen, "it", "gcloud grant").status is status


def test_a_question_that_is_refused_is_asked_one_by_one() -> None:
    asked = []

    def ask(some: tuple[str, ...]) -> Iterable[str]:
        asked.append(some)
        if "odd" in some:
            raise BadRequest("not valid")
        return ["a", "extra"] if "a" in some else []

    assert probes_common.tested(("a", "b", "odd"), ask) == Tested(
        ("a", "b", "odd"), frozenset({"a"}), ("odd",)
    )
    assert len(asked) == 4


@pytest.mark.parametrize("given", [{"error": {}}, {"permissions": "a"}, {"weird": 1}])
def test_what_is_no_answer_grants_and_refuses_nothing(given: Any) -> None:
    with pytest.raises(Unavailable):
        probes_common.permissions_in(given)


@pytest.mark.parametrize(
    ("given", "expected", "status"),
    [
        (policy(), (), OK),
        (policy((CREATOR, (ME,))), (), OK),
        (policy((CREATOR, ("allUsers",))), (), FAIL),
        (policy(("roles/editor", ("allAuthenticatedUsers",))), (), FAIL),
        (policy(("projects/p/roles/mine", ("allUsers",))), (), FAIL),
        (policy(("roles/viewer", ("allUsers",))), (), OK),
        (policy((USER, (EVERYBODY,))), (), WARN),
        (policy((USER, (EVERYBODY,)), condition={"expression": "x"}), (), OK),
        (policy((USER, (EVERYBODY.replace("/*", "/attribute.repository/a"),))), (), OK),
        (policy((USER, (EVERYBODY,))), (POOL,), WARN),
        (policy((USER, (ONE,))), (POOL,), OK),
        (policy((USER, (ONE.replace("/ci/", "/ci2/"),))), (POOL,), UNKNOWN),
        (policy(), (POOL,), UNKNOWN),
    ],
)
def test_who_may_become_an_account(given: Any, expected: Any, status: CheckStatus) -> None:
    verdict = evaluate_trust(given, "me@p", "gcloud show", expected)
    assert verdict.status is status, verdict.why
