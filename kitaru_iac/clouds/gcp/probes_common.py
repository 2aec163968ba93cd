"""What every probe of Google Cloud stands on: the credentials, the project, policies and roles."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from kitaru_iac.checks.commands import note
from kitaru_iac.checks.probes import (
    Denied,
    Outcome,
    Probe,
    ProbeError,
    Skipped,
    Unavailable,
    in_parallel,
)
from kitaru_iac.clouds.gcp.answers import BadRequest
from kitaru_iac.clouds.gcp.observations import Caller, Project, Raw, Rights, Tested
from kitaru_iac.clouds.gcp.permissions import let_look
from kitaru_iac.clouds.gcp.resources import GcpResources, project_of_account
from kitaru_iac.clouds.gcp.session import GcpAccess
from kitaru_iac.clouds.gcp.trust import bindings_of, grants_to

__all__ = ["POLICY_VERSION", "RESOURCE_MANAGER", "CommonProbes", "Raw", "account_url", "tested"]

RESOURCE_MANAGER = "https://cloudresourcemanager.googleapis.com/v3/"
SERVICE_USAGE = "https://serviceusage.googleapis.com/v1/"
IAM = "https://iam.googleapis.com/v1/"
KMS = "https://cloudkms.googleapis.com/v1/"
#: Conditions of a policy are only told to who asks for this version.
#: https://cloud.google.com/iam/docs/policies#versions
POLICY_VERSION = 3


class CommonProbes:
    """The credentials, the project and its policy.

    Args:
        google: Asks.
        resources: What is asked about.
    """

    def __init__(self, google: GcpAccess, resources: GcpResources) -> None:
        self._google = google
        self._r = resources
        self._roles: dict[str, Outcome[frozenset[str]]] = {}
        self._roles_lock = threading.Lock()
        self._policies: dict[str, Probe[Raw]] = {}
        self.session: Probe[Caller] = Probe("Google credentials", google.open, close=google.close)
        self.project = self._probe("cloudresourcemanager.projects.get", self._project)

    def _probe(self, name: str, run: Callable[[], Any]) -> Probe[Any]:
        """A probe that needs nothing but credentials."""
        return Probe(name, lambda _caller: run(), requires=(self.session,))

    def _project(self) -> Project:
        if self._r.project is None:
            raise Skipped(
                "the description names no project",
                note("gcloud config get project", "and give it as --project"),
            )
        found = self._google.rest(
            "GET",
            f"{RESOURCE_MANAGER}projects/{self._r.project}",
            about=f"the project {self._r.project}",
            permission="resourcemanager.projects.get",
        )
        name, number, state = found.get("projectId"), _number(found), found.get("state")
        if not name or number is None or not state:
            raise Unavailable(f"what Google answered about {self._r.project} is no project")
        return Project(str(name), number, str(state))

    def services(self, names: tuple[str, ...]) -> Probe[dict[str, str]]:
        """The states of some APIs of the project, by their names."""

        def run() -> dict[str, str]:
            if self._r.project is None:
                raise Skipped("the description names no project")
            parent = f"projects/{self._r.project}"
            found = self._google.rest(
                "GET",
                f"{SERVICE_USAGE}{parent}/services:batchGet",
                about=f"the APIs of {self._r.project}",
                permission="serviceusage.services.get",
                params={"names": [f"{parent}/services/{name}" for name in names]},
            )
            services = found.get("services")
            if not isinstance(services, list):
                raise Unavailable(f"what Google answered about {self._r.project} are no APIs")
            return {
                str(one.get("name", "")).rsplit("/", 1)[-1]: str(one.get("state"))
                for one in services
            }

        return self._probe("serviceusage.services.batchGet", run)

    # --- policies

    def project_policy(self, project: str) -> Probe[Raw]:
        """The IAM policy of a project, given by its id or number; asked once."""
        if project not in self._policies:
            self._policies[project] = self._probe(
                "cloudresourcemanager.projects.getIamPolicy",
                lambda: self._rest_policy(
                    f"{RESOURCE_MANAGER}projects/{project}",
                    f"the IAM policy of the project {project}",
                    "resourcemanager.projects.getIamPolicy",
                ),
            )
        return self._policies[project]

    def account_policy(self, email: str) -> Probe[Raw]:
        """The IAM policy of a service account: who may become it."""
        return self._probe(
            "iam.serviceAccounts.getIamPolicy", lambda: self.read_account_policy(email)
        )

    def read_account_policy(self, email: str) -> Raw:
        """The same at once, for an account that another answer names. Raises `ProbeError`."""
        return self._rest_policy(
            account_url(email), f"the IAM policy of {email}", "iam.serviceAccounts.getIamPolicy"
        )

    def _rest_policy(self, url: str, about: str, permission: str) -> Raw:
        options = {"requestedPolicyVersion": POLICY_VERSION}
        if url.startswith(IAM):  # takes it in the query, and no body
            params = {"options.requestedPolicyVersion": POLICY_VERSION}
            found = self._google.rest(
                "POST", f"{url}:getIamPolicy", about=about, permission=permission, params=params
            )
        else:
            found = self._google.rest(
                "POST",
                f"{url}:getIamPolicy",
                about=about,
                permission=permission,
                body={"options": options},
            )
        bindings_of(found)
        return found

    def rights(
        self,
        name: str,
        who: Probe[tuple[str, ...]],
        policies: tuple[Probe[Raw], ...],
    ) -> Probe[Rights]:
        """What policies grant to somebody.

        Args:
            name: For messages and tests.
            who: The members that stand for one identity, the first of which names it.
            policies: Those that decide. One that cannot be read leaves the rest to count.
        """
        return Probe(
            name,
            lambda members, caller, *outcomes: self.read_rights(members, outcomes, caller),
            requires=(who, self.session),
            after=policies,
        )

    def read_rights(
        self, members: tuple[str, ...], outcomes: Iterable[Outcome[Raw]], caller: Caller
    ) -> Rights:
        """Read what policies grant to one of some members, with what each role includes.

        What could not be read comes with the command that lets the caller read it.
        """
        seen = tuple(outcomes)
        read = [one for one in seen if not isinstance(one, ProbeError)]
        unseen = [one for one in seen if isinstance(one, ProbeError)]
        found = grants_to(read, members)
        included = in_parallel([partial(self._role, role) for role in found])
        granted: set[str] = set()
        under: set[str] = set()
        for certain, permissions in zip(found.values(), included, strict=True):
            if isinstance(permissions, ProbeError):
                unseen.append(permissions)
            else:
                (granted if certain else under).update(permissions)
        told = tuple(self._remedied(error, caller) for error in unseen)
        return Rights(members[0], frozenset(granted), frozenset(under), tuple(found), told)

    def _remedied(self, error: ProbeError, caller: Caller) -> ProbeError:
        if not isinstance(error, Denied):
            return error
        return Denied(
            error.why,
            let_look(error, caller.member, self._r),
            permission=error.permission,
            resource=error.resource,
        )

    def _role(self, role: str) -> Outcome[frozenset[str]]:
        """What a role includes. Google's own may be read by everybody who is logged in."""
        with self._roles_lock:
            if role in self._roles:
                return self._roles[role]
        try:
            found = self._google.rest(
                "GET", f"{IAM}{role}", about=f"the role {role}", permission="iam.roles.get"
            )
            included = found.get("includedPermissions", [])
            if "name" not in found or not isinstance(included, list):
                raise Unavailable(f"what Google answered about {role} is no role")
            outcome: Outcome[frozenset[str]] = (
                frozenset() if found.get("deleted") else frozenset(map(str, included))
            )
        except ProbeError as error:
            outcome = error
        with self._roles_lock:
            self._roles[role] = outcome
        return outcome

    # --- keys

    def read_key(self, name: str | None) -> Raw:
        """Read a key of Cloud KMS with its state; empty where there is none. Raises `ProbeError`.

        Args:
            name: As ``projects/P/locations/L/keyRings/R/cryptoKeys/K``.
        """
        if name is None:
            return {}
        found = self._google.rest(
            "GET", f"{KMS}{name}", about=f"the key {name}", permission="cloudkms.cryptoKeys.get"
        )
        if "name" not in found or "purpose" not in found:
            raise Unavailable(f"what Google answered about {name} is no key")
        return found

    # --- the caller's own permissions

    def rest_tested(self, name: str, url: str, permissions: tuple[str, ...]) -> Probe[Tested]:
        """What the caller may do to a thing of one of Google's REST APIs."""

        def ask(some: tuple[str, ...]) -> Iterable[str]:
            found = self._google.rest(
                "POST",
                f"{url}:testIamPermissions",
                about=f"the permissions on {url.rsplit('/', 1)[-1]}",
                permission=None,
                body={"permissions": list(some)},
            )
            return permissions_in(found)

        return self._probe(name, lambda: tested(permissions, ask))

    def if_caller(self, member: str, asked: Probe[Tested]) -> Probe[Tested | None]:
        """A test of permissions that is made where the caller is this identity; else None.

        Google tests nobody else's, and its answer is worth more than policies that are read: it can
        say no, and counts what folders and groups grant.
        """

        def run(caller: Caller) -> Tested | None:
            return asked.run(caller) if caller.member == member else None

        return Probe(asked.name, run, requires=(self.session,))


def permissions_in(found: Raw) -> Iterable[str]:
    """The permissions of an answer. None granted is an empty object; another answer is none.

    Raises:
        Unavailable: It is something else.
    """
    granted = found.get("permissions", [])
    if not isinstance(granted, list) or set(found) - {"permissions", "kind"}:
        raise Unavailable("what Google answered are no permissions")
    return granted


def tested(asked: tuple[str, ...], ask: Callable[[tuple[str, ...]], Iterable[str]]) -> Tested:
    """Ask which permissions the caller has; one by one where Google refuses the question.

    A single permission that a thing does not know makes the whole question a bad one.

    Raises:
        ProbeError: As `ask`.
    """
    try:
        return Tested(asked, frozenset(ask(asked)) & frozenset(asked))
    except BadRequest:
        if len(asked) == 1:
            return Tested(asked, frozenset(), asked)
    parts = in_parallel([partial(tested, (one,), ask) for one in asked])
    return Tested(
        asked,
        frozenset().union(*(part.granted for part in parts)),
        tuple(permission for part in parts for permission in part.unclear),
    )


def account_url(email: str) -> str:
    """The address of a service account in IAM's API.

    Never ``projects/-``: an account that is not there then answers 403 instead of 404.
    https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts/get
    """
    return f"{IAM}projects/{project_of_account(email) or '-'}/serviceAccounts/{email}"


def _number(project: Raw) -> str | None:
    number = str(project.get("name") or "").removeprefix("projects/")
    return number if number.isdigit() else None
