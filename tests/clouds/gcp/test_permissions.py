"""One table feeds the policies and the checks, and Google takes what is printed."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

import pytest

from kitaru_iac.checks.model import CheckStatus
from kitaru_iac.checks.permissions import Identity
from kitaru_iac.clouds.gcp.catalog import CATALOG
from kitaru_iac.clouds.gcp.permission_table import PERMISSIONS, Resource
from kitaru_iac.clouds.gcp.permissions import needed, policies, role_id, trusts
from kitaru_iac.clouds.gcp.resources import gcp_resources
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.model import BaseSpec
from tests.clouds.gcp.world import ROLES, World
from tests.doubles.gcp_state import PROJECT, PROJECT_NUMBER

GAR = "europe-west1-docker.pkg.dev"
WORKLOAD = "steps@my-project.iam.gserviceaccount.com"


def descriptions() -> Iterator[BaseSpec]:
    kinds = ("vertex", "kubernetes", "local")
    registries = (
        f"{GAR}/my-project/images",
        f"{GAR}/my-project/images/team",
        "eu.gcr.io/my-project",
    )
    for kind, registry, workload in itertools.product(kinds, registries, (None, WORKLOAD)):
        given: dict[str, Any] = {"name": "team-prod", "type": kind, "project": "my-project"}
        given |= {"artifact_store": "gs://data/kitaru", "region": "europe-west1"}
        if kind != "local":
            given["container_registry"] = registry
        if kind == "kubernetes":
            given |= {"cluster": "prod", "namespace": "ml"}
        if workload and kind == "vertex":
            given["extra"] = {"orchestrator": {"workload_service_account": workload}}
        yield from_mapping(given)


EVERY = list(descriptions())


@pytest.mark.parametrize("spec", EVERY, ids=lambda s: f"{s.type}-{s.container_registry}")
def test_roles_hold_the_table_and_are_granted_where_they_are(spec: BaseSpec) -> None:
    r = gcp_resources(spec)
    for name, document in policies(spec).items():
        identity = Identity(name)
        granted = {p for role in document["roles"].values() for p in role["includedPermissions"]}
        assert granted == {p for one in Resource for p in needed(r, identity, one)}
        bound = {binding["role"].rsplit("/", 1)[1] for binding in document["bindings"]}
        assert bound == set(document["roles"])
        for binding in document["bindings"]:
            # A role of a project is granted in that project alone.
            home = binding["role"].split("/")[1]
            assert home in binding["resource"] or "/projects/_/" in binding["resource"] or (
                WORKLOAD in binding["resource"]
            )  # fmt: skip
        assert all(re.fullmatch(r"[a-z]+(\.[A-Za-z]+){2}", permission) for permission in granted)


@pytest.mark.parametrize("stack", ["a", "team-prod", "x" * 200, "ünï_cödé-1"])
def test_the_id_of_a_role_is_one_that_google_takes(stack: str) -> None:
    for identity, resource in itertools.product(Identity, Resource):
        assert re.fullmatch(r"[A-Za-z0-9_.]{3,64}", role_id(stack, identity, resource))


def test_whoever_verifies_only_reads() -> None:
    # Kubernetes calls the question what an account may do the creation of a review.
    reviews = "container.localSubjectAccessReviews.create"
    asked = {row.action for row in PERMISSIONS if row.identity is Identity.VERIFY}
    verbs = {action.rsplit(".", 1)[1] for action in asked - {reviews}}
    assert verbs == {"get", "list", "getIamPolicy", "connect"}


def test_every_line_says_which_checks_it_is_for() -> None:
    for row in PERMISSIONS:
        if row.identity is Identity.VERIFY:
            for name in re.findall(r"gcp\.[a-z_.]+[a-z*]", row.used_by):
                assert any(re.fullmatch(name.replace("*", ".*"), known) for known in CATALOG), name


@pytest.mark.parametrize("kind", ["vertex", "kubernetes"])
def test_the_checks_need_no_more_than_the_table_says(world: World, kind: str) -> None:
    """Whatever else is denied, the checks see all that they ask for."""
    world.fit()
    world.own_keys()
    # As `policy` prints the roles, which are the project's own.
    role = f"projects/{PROJECT}/roles/kitaruProdRuntimeBucket"
    world.state.roles[role] = ROLES["roles/storage.admin"]
    policy = world.state.policy(f"buckets/{world.bucket}")
    for binding in policy["bindings"]:
        binding["role"] = role
    spec = getattr(world, kind)()
    r = gcp_resources(spec)
    allowed = {p for one in Resource for p in needed(r, Identity.VERIFY, one)}
    asked: set[str] = set()
    state = world.state

    def require(permission: str, resource: str) -> None:
        del resource
        asked.add(permission)

    state.require = require  # type: ignore[method-assign]
    try:
        assert world.report(spec).worst == "ok"
    finally:
        del state.require
    assert asked <= allowed
    # The cluster of the double has no DNS endpoint.
    unasked = {"artifactregistry.repositories.get"}
    if kind == "kubernetes":
        unasked |= {"iam.serviceAccounts.get", "container.clusters.connect"}
    assert asked >= allowed - unasked


def test_every_printed_permission_is_judged() -> None:
    """The connector's are judged by `gcp.connector.*`, the steps' below, the pods' as the steps'.

    Those of whoever looks are above.
    """
    assert {(row.identity, row.resource) for row in PERMISSIONS} == {
        *((Identity.CONNECTOR, one) for one in set(Resource) - {Resource.REPOSITORY_PROJECT}),
        (Identity.RUNTIME, Resource.BUCKET),
        (Identity.RUNTIME, Resource.PROJECT),
        (Identity.PULL, Resource.REPOSITORY),
        *((Identity.VERIFY, one) for one in set(Resource) - {Resource.WORKLOAD}),
    }


@pytest.mark.parametrize(
    ("account", "owner"),
    [
        ("steps@their-project.iam.gserviceaccount.com", "their-project"),
        (f"{PROJECT_NUMBER}-compute@developer.gserviceaccount.com", PROJECT),
    ],
)
def test_a_role_on_an_account_is_of_the_accounts_project(
    world: World, account: str, owner: str
) -> None:
    """Google grants a project's role in that project alone, and calls it by the project's id."""
    spec = world.vertex(extra={"orchestrator": {"workload_service_account": account}})
    bindings = policies(spec)["connector"]["bindings"]
    (role,) = [one["role"] for one in bindings if one["resource"].endswith(account)]
    assert role.startswith(f"projects/{owner}/roles/")


@pytest.mark.parametrize("thing", [Resource.BUCKET, Resource.PROJECT])
def test_each_permission_of_the_steps_is_missed_where_it_is_not_granted(
    world: World, thing: Resource
) -> None:
    world.gcp.bucket(world.bucket)
    spec, role = world.vertex(), f"projects/{PROJECT}/roles/steps"
    check = f"gcp.workload.{thing.value.lower()}_access"
    where = PROJECT if thing is Resource.PROJECT else f"buckets/{world.bucket}"
    world.gcp.bind(where, role, f"serviceAccount:{world.workload}")
    wanted = needed(gcp_resources(spec), Identity.RUNTIME, thing)
    world.state.roles[role] = wanted
    assert world.check(spec, check).status is CheckStatus.OK
    for missing in wanted:
        world.state.roles[role] = tuple(one for one in wanted if one != missing)
        result = world.check(spec, check)
        assert (result.status, missing in result.why) == (CheckStatus.UNKNOWN, True)


def test_who_may_become_the_accounts_is_told(world: World) -> None:
    found = trusts(world.vertex())
    assert found == {
        "runtime": {
            "resource": f"//iam.googleapis.com/projects/-/serviceAccounts/{world.workload}",
            "bindings": [
                {
                    "role": "roles/iam.serviceAccountUser",
                    "members": [f"serviceAccount:{world.gcp.owner}"],
                }
            ],
        }
    }


def test_secrets_are_for_who_looks_at_a_registry_that_is_not_googles() -> None:
    given = {"name": "prod", "type": "kubernetes", "cluster": "pods", "region": "europe-west1"}
    given |= {"project": "my-project", "artifact_store": "gs://data-of-ours"}
    for registry, is_foreign in ((f"{GAR}/my-project/images", False), ("ghcr.io/team", True)):
        r = gcp_resources(from_mapping({**given, "container_registry": registry}))
        read = needed(r, Identity.VERIFY, Resource.CLUSTER)
        assert ("container.secrets.get" in read) is is_foreign


def test_reviews_are_for_who_looks_at_a_named_service_account() -> None:
    given = {"name": "prod", "type": "kubernetes", "cluster": "pods", "region": "europe-west1"}
    given |= {"project": "my-project", "artifact_store": "gs://data-of-ours"}
    given |= {"container_registry": f"{GAR}/my-project/images"}
    for extra in ({}, {"orchestrator": {"service_account_name": "steps"}}):
        r = gcp_resources(from_mapping({**given, "extra": extra}))
        read = needed(r, Identity.VERIFY, Resource.CLUSTER)
        assert ("container.localSubjectAccessReviews.create" in read) is bool(extra)
