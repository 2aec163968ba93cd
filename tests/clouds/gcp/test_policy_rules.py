"""IAM policies, tests of permissions and trust, judged: tables without a cloud."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from kitaru_iac.checks.model import CheckStatus, ok
from kitaru_iac.checks.permissions import Identity
from kitaru_iac.checks.probes import Denied, Probe, Unavailable
from kitaru_iac.checks.pull_secrets import ForeignPull
from kitaru_iac.clouds.gcp import probes_common
from kitaru_iac.clouds.gcp.answers import BadRequest
from kitaru_iac.clouds.gcp.explain import checklist
from kitaru_iac.clouds.gcp.observations import Caller, Connector, Rights, Tested
from kitaru_iac.clouds.gcp.permission_table import Resource
from kitaru_iac.clouds.gcp.permissions import let_look, needed
from kitaru_iac.clouds.gcp.resources import GcpResources, RepositoryName
from kitaru_iac.clouds.gcp.trust import (
    bindings_of,
    evaluate_rights,
    evaluate_tested,
    evaluate_trust,
    grants_to,
    public_roles,
)
from kitaru_iac.clouds.gcp.verify_bucket import bucket_checks
from kitaru_iac.spec.kinds import StackType

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
        # Nobody has looked at what a custom role holds.
        (policy(("projects/p/roles/mine", ("allUsers",))), (), UNKNOWN),
        (policy(("roles/viewer", ("allUsers",))), (), OK),
        (policy((USER, (EVERYBODY,))), (), WARN),
        (policy((USER, (EVERYBODY,)), condition={"expression": "x"}), (), OK),
        (policy((USER, (EVERYBODY.replace("/*", "/attribute.repository/a"),))), (), OK),
        (policy((USER, (EVERYBODY,))), (POOL,), WARN),
        (policy((USER, (ONE,))), (POOL,), OK),
        (policy((USER, (ONE.replace("/ci/", "/ci2/"),))), (POOL,), UNKNOWN),
        (policy((USER, (ONE,)), condition={"expression": "x"}), (POOL,), UNKNOWN),
        (policy((USER, (EVERYBODY,)), condition={"expression": "x"}), (POOL,), UNKNOWN),
        (policy((CREATOR, (ME,))), (ME,), OK),
        (policy(("projects/p/roles/mine", (ONE,))), (POOL,), UNKNOWN),
        (policy(("roles/iam.serviceAccountKeyAdmin", (ONE,))), (POOL,), UNKNOWN),
        (policy(("roles/editor", (ONE,)), (USER, (ONE,))), (POOL,), OK),
        (policy((CREATOR, (ME,)), condition={"expression": "x"}), (ME,), UNKNOWN),
        (policy(("roles/viewer", (ME,))), (ME,), UNKNOWN),
        (policy((USER, (EVERYBODY,)), (CREATOR, ("allUsers",))), (POOL,), FAIL),
        (policy(), (POOL,), UNKNOWN),
    ],
)
def test_who_may_become_an_account(given: Any, expected: Any, status: CheckStatus) -> None:
    verdict = evaluate_trust(given, "me@p", "gcloud show", expected)
    assert verdict.status is status, verdict.why


#: https://cloud.google.com/iam/docs/service-account-permissions
BECOMING = (
    *("iam.serviceAccountTokenCreator", "iam.serviceAccountUser", "iam.serviceAccountKeyAdmin"),
    *("iam.serviceAccountAdmin", "iam.workloadIdentityUser", "owner", "editor"),
    *("iam.serviceAccountOpenIdTokenCreator", "iam.securityAdmin"),
)


@pytest.mark.parametrize("role", BECOMING)
def test_each_role_by_which_everybody_could_become_it_is_a_failure(role: str) -> None:
    verdict = evaluate_trust(policy((f"roles/{role}", ("allUsers",))), "me@p", "show")
    assert (verdict.status, verdict.remedy) == (FAIL, "show")


@pytest.mark.parametrize(
    ("members", "who"),
    [
        ((), "nobody may by its own policy"),
        ((ME,), f"{ME} may become it by its own policy"),
        ((ME, f"{ME}2"), "2 members may become it by its own policy"),
    ],
)
def test_who_may_become_it_is_said_with_what_was_not_looked_at(
    members: tuple[str, ...], who: str
) -> None:
    verdict = evaluate_trust(policy((CREATOR, members)), "me@p", "show")
    assert verdict.why == who
    assert "organization" in str(verdict.caveat)


R = GcpResources("prod", StackType.VERTEX, "my-project", "europe-west1", bucket="data")
ELSEWHERE = RepositoryName("images-project", "europe-west1", "images")
STEPS = "steps@steps-project.iam.gserviceaccount.com"
CALLER = Caller("me@p.iam.gserviceaccount.com", "service_account")


@pytest.mark.parametrize(
    ("error", "caller", "r", "given"),
    [
        (Denied("403", permission="a.b.get"), CALLER, R, "my-project"),
        (Denied("403", permission="a.b.get"), Caller(None, "user"), R, None),
        (Denied("403", permission="a.b.get"), DENIED, R, None),
        (Denied("403", permission="a.b.get"), CALLER, replace(R, project=None), None),
        (Denied("403"), CALLER, R, None),
        # The registry's project may be another one.
        (
            Denied("403", permission="a.b.get", resource=str(ELSEWHERE)),
            CALLER,
            replace(R, repository=ELSEWHERE),
            "images-project",
        ),
        (
            Denied("403", permission="a.b.get", resource="the project images-project"),
            CALLER,
            replace(R, repository=ELSEWHERE),
            "images-project",
        ),
        (
            Denied("403", permission="a.b.get", resource="the bucket data"),
            CALLER,
            replace(R, repository=ELSEWHERE),
            "my-project",
        ),
        # And so may an account's.
        *(
            (
                Denied("403", permission="a.b.get", resource=about),
                CALLER,
                replace(R, connector="c@theirs.iam.gserviceaccount.com", workload=workload),
                project,
            )
            for about, workload, project in (
                (f"the IAM policy of {STEPS}", STEPS, "steps-project"),
                (f"the service account {STEPS}", STEPS, "steps-project"),
                (f"the service account {STEPS}", None, "steps-project"),
                ("the IAM policy of c@theirs.iam.gserviceaccount.com", STEPS, "theirs"),
                ("the service account me@example.com", "me@example.com", "my-project"),
                ("the service account x@container-engine.gserviceaccount.com", None, "my-project"),
                # So may whatever says its project itself.
                ("the IAM policy of the project 1234", None, "1234"),
                ("the key projects/keys/locations/eu/keyRings/r/cryptoKeys/k", None, "keys"),
                ("the role projects/roles-project/roles/mine", None, "roles-project"),
                ("the role organizations/1/roles/projects", None, None),
                ("the role roles/viewer", None, None),
            )
        ),
    ],
)
def test_who_was_refused_is_told_the_command_that_lets_it_look(
    error: Denied, caller: Any, r: GcpResources, given: str | None
) -> None:
    probes: Any = SimpleNamespace(session=Probe("who", lambda: caller))
    check = checklist(probes, r).check(
        "gcp.bucket.exists", "gs://data", Probe("look", lambda: 1), lambda _: ok("there")
    )
    assert check.on_error is not None
    verdict = check.on_error(error, caller)
    assert verdict is not None
    assert (verdict.status, verdict.missing_permission) == (UNKNOWN, error.permission)
    if given is None:
        needed = error.permission or "the right to look"
        assert verdict.remedy == f"gcloud auth list  # and grant it {needed}"
        return
    made, give = str(verdict.remedy).split(" && ")
    # A second refusal finds the role there: it is not the one that `policy` prints.
    make, add = made.split(" || ")
    some = make.partition("--permissions ")[2]
    assert make == f"gcloud iam roles create kitaruProdLook --project {given} --permissions {some}"
    assert add == (
        f"gcloud iam roles update kitaruProdLook --project {given} --add-permissions {some}"
    )
    assert {"a.b.get", "storage.buckets.get"} <= set(some.split(","))
    assert give.startswith(f"gcloud projects add-iam-policy-binding {given} --member {ME} --role ")
    assert give.endswith(f"projects/{given}/roles/kitaruProdLook")


def test_a_look_at_something_else_opens_no_secrets() -> None:
    """With a registry that is not Google's they are in the table, for their metadata alone."""
    r = replace(R, type=StackType.KUBERNETES, foreign=ForeignPull("ghcr.io/team", ()))
    assert "container.secrets.get" in needed(r, Identity.VERIFY, Resource.CLUSTER)
    for asked, is_there in (("storage.buckets.get", False), ("container.secrets.get", True)):
        said = let_look(Denied("no", permission=asked, resource="x"), ME, r)
        assert (asked in said, "container.secrets.get" in said) == (True, is_there)


@pytest.mark.parametrize("region", [None, "europe-west1"])
def test_where_a_bucket_is_is_compared_where_a_region_is_described(region: str | None) -> None:
    asked = Probe("x", lambda: None)
    probes: Any = SimpleNamespace(
        session=asked,
        bucket=asked,
        bucket_found=asked,
        bucket_policy=asked,
        bucket_key=asked,
        project=asked,
    )
    r = replace(R, region=region)
    checks = bucket_checks(checklist(probes, r), probes, r, Connector())
    ids = [check.info.id for check in checks]
    assert ("gcp.bucket.region" in ids) is (region is not None)
    assert len(ids) == (8 if region else 7)
