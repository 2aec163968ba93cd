"""What provisioning is given for Google Cloud."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from kitaru_iac.checks.kubernetes_api import IN_EVERY_CLUSTER
from kitaru_iac.checks.probes import Denied, NoCredentials, NotFound, ProbeError
from kitaru_iac.clouds.gcp.commands import bind, gcloud, use_bucket
from kitaru_iac.clouds.gcp.permissions import pod_member
from kitaru_iac.clouds.gcp.provision.account import Account
from kitaru_iac.clouds.gcp.provision.args import OUTPUTS
from kitaru_iac.clouds.gcp.provision.connector import without_source
from kitaru_iac.clouds.gcp.provision.layout import (
    Layout,
    layout,
    project_of,
    repository_in,
    services_of,
)
from kitaru_iac.clouds.gcp.provision.ownership import claims, repository_claim
from kitaru_iac.clouds.gcp.resources import (
    GcpResources,
    gcp_resources,
    makes_connector,
    project_of_account,
    provisioner,
    repository_of,
)
from kitaru_iac.clouds.gcp.session import GcpAccess
from kitaru_iac.clouds.plugins import version_of
from kitaru_iac.clouds.provider import Claim, Inputs, NewNamespace, Target
from kitaru_iac.clouds.wanted import possible, region_of
from kitaru_iac.errors import DescriptionError
from kitaru_iac.patterns import compiled
from kitaru_iac.spec.credentials import Credentials
from kitaru_iac.spec.kinds import Cloud, StackType
from kitaru_iac.spec.model import StackSpec
from kitaru_iac.spec.uris import (
    ArtifactRegistryUri,
    GcsUri,
    parse_artifact_store,
    parse_container_registry,
)

__all__ = [
    "account_for",
    "account_of",
    "passing",
    "place_of",
    "plugins",
    "target",
    "told_by",
    "used",
]

#: A member of a policy that Google does not know yet: an agent, or an account of a moment ago.
_LATE_MEMBER = compiled(
    r"Service account (\S+) does not exist|(\S+@\S+\.gserviceaccount\.com) does not exist", re.I
)
#: An API that was enabled a moment ago.
#: The identities of a project's pods, which come with its first cluster.
_LATE_POOL = compiled(r"Identity Pool does not exist \(([^)\s]+)\)", re.I)
_LATE_SERVICE = compiled(
    r"SERVICE_DISABLED|accessNotConfigured|has not been used in project \S+ before or it is dis"
)


def plugins() -> tuple[tuple[str, str], ...]:
    """Give the provider plugins of Google Cloud. Raises `MissingPackages`."""
    return (("gcp", version_of("pulumi-gcp", Cloud.GCP)),)


def target(spec: StackSpec) -> Target:
    """What is made for a description on Google Cloud.

    Raises:
        DescriptionError: It cannot be made as described.
        MissingPackages: The GCP packages are not installed.
        NotAllowedError: There are no usable credentials.
    """
    needed = plugins()
    account = account_for(spec)
    planned, agent = _possible(spec, account), None
    if planned.late_agent:
        where = repository_in(planned.project, planned.container_registry)
        agent = account.has_custom_code_agent(str(where))
        planned = replace(planned, custom_code_agent=bool(agent))
    from kitaru_iac.clouds.gcp.provision.program import physical_names, program

    return Target(
        account=account,
        program=program(planned),
        plugins=needed,
        outputs={key: getattr(planned, key) for key in OUTPUTS},
        makes_anything=planned.makes_anything,
        claims=claims(planned),
        names=physical_names(planned),
        notes=_notes(planned, _pods(gcp_resources(spec), account.number), told=agent is not None),
        passing=passing,
        late=partial(_late, spec, planned) if planned.new_connector else None,
        namespace=_namespace(planned, account),
    )


def used(spec: StackSpec) -> frozenset[str]:
    """Which of bucket, registry and role the description names, and are not made.

    Raises:
        DescriptionError: It cannot be made as described.
        MissingPackages: The GCP packages are not installed.
        NotAllowedError: There are no usable credentials.
    """
    planned = _possible(spec, account_for(spec))
    found = {
        "bucket": isinstance(spec.artifact_store, GcsUri) and not planned.new_bucket,
        "registry": isinstance(spec.container_registry, ArtifactRegistryUri)
        and not planned.new_repository,
        "role": bool(planned.workload_service_account) and not planned.new_workload,
    }
    return frozenset(name for name, is_used in found.items() if is_used)


def passing(failure: str) -> str | None:
    """For what Google needs time, where a failure of the plugin passes by itself.

    Accounts and agents are there some time after they were made, for policies too; so are APIs.
    https://cloud.google.com/iam/docs/service-accounts-create, https://cloud.google.com/iam/docs/
    service-agents, https://cloud.google.com/service-usage/docs/enable-disable
    """
    late = _LATE_MEMBER.search(failure)
    if late:
        return f"Google does not know {late[1] or late[2]} yet"
    pool = _LATE_POOL.search(failure)
    if pool:
        return f"Google does not know the identity pool {pool[1]} yet"
    return "An API is not ready yet" if _LATE_SERVICE.search(failure) else None


def _late(spec: StackSpec, planned: Layout) -> str | None:
    """For what Google needs time before the connector can become its account, and reach the bucket.

    What was granted may not count for minutes, and ZenML asks once.
    https://cloud.google.com/iam/docs/access-change-propagation
    """
    access = GcpAccess(spec.credentials, planned.project)
    store = parse_artifact_store(planned.artifact_store) if planned.artifact_store else None
    try:
        access.open()
        if isinstance(store, GcsUri):
            access.storage(
                lambda client, seconds: client.get_bucket(
                    store.bucket, timeout=seconds, retry=None
                ),
                about=f"gs://{store.bucket}",
                permission="storage.buckets.get",
            )
    except (NoCredentials, Denied, NotFound) as error:
        return f"{planned.connector_email} cannot be used yet ({error.why})"
    except ProbeError:
        return None  # the registration asks again, and says what it is
    finally:
        access.close()
    return None


def _possible(spec: StackSpec, account: Account) -> Layout:
    """The layout, where all that the description says can be made in this project."""
    return possible(
        lambda: layout(spec, account.project, account.number, account.region),
        account.unfit(spec),
    )


def _notes(planned: Layout, pods: Sequence[str], *, told: bool) -> tuple[str, ...]:
    """What comes later, and what nobody but the user can know.

    Args:
        planned: What is made.
        pods: Those of the stack, as IAM names them.
        told: Whether the agents that there are could be looked up.
    """
    found = []
    repository = repository_in(planned.project, planned.container_registry)
    if planned.late_agent and repository and told:
        found.append(
            "Google makes Vertex's agent for custom code after the first run: what that one may "
            "pull is granted by the next `kitaru stack apply` after it"
        )
    elif planned.late_agent and repository:
        grant = bind(
            "artifacts",
            "repositories",
            repository.id,
            member=planned.late_agent,
            role="roles/artifactregistry.reader",
            location=repository.location,
            project=repository.project,
        )
        found.append(
            "Whether Google has made Vertex's agent for custom code may not be looked up; when it "
            f"has: {grant}"
        )
    if planned.new_workload and planned.submitter is None:
        grant = bind(
            "iam",
            "service-accounts",
            str(planned.workload_email),
            member="serviceAccount:ADDRESS",
            role="roles/iam.serviceAccountUser",
            project=planned.project,
        )
        found.append(f"Whoever the stack's connector is needs, with its address: {grant}")
    if planned.connector_email:
        found += _notes_of_connector(planned, planned.connector_email)
    if planned.new_cluster:
        found += _notes_of_cluster(planned)
    elif planned.cluster:
        found += _notes_of_existing(planned, pods)
    return tuple(found)


def _notes_of_connector(planned: Layout, email: str) -> list[str]:
    """What the connector's account is not granted: in other projects, and inside clusters."""
    found, member = [], f"serviceAccount:{email}"
    if grant := _grant_elsewhere(planned, member, "roles/artifactregistry.writer"):
        uri = planned.container_registry
        found.append(f"The connector may not push to {uri} yet; once it is there: {grant}")
    steps = planned.workload_service_account
    if steps and planned.submitter is None:
        grant = bind(
            "iam",
            "service-accounts",
            steps,
            member=member,
            role="roles/iam.serviceAccountUser",
            project=str(project_of_account(steps)),
        )
        found.append(
            f"The connector may not act as {steps} yet; once its account is there: {grant}"
        )
    if planned.cluster:
        found.append(
            f"The connector finds the cluster {planned.cluster}, and may do nothing in it: apply "
            "there what `kitaru stack policy` prints as `cluster`"
        )
    return found


def _pods(r: GcpResources, number: str) -> list[str]:
    """The stack's pods as IAM names them."""
    return [pod_member(r, number, account) for account in r.pod_accounts]


def _notes_of_existing(planned: Layout, pods: Sequence[str]) -> list[str]:
    """What the nodes and pods of a cluster that exists are to be granted: nothing is, unasked."""
    found = []
    if planned.new_repository:
        grant = bind(
            "artifacts",
            "repositories",
            planned.new_repository,
            member="serviceAccount:ADDRESS",
            role="roles/artifactregistry.reader",
            location=planned.repository_location or planned.region,
            project=planned.project,
        )
        found.append(
            f"This grants the nodes of {planned.cluster} nothing. Where nobody else has, once the "
            f"repository is there, with the address of their account: {grant}"
        )
    if planned.new_bucket:
        bucket = f"gs://{planned.new_bucket}"
        found.append(
            f"This grants the pods of {planned.cluster} nothing; ZenML reaches the bucket with the "
            "connector's credentials. Where the code of steps is to use it as the pods themselves, "
            "with Workload Identity on and no account of Google's in their annotation, once the "
            "bucket is there: "
            f"{' && '.join(use_bucket(bucket, one) for one in pods)}"
        )
    return found


def _notes_of_cluster(planned: Layout) -> list[str]:
    """What is the user's to do around a new cluster."""
    nodes = f"serviceAccount:{planned.nodes_email}"
    grant = _grant_elsewhere(planned, nodes, "roles/artifactregistry.reader")
    uri = planned.container_registry
    said = f"The nodes may not pull from {uri} yet; once the account is there: {grant}"
    return [said] if grant else []


def _namespace(planned: Layout, account: Account) -> NewNamespace | None:
    """What is to be in a new cluster beside what every cluster has."""
    name, cluster = str(planned.namespace), planned.new_cluster
    if cluster is None or name in IN_EVERY_CLUSTER:
        return None
    log_in = gcloud(
        "container",
        "clusters",
        "get-credentials",
        cluster,
        location=planned.region,
        project=planned.project,
    )
    by_hand = f"{log_in} && kubectl create namespace {name}"
    return NewNamespace(name, cluster, partial(account.cluster_api, cluster), by_hand)


def _grant_elsewhere(planned: Layout, member: str, role: str) -> str | None:
    """The command for a role on the images' repository, where another project has it."""
    uri = planned.container_registry
    images = repository_of(parse_container_registry(uri)) if uri else None
    if images is None or repository_in(planned.project, uri) is not None:
        return None
    return bind(
        "artifacts",
        "repositories",
        images.id,
        member=member,
        role=role,
        location=images.location,
        project=images.project,
    )


def account_of(credentials: Credentials | None, inputs: Inputs) -> Account:
    """The project of a deployment's provider, in its region, asked with these credentials.

    Raises:
        NotAllowedError: There are no usable credentials.
    """
    return Account.open(credentials, str(inputs["project"]), str(inputs["region"]))


def account_for(spec: StackSpec) -> Account:
    """The project of a description, in its region.

    Raises:
        DescriptionError: It has no project or no region.
        NotAllowedError: There are no usable credentials.
    """
    region = region_of(spec)
    project = project_of(spec)
    made = makes_connector(spec)
    if made and (wrong := without_source(spec, project)):
        raise DescriptionError(wrong)
    account = Account.open(provisioner(spec), project, region)
    cluster = spec.type is StackType.KUBERNETES
    return replace(
        account,
        named=_named(spec, project),
        services=services_of(spec.type, cluster=cluster, connector=made),
    )


def _named(spec: StackSpec, project: str) -> tuple[Claim, ...]:
    """The repository that a description names, which may lie in another location than the stack."""
    where = repository_in(project, str(spec.container_registry or "") or None)
    return () if where is None else (repository_claim(where.project, where.location, where.id),)


def place_of(inputs: Inputs) -> dict[str, str]:
    """Where a deployment is, from the inputs of its provider in the state."""
    return {key: str(inputs.get(key, "")) for key in ("project", "region")}


def told_by(spec: StackSpec) -> dict[str, frozenset[str]]:
    """Nothing that credentials could tell otherwise: the record always has project and region."""
    del spec
    return {}
