"""What has to be known of the project before anything is made there, and before anything goes.

Asked through Google's SDKs as the description's identity; see `kitaru_iac.clouds.gcp.session`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from kitaru_iac.checks.kubernetes_api import KubernetesApi
from kitaru_iac.checks.probes import Denied, NoCredentials, NotFound, ProbeError, in_batches
from kitaru_iac.clouds.gcp.answers import ServiceDisabled
from kitaru_iac.clouds.gcp.kubernetes_api import api_of
from kitaru_iac.clouds.gcp.permissions import vertex_agents
from kitaru_iac.clouds.gcp.probes_common import RESOURCE_MANAGER
from kitaru_iac.clouds.gcp.probes_registry import as_rest
from kitaru_iac.clouds.gcp.provision import given, marked, ownership
from kitaru_iac.clouds.gcp.provision.ownership import BUCKET, REPOSITORY, Place
from kitaru_iac.clouds.gcp.session import GcpAccess, require_google
from kitaru_iac.clouds.gcp.trust import bindings_of
from kitaru_iac.clouds.owned import untold
from kitaru_iac.clouds.provider import Claim, Inputs, Marked, Sighting
from kitaru_iac.errors import KitaruError, NotAllowedError, Problem
from kitaru_iac.spec.credentials import Credentials
from kitaru_iac.spec.model import StackSpec

__all__ = ["Account"]

#: What Pulumi's plugin takes credentials from beside the application default ones. Google's own
#: libraries know none of them, so that the checks and the plugin would be two identities.
#: https://www.pulumi.com/registry/packages/gcp/installation-configuration/
_OTHER_CREDENTIALS = (
    "GOOGLE_CREDENTIALS",
    "GOOGLE_CLOUD_KEYFILE_JSON",
    "GCLOUD_KEYFILE_JSON",
    "GOOGLE_OAUTH_ACCESS_TOKEN",
    "GOOGLE_IMPERSONATE_SERVICE_ACCOUNT",
)


@dataclass(slots=True)
class Account:
    """The project that some credentials work in, and one region.

    Attributes:
        project: The project's id.
        region: Where in it.
        number: The project's number; empty until `open`.
        named: What a description names: a repository may lie outside of the region, which is all
            that is listed.
        services: The APIs that a description's resources are of, which a run enables; empty where
            none is known.
    """

    _access: GcpAccess = field(repr=False)
    _credentials: Credentials | None = field(repr=False)
    project: str
    region: str
    number: str = ""
    named: tuple[Claim, ...] = ()
    services: tuple[str, ...] = ()

    @classmethod
    def open(cls, credentials: Credentials | None, project: str, region: str) -> Account:
        """Find the credentials and look the project up.

        Raises:
            MissingPackages: Google's packages are not installed.
            NotAllowedError: There are no usable credentials, or they do not see the project.
            KitaruError: The project is being deleted.
        """
        require_google()
        access = GcpAccess(credentials, project)
        try:
            access.open()
            found = access.rest(
                "GET",
                f"{RESOURCE_MANAGER}projects/{project}",
                about=f"the project {project}",
                permission="resourcemanager.projects.get",
            )
        except ProbeError as error:
            raise _refused(error, access.described_as, project) from error
        number = str(found.get("name", "")).partition("/")[2]
        if found.get("projectId") != project or not number.isdecimal():
            raise KitaruError(
                f"What Google answered about {project} is no project", remedy="Run it again later."
            )
        if found.get("state") != "ACTIVE":
            raise KitaruError(
                f"The project {project} is {found.get('state')}",
                why="Nothing can be made there.",
                remedy=f"gcloud projects undelete {project}",
            )
        return cls(access, credentials, project, region, number)

    @property
    def place(self) -> dict[str, str]:
        """Which project, and where in it."""
        return {"project": self.project, "region": self.region}

    @property
    def _where(self) -> Place:
        return Place(self.project, self.number, self.region)

    def environment(self) -> dict[str, str]:
        """The variables that give the engine's plugins the same identity.

        They are secrets, and go to the engine's process alone: what a provider is *given* as an
        input would stand in the state. The token of an impersonated or federated account ends
        after an hour.
        """
        # An empty value takes the caller's own variable away.
        told = dict.fromkeys(_OTHER_CREDENTIALS, "")
        told |= {"GOOGLE_PROJECT": self.project, "GOOGLE_REGION": self.region}
        own = self._credentials
        if own is None or own.kind == "implicit":
            return told
        key = own.secrets.get("service_account_json")
        if own.kind == "gcp-service-account" and key is not None:
            return told | {"GOOGLE_CREDENTIALS": json.dumps(json.loads(str(key)))}
        return told | {"GOOGLE_OAUTH_ACCESS_TOKEN": self._access.token()}

    def unfit(self, spec: StackSpec) -> list[Problem]:
        """What of a description is wrong here; see `given.py`."""
        return given.unfit(self._access, self.project, self.region, spec)

    def has_custom_code_agent(self, repository: str | None) -> bool | None:
        """Whether Google has made Vertex's agent for custom code; None if nobody here may know.

        It is there where a policy has it: Google gives each agent a role on the project as it makes
        it, and we may have given it one on the repository.
        https://cloud.google.com/iam/docs/service-agents

        Args:
            repository: Its full name, if there may be one.

        Raises:
            KitaruError: Google does not answer. What it was granted would be taken away.
        """
        agent = vertex_agents(self.number)[1]
        about = f"the IAM policy of the project {self.project}"
        try:
            told = self._has_role(agent, about)
            if told:
                return True
            # Also where the project's policy may not be read: what an earlier run granted would
            # go from the program, and be taken away.
            if repository is not None and self._is_member(repository, agent):
                return True
        except Denied:
            return None
        except ProbeError as error:
            raise KitaruError(
                "Whether Google has made Vertex's agent for custom code cannot be told",
                where=about,
                why=error.why,
                remedy="Run it again later.",
            ) from error
        return told

    def _has_role(self, agent: str, about: str) -> bool | None:
        """Whether somebody is in the policy of the project; None if that may not be read."""
        try:
            policy = self._access.rest(
                "POST",
                f"{RESOURCE_MANAGER}projects/{self.project}:getIamPolicy",
                about=about,
                permission="resourcemanager.projects.getIamPolicy",
                body={"options": {"requestedPolicyVersion": 3}},
            )
        except Denied:
            return None
        return any(agent in map(str, one.get("members") or ()) for one in bindings_of(policy))

    def _is_member(self, repository: str, member: str) -> bool:
        """Whether somebody is in the policy of a repository, which need not be there."""
        try:
            policy = self._access.registry(
                lambda client, seconds: client.get_iam_policy(
                    request={"resource": repository}, timeout=seconds, retry=None
                ),
                about=f"the IAM policy of {repository}",
                permission="artifactregistry.repositories.getIamPolicy",
            )
        except (NotFound, ServiceDisabled):
            return False
        return any(member in one.members for one in policy.bindings)

    def cluster_api(self, name: str) -> KubernetesApi:
        """The API of a cluster, with credentials that are as fresh as can be.

        Raises:
            ProbeError: GKE does not tell where it is.
        """
        full = f"projects/{self.project}/locations/{self.region}/clusters/{name}"
        access = GcpAccess(self._credentials, self.project)
        try:
            access.open()
            found = access.clusters(
                lambda client, seconds: client.get_cluster(name=full, timeout=seconds, retry=None),
                about=f"the cluster {name}",
                permission="container.clusters.get",
            )
            return api_of(access, as_rest(found))
        finally:
            access.close()

    def sight(self, type: str, inputs: Inputs, marks: Mapping[str, str]) -> Sighting | None:
        """What Google has under the name of a resource, and whether it is ours; None if nothing.

        The kinds that are not looked up are settings: writing them again does no harm.

        Raises:
            KitaruError: It cannot be told.
        """
        try:
            return ownership.sight(self._access, self._where, type, inputs, marks)
        except ServiceDisabled as error:
            # A run enables it before it makes anything. What may be there from before it was
            # disabled, Google refuses to make again.
            if error.service in self.services and error.consumer in {self.project, self.number}:
                return None
            raise untold(type, inputs, error) from error
        except ProbeError as error:
            raise untold(type, inputs, error) from error

    def marked(self, marks: Mapping[str, str]) -> Marked:
        """What in the project and region carries these marks; see `marked.py`."""
        return marked.marked(self._access, self._where, marks, self.named, self.services)

    def holds(self, type: str, id: str) -> str | None:
        """What a stateful resource still holds, in words; None if it is empty or gone."""
        try:
            if type == BUCKET and self._objects(id, 1):
                return "it holds objects"
            if type == REPOSITORY and self._has_images(id):
                return "it holds images"
        except NotFound:
            return None
        except ProbeError as error:
            return f"it may hold data: {error.why}"
        return None

    def others_in(self, type: str, id: str) -> str | None:
        """None: Google deletes nothing with what is made here but data."""
        del type, id
        return None

    def empty(self, type: str, id: str) -> None:
        """Delete what a bucket holds, for good as far as its soft delete lets it.

        A repository is not emptied: Google deletes it with its images.
        https://cloud.google.com/artifact-registry/docs/repositories/delete-repo

        Raises:
            KitaruError: Google refuses.
        """
        if type != BUCKET:
            return
        try:
            before: list[tuple[str, int]] = []
            while (found := self._objects(id, 1000)) and found != before:
                in_batches(lambda one: self._delete(id, *one), found)
                before = found
        except NotFound:
            return
        except ProbeError as error:
            raise KitaruError(
                f"gs://{id} could not be emptied",
                why=error.why,
                # No command that deletes by name: the bucket may be another one by then.
                remedy="Run the same command again as somebody who may delete them; where a "
                "retention policy or a hold keeps them, it has to end first.",
            ) from error
        if found:
            raise KitaruError(
                f"gs://{id} could not be emptied: {len(found)} objects stay",
                why="Google lists them, and says of each that it is not there.",
                remedy="Run it again later.",
            )

    def _objects(self, bucket: str, most: int) -> list[tuple[str, int]]:
        """Objects of a bucket in all their versions, as name and generation."""
        return self._access.storage(
            lambda client, seconds: [
                (str(one.name), int(one.generation))
                for one in client.list_blobs(
                    bucket, versions=True, max_results=most, timeout=seconds, retry=None
                )
            ],
            about=f"gs://{bucket}",
            permission="storage.objects.list",
        )

    def _delete(self, bucket: str, name: str, generation: int) -> None:
        try:
            self._access.storage(
                lambda client, seconds: (
                    client.bucket(bucket)
                    .blob(name, generation=generation)
                    .delete(timeout=seconds, retry=None)
                ),
                about=f"gs://{bucket}/{name}",
                permission="storage.objects.delete",
            )
        except NotFound:
            return  # somebody was quicker

    def _has_images(self, id: str) -> bool:
        request = {"parent": id, "page_size": 1}
        return self._access.registry(
            lambda client, seconds: any(
                client.list_packages(request=request, timeout=seconds, retry=None)
            ),
            about=id,
            permission="artifactregistry.packages.list",
        )


def _refused(error: ProbeError, who: str, project: str) -> KitaruError:
    return NotAllowedError(
        f"Google cannot be asked for the project {project} to provision in",
        where=who,
        why=error.why,
        remedy=error.remedy
        if isinstance(error, NoCredentials) and error.remedy
        else f"gcloud projects describe {project}",
    )
