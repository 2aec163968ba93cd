"""The evaluations about credentials, the project, its APIs, and the connector."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from kitaru_iac.checks.checklist import Checklist
from kitaru_iac.checks.commands import note
from kitaru_iac.checks.model import Check, CheckStatus, Verdict, fail, ok, unknown
from kitaru_iac.checks.permissions import Identity
from kitaru_iac.checks.probes import (
    NoCredentials,
    NotFound,
    Outcome,
    Probe,
    ProbeError,
    Skipped,
    all_of,
)
from kitaru_iac.clouds.gcp.commands import bind, gcloud, use_bucket
from kitaru_iac.clouds.gcp.observations import Caller, Connector, Project, Rights, Tested
from kitaru_iac.clouds.gcp.permission_table import Resource, When
from kitaru_iac.clouds.gcp.permissions import needed, own_role, permissions_for
from kitaru_iac.clouds.gcp.probes import GcpProbes
from kitaru_iac.clouds.gcp.resources import GcpResources, project_of_account
from kitaru_iac.clouds.gcp.trust import evaluate_rights, evaluate_tested, evaluate_trust
from kitaru_iac.spec.kinds import StackType

__all__ = ["connector_checks", "credential_checks", "services_of"]

#: The APIs that ZenML calls, by what a stack has.
#: The Vertex SDK asks Resource Manager for the project (``google.cloud.aiplatform.initializer``).
_VERTEX = ("aiplatform.googleapis.com", "cloudresourcemanager.googleapis.com")
_GKE = ("container.googleapis.com",)


def services_of(r: GcpResources) -> tuple[str, ...]:
    """The APIs that a stack needs in its project.

    Without the one that impersonates: it may count in another project, and where it is off there,
    no token comes with which to ask.
    """
    found = ["storage.googleapis.com"] if r.bucket else []
    if r.repository is not None and r.repository.project == r.project:
        found.append("artifactregistry.googleapis.com")
    if r.type is StackType.VERTEX:
        found += _VERTEX
    if r.cluster is not None:
        found += _GKE
    return tuple(found)


def credential_checks(
    checklist: Checklist[Caller], probes: GcpProbes, r: GcpResources, described_as: str
) -> list[Check[object]]:
    """Who the credentials are, and the project with its APIs."""
    accepted = checklist.check(
        "gcp.credentials", described_as, probes.session, evaluate_caller, on_error=_refused
    )
    if r.project is None:
        return [accepted]
    where = f"projects/{r.project}"
    project = checklist.check(
        "gcp.project",
        where,
        probes.project,
        evaluate_project,
        on_error=lambda error: _no_project(error, r),
    )
    services = services_of(r)
    if not services:
        return [accepted, project]
    enabled = checklist.check(
        "gcp.services",
        where,
        probes.services(services),
        lambda seen: evaluate_services(seen, services, r),
    )
    return [accepted, project, enabled]


def evaluate_caller(seen: Caller) -> Verdict:
    """Google gave a token; not every kind of credentials tells whose."""
    if seen.email is None:
        return ok("Google gives them an access token", "whose they are they do not tell")
    return ok(f"they are {seen.email}")


def _refused(error: ProbeError) -> Verdict | None:
    if not isinstance(error, NoCredentials):
        return None
    return fail(error.why, error.remedy or gcloud("auth", "application-default", "login"))


def evaluate_project(seen: Project) -> Verdict:
    """ACTIVE; what is to be deleted goes within 30 days."""
    if seen.state == "ACTIVE":
        return ok(f"it is active, number {seen.number}")
    return fail(f"it is {seen.state}", gcloud("projects", "undelete", seen.id))


def _no_project(error: ProbeError, r: GcpResources) -> Verdict | None:
    if not isinstance(error, NotFound):
        return None
    return fail(f"there is no project {r.project}", note(gcloud("projects", "list"), "shows yours"))


def evaluate_services(seen: dict[str, str], asked: tuple[str, ...], r: GcpResources) -> Verdict:
    """Every one that was asked for; an answer without it says nothing of it."""
    off = [name for name in asked if seen.get(name) == "DISABLED"]
    untold = [name for name in asked if seen.get(name) != "ENABLED"]
    enable = gcloud("services", "enable", *(off or untold), project=r.project)
    if off:
        return fail(f"these APIs are off: {', '.join(off)}", enable)
    if untold:
        return unknown(f"Google did not tell the state of {', '.join(untold)}", enable)
    return ok(f"{', '.join(asked)} are enabled")


# -- the connector ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Right:
    """What the connector must be allowed on one thing.

    Attributes:
        id: The check.
        thing: On what.
        tested: Google's own test, with the caller's credentials.
        rights: What policies grant to another identity.
        wanted: The permissions.
        grant: The command that grants them to a member.
        perhaps: What of it is needed in one case alone.
        in_case: Whether that is the case.
        whole: The command that grants that too; None where `grant` does.
    """

    id: str
    thing: str
    tested: Probe[Tested]
    rights: Callable[[Probe[tuple[str, ...]]], Probe[Rights]]
    wanted: tuple[str, ...]
    grant: Callable[[str], str]
    perhaps: frozenset[str] = frozenset()
    in_case: Probe[bool] | None = None
    whole: Callable[[str], str] | None = None

    def command(self, member: str, unneeded: frozenset[str]) -> str:
        """Give the command that grants a member what is needed."""
        return self.grant(member) if self.whole is None or unneeded else self.whole(member)


def connector_checks(
    checklist: Checklist[Caller], probes: GcpProbes, r: GcpResources, who: Connector
) -> list[Check[object]]:
    """What the connector is, and whether it may do what ZenML asks of it."""
    checks = _trust_checks(checklist, probes, r)
    return checks + [_right_check(checklist, probes, who, right) for right in _rights(probes, r)]


def _trust_checks(
    checklist: Checklist[Caller], probes: GcpProbes, r: GcpResources
) -> list[Check[object]]:
    """Who else may be the connector. That its account is there and enabled its token shows."""
    email = r.connector
    if email is None:
        return []
    show = gcloud("iam", "service-accounts", "get-iam-policy", email)
    accounts = gcloud("iam", "service-accounts", "list",
                      project=project_of_account(email) or r.project)  # fmt: skip
    pool = (r.pool,) if r.pool is not None else ()
    trust = checklist.check(
        "gcp.connector.trust",
        email,
        probes.account_policy(email),
        lambda seen: evaluate_trust(seen, email, show, pool),
        create=note(accounts, "shows those there are"),
    )
    return [trust]


def _rights(probes: GcpProbes, r: GcpResources) -> Iterator[_Right]:
    """What applies to this stack, in the order of the catalog."""
    wanted = partial(needed, r, Identity.CONNECTOR)
    if r.bucket is not None:
        uri = f"gs://{r.bucket}"
        yield _Right(
            "gcp.connector.bucket", uri, probes.bucket_tested,
            partial(probes.on_bucket, "the connector's rights on the bucket"),
            wanted(Resource.BUCKET),
            partial(use_bucket, uri),
        )  # fmt: skip
    if r.repository is not None and r.type is not StackType.LOCAL:
        name = r.repository
        yield _Right(
            "gcp.connector.repository", str(name), probes.repository_tested,
            partial(probes.on_repository, "the connector's rights on the repository"),
            wanted(Resource.REPOSITORY),
            partial(_grant, ("artifacts", "repositories", name.id),
                    "roles/artifactregistry.writer", location=name.location,
                    project=name.project),
        )  # fmt: skip
    if r.project is None:
        return
    where = f"projects/{r.project}"
    in_project = partial(probes.on_project, "the connector's rights in the project")
    grant = partial(_grant, ("projects", r.project))
    if r.type is StackType.VERTEX:
        yield _Right(
            "gcp.connector.vertex",
            where,
            probes.submit,
            in_project,
            wanted(Resource.PROJECT),
            partial(grant, "roles/aiplatform.user"),
        )
    if r.workload is not None:
        yield _Right(
            "gcp.connector.act_as", r.workload, probes.act_as,
            partial(probes.on_account, "the connector's rights on the account", r.workload),
            wanted(Resource.WORKLOAD),
            partial(_grant, ("iam", "service-accounts", r.workload),
                    "roles/iam.serviceAccountUser"),
        )  # fmt: skip
    if r.cluster is not None:
        yield _right_to_find(probes, r, where)


def _right_to_find(probes: GcpProbes, r: GcpResources, where: str) -> _Right:
    """What finds the cluster. What may be done inside, RBAC decides for a namespace.

    A role that opens all objects would open those of all clusters of the project:
    https://cloud.google.com/iam/docs/roles-permissions/container
    """
    return _Right(
        "gcp.connector.cluster",
        where,
        probes.project_tested(Identity.CONNECTOR, Resource.CLUSTER),
        partial(probes.on_project, "the connector's rights in the project"),
        needed(r, Identity.CONNECTOR, Resource.CLUSTER),
        partial(_grant, ("projects", str(r.project)), "roles/container.clusterViewer"),
        frozenset(
            row.action
            for row in permissions_for(r, Identity.CONNECTOR)
            if row.when is When.DNS_ENDPOINT
        ),
        probes.by_name,
        # No page of Google's promises that one of its narrow roles has this too.
        partial(own_role, r, Identity.CONNECTOR, Resource.CLUSTER),
    )


def _grant(thing: tuple[str, ...], role: str, member: str, **where: str) -> str:
    return bind(*thing, member=member, role=role, **where)


def _right_check(
    checklist: Checklist[Caller], probes: GcpProbes, who: Connector, right: _Right
) -> Check[object]:
    """Google's own answer where the connector is who asks; what policies say where it is not."""
    if who.unseen is not None:
        why = who.unseen

        def skipped(_caller: Caller) -> Tested:
            raise Skipped(
                why,
                note(gcloud("auth", "list"),
                     "run where the connector's identity is, or give --credentials"),
            )  # fmt: skip

        probe = Probe("the connector", skipped, requires=(probes.session,), inline=True)
        return checklist.check(
            right.id, right.thing, probe, lambda seen: evaluate_tested(seen, right.thing, "")
        )
    after = () if right.in_case is None else (right.in_case,)
    if who.member is not None:

        def of_another(seen: tuple[Any, ...]) -> Verdict:
            rights, tested, *in_case = seen

            def evaluate(unneeded: frozenset[str]) -> Verdict:
                grant = right.command(rights.member, unneeded)
                if tested is not None:
                    return evaluate_tested(tested.without(unneeded), right.thing, grant)
                wanted = [one for one in right.wanted if one not in unneeded]
                return evaluate_rights(rights, wanted, right.thing, grant)

            return _of_case(evaluate, right, *in_case)

        rights = right.rights(probes.known(who.member))
        itself = probes.if_caller(who.member, right.tested)
        asked: Probe[tuple[Any, ...]] = all_of(rights, itself, after=after)
        return checklist.check(right.id, right.thing, asked, of_another)

    def of_caller(seen: tuple[Any, ...]) -> Verdict:
        tested, caller, *in_case = seen

        def evaluate(unneeded: frozenset[str]) -> Verdict:
            grant = right.command(caller.member or "PRINCIPAL", unneeded)
            if caller.member is None:
                grant = note(gcloud("auth", "list"), f"as PRINCIPAL: {grant}")
            return evaluate_tested(tested.without(unneeded), right.thing, grant)

        return _of_case(evaluate, right, *in_case)

    tested_too: Probe[tuple[Any, ...]] = all_of(right.tested, probes.session, after=after)
    return checklist.check(right.id, right.thing, tested_too, of_caller)


def _of_case(
    evaluate: Callable[[frozenset[str]], Verdict], right: _Right, case: Outcome[bool] = True
) -> Verdict:
    """Evaluate but for what is not needed; where the case was not seen, both have to end alike."""
    if not isinstance(case, ProbeError):
        return evaluate(frozenset() if case else right.perhaps)
    sure, whole = evaluate(right.perhaps), evaluate(frozenset())
    if sure.status is not CheckStatus.OK or whole.status is CheckStatus.OK:
        return sure
    return unknown(
        f"{whole.why}, and whether that one is needed was not seen: {case.why}",
        case.remedy or whole.remedy,
        case.permission,
    )
