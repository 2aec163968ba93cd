"""What is asked of IAM and Vertex about the identities of a stack."""

from __future__ import annotations

from kitaru_iac.checks.permissions import Identity
from kitaru_iac.checks.probes import Outcome, Probe, ProbeError, Skipped, Unavailable
from kitaru_iac.clouds.gcp.observations import Bucket, Caller, Project, Raw, Rights, Tested
from kitaru_iac.clouds.gcp.permission_table import Resource
from kitaru_iac.clouds.gcp.permissions import needed, pod_member, vertex_agents
from kitaru_iac.clouds.gcp.probes_bucket import BucketProbes
from kitaru_iac.clouds.gcp.probes_cluster import ClusterProbes
from kitaru_iac.clouds.gcp.probes_common import RESOURCE_MANAGER, account_url
from kitaru_iac.clouds.gcp.probes_registry import RegistryProbes
from kitaru_iac.clouds.gcp.resources import project_of_account

__all__ = ["IdentityProbes"]

_VERTEX = "https://aiplatform.googleapis.com/v1/"
#: Google lists no more regions than fit on a page of this size.
_PAGE = 200


class IdentityProbes(BucketProbes, RegistryProbes, ClusterProbes):
    """The probes of Vertex, of service accounts, and of what others than the caller may do."""

    def _ask_vertex(self) -> None:
        self.locations: Probe[tuple[str, ...]] = self._probe(
            "aiplatform.locations.list", self._locations
        )
        self.submit = self.project_tested(Identity.CONNECTOR, Resource.PROJECT)
        if self._r.workload is not None:
            self.act_as: Probe[Tested] = self.rest_tested(
                "iam.serviceAccounts.testIamPermissions",
                account_url(self._r.workload),
                needed(self._r, Identity.CONNECTOR, Resource.WORKLOAD),
            )

    def project_tested(self, identity: Identity, thing: Resource) -> Probe[Tested]:
        """Whether the caller has what an identity needs in the project."""
        return self.rest_tested(
            "cloudresourcemanager.projects.testIamPermissions",
            f"{RESOURCE_MANAGER}projects/{self._r.project}",
            needed(self._r, identity, thing),
        )

    def account(self, email: str) -> Probe[Raw]:
        """A service account: whether it is there, and not disabled."""

        def run() -> Raw:
            found = self._google.rest(
                "GET",
                account_url(email),
                about=f"the service account {email}",
                permission="iam.serviceAccounts.get",
            )
            if found.get("email") != email:
                raise Unavailable(f"what Google answered about {email} is no service account")
            return found

        return self._probe("iam.serviceAccounts.get", run)

    def _locations(self) -> tuple[str, ...]:
        """Vertex's regions. A region's own host says nothing: one that is not there has no name."""
        if self._r.project is None:
            raise Skipped("the description names no project")
        found = self._google.rest(
            "GET",
            f"{_VERTEX}projects/{self._r.project}/locations",
            about="the regions of Vertex AI",
            permission="aiplatform.locations.list",
            params={"pageSize": _PAGE},
        )
        listed = found.get("locations")
        if not isinstance(listed, list) or not listed:
            raise Unavailable("what Google answered are no regions of Vertex AI")
        if found.get("nextPageToken"):
            raise Unavailable("Google told a part of the regions of Vertex AI alone")
        return tuple(str(one.get("locationId")) for one in listed)

    # --- what others may do

    def known(self, *members: str) -> Probe[tuple[str, ...]]:
        """An identity that needs no question."""
        return Probe("who", lambda _caller: members, requires=(self.session,), inline=True)

    def agents(self) -> tuple[Probe[tuple[str, ...]], ...]:
        """Vertex's service agents, which the project's number names."""

        def agent(number: int) -> Probe[tuple[str, ...]]:
            def run(project: Project) -> tuple[str, ...]:
                return (vertex_agents(project.number)[number],)

            return Probe("Vertex's service agent", run, requires=(self.project,), inline=True)

        return agent(0), agent(1)

    def pods(self, account: str) -> Probe[tuple[str, ...]]:
        """Pods of a service account as principals: alone, by namespace, cluster, and pool.

        https://cloud.google.com/iam/docs/principal-identifiers
        """

        def run(project: Project, cluster: Raw) -> tuple[str, ...]:
            one = pod_member(self._r, project.number, account)
            pool = one.partition("/subject/")[0].removeprefix("principal://")
            sets = f"principalSet://{pool}"
            gsa = f"serviceAccount:{self._r.project}.svc.id.goog"
            return (
                one,
                f"{sets}/namespace/{self._r.namespace}",
                f"{sets}/kubernetes.cluster/{cluster.get('selfLink')}",
                f"{sets}/*",
                f"{gsa}[{self._r.namespace}/{account}]",
            )

        requires = (self.project, self.cluster)
        return Probe("the pods' principal", run, requires=requires, inline=True)

    def on_bucket(self, name: str, who: Probe[tuple[str, ...]]) -> Probe[Rights]:
        """What an identity may do to the bucket, by its policy and by its project's."""
        policies = [self.bucket_policy]
        if self._r.project is not None:
            policies.append(self._bucket_project_policy())
        return self.rights(name, who, tuple(policies))

    def _bucket_project_policy(self) -> Probe[Raw]:
        """The policy of the stack's project, if the bucket is in it: else it decides nothing."""
        assert self._r.project is not None
        policy = self.project_policy(self._r.project)

        def run(caller: Caller, found: Outcome[Raw], bucket: Outcome[Bucket],
                project: Outcome[Project]) -> Raw:  # fmt: skip
            del caller
            for one in (found, bucket, project):
                if isinstance(one, ProbeError):
                    raise one
            assert not isinstance(found, ProbeError)
            assert not isinstance(bucket, ProbeError)
            assert not isinstance(project, ProbeError)
            if bucket.project_number != project.number:
                raise Skipped(
                    f"the bucket is in the project {bucket.project_number or 'that was not told'}, "
                    "whose policy was not looked at"
                )
            return found

        return Probe(
            "the policy of the bucket's project",
            run,
            requires=(self.session,),
            after=(policy, self.bucket, self.project),
            inline=True,
        )

    def on_repository(self, name: str, who: Probe[tuple[str, ...]]) -> Probe[Rights]:
        """What an identity may do to the repository, by its policy and by its project's."""
        assert self._r.repository is not None
        policies = (self.repository_policy, self.project_policy(self._r.repository.project))
        return self.rights(name, who, policies)

    def on_project(self, name: str, who: Probe[tuple[str, ...]]) -> Probe[Rights]:
        """What an identity may do in the stack's project, by its policy."""
        project = self._r.project
        return self.rights(name, who, () if project is None else (self.project_policy(project),))

    def on_account(self, name: str, email: str, who: Probe[tuple[str, ...]]) -> Probe[Rights]:
        """What an identity may do to a service account, by its policy and its own project's."""
        policies = [self.account_policy(email)]
        home = project_of_account(email)
        if home is not None:
            policies.append(self.project_policy(home))
        return self.rights(name, who, tuple(policies))
