"""What the values of a description owe each other: type, cloud, region, resources."""

from __future__ import annotations

from collections.abc import Mapping

from kitaru_iac import redaction
from kitaru_iac.spec import cross_extra, cross_infrastructure, folders, names, regions
from kitaru_iac.spec.clouds import FIXED_CLOUDS, VOCABULARIES, cloud_of, cluster_name
from kitaru_iac.spec.clouds.aws import aws_partition
from kitaru_iac.spec.draft import Draft
from kitaru_iac.spec.fields import FIELDS
from kitaru_iac.spec.kinds import Cloud, InfraMode, ResourceMode, StackType
from kitaru_iac.spec.refusal import Refusal, shown
from kitaru_iac.spec.resources import resources_on
from kitaru_iac.spec.rows import Kind
from kitaru_iac.spec.suggest import suggest
from kitaru_iac.spec.uris import (
    ArtifactRegistryUri,
    EcrUri,
    GcrUri,
    LocalPath,
    OtherRegistryUri,
)
from kitaru_iac.spec.wording import example

__all__ = ["belonging", "check"]

_RUNNER = {
    StackType.LOCAL: "its flows run on this machine",
    StackType.KUBERNETES: "its flows run in a cluster",
    StackType.VERTEX: "Vertex AI brings its own machines",
    StackType.SAGEMAKER: "SageMaker brings its own machines",
    StackType.AZUREML: "Azure ML brings its own machines",
}


def belonging(draft: Draft, type_: StackType) -> None:
    """Options that the type does not have."""
    strangers = [
        key
        for key in FIELDS
        if draft.has(key) and type_ not in FIELDS[key].types and not _says_nothing(draft, key)
    ]
    if not strangers:
        return
    at_home = set.intersection(*(set(FIELDS[key].types) for key in strangers))
    implied = not draft.has("type")
    others = [str(other) for other in StackType if other in at_home]
    for key in strangers:
        remedy = "Leave it out."
        if others and implied:
            way = "--type" if draft.origins.flags else "type:"
            remedy = f"Add `{way} {' | '.join(others)}`."
        elif others:
            remedy = f"Leave it out, or use type {' or '.join(others)}."
        draft.add(key, f"type {type_} has no {key}", _RUNNER[type_], remedy)
    for key in FIELDS:
        if type_ not in FIELDS[key].types and _says_nothing(draft, key):
            del draft.given[key]


def _says_nothing(draft: Draft, key: str) -> bool:
    """Whether it is a switch that is off, as `async: false` for a local stack."""
    return FIELDS[key].kind is Kind.SWITCH and draft.given.get(key) is False


def check(draft: Draft, type_: StackType) -> None:
    """Everything that needs more than one value."""
    cloud = _clouds(draft, type_)
    _regions(draft, type_, cloud)
    _cluster(draft, type_, cloud)
    _role(draft)
    _project(draft, cloud)
    _of_other_clouds(draft, type_, cloud)
    _connector(draft, type_, cloud)
    _infra(draft, type_, cloud)
    _required(draft, type_, cloud)
    cross_extra.check(draft, type_)
    cross_infrastructure.check(draft, type_, cloud)
    folders.check(draft)


def _clouds(draft: Draft, type_: StackType) -> Cloud | None:
    store = draft.values.get("artifact_store")
    registry = draft.values.get("container_registry")
    region = draft.values.get("region")
    cloud = cloud_of(
        type_,
        store,
        registry,
        region=region,
        project=draft.values.get("project"),
        subscription_id=draft.values.get("subscription_id"),
    )
    if type_ is not StackType.LOCAL and isinstance(store, LocalPath):
        draft.add(
            "artifact_store",
            f"type {type_} cannot store artifacts in a folder of this machine",
            why="its flows run elsewhere",
            remedy=f"Use a bucket, as `{example('artifact_store', cloud)}`.",
        )
    elif cloud and store is not None and store.cloud not in {None, cloud}:
        draft.add(
            "artifact_store",
            f"{shown(store)} is in {store.cloud.label}, and type {type_} runs in {cloud.label}",
            remedy=f"Use {VOCABULARIES[cloud].store}, as `{example('artifact_store', cloud)}`.",
        )
    if registry is None or cloud is None:
        return cloud
    if isinstance(registry, OtherRegistryUri):
        if type_ in {StackType.VERTEX, StackType.SAGEMAKER}:
            draft.add(
                "container_registry",
                f"type {type_} cannot pull images from {shown(registry.host)}",
                why=f"it reaches only registries of {cloud.label}",
                remedy=f"Use {VOCABULARIES[cloud].registry}, as "
                f"`{example('container_registry', cloud)}`.",
            )
    elif registry.cloud is not cloud:
        side = f"type {type_} runs" if type_ in FIXED_CLOUDS else "the artifact store is"
        draft.add(
            "container_registry",
            f"{shown(registry)} is in {registry.cloud.label}, and {side} in {cloud.label}",
            why="a stack has one connector, to one cloud",
            remedy=f"Use {VOCABULARIES[cloud].registry}, as "
            f"`{example('container_registry', cloud)}`.",
        )
    elif isinstance(registry, EcrUri) and registry.host.endswith(".cn"):
        draft.add(
            "container_registry",
            f"ZenML cannot reach the registry {shown(registry.host)}",
            why="its AWS connector knows only hosts that end in `amazonaws.com`",
        )
    return cloud


def _regions(draft: Draft, type_: StackType, cloud: Cloud | None) -> None:
    region = draft.values.get("region")
    if region is None or cloud is None:
        return
    try:
        regions.check_region(region, cloud, zones=type_ is StackType.KUBERNETES)
    except Refusal as error:
        draft.refuse("region", error)
        return
    registry = draft.values.get("container_registry")
    if draft.is_wrong("container_registry"):
        return
    if isinstance(registry, EcrUri) and registry.region != region:
        draft.add(
            "region",
            f"region {shown(region)} is not that of the container registry, `{registry.region}`",
            why="ZenML's AWS connector works in one region",
            remedy=f"Write `{registry.region}`, or use a registry in `{region}`.",
        )


def _cluster(draft: Draft, type_: StackType, cloud: Cloud | None) -> None:
    name = draft.values.get("cluster")
    if name is None or type_ is not StackType.KUBERNETES:
        return
    try:
        cluster_name(name, cloud)
    except Refusal as error:
        draft.refuse("cluster", error)


def _role(draft: Draft) -> None:
    text = draft.values.get("execution_role")
    if text is None:
        return
    registry, region = draft.values.get("container_registry"), draft.values.get("region")
    account = registry.account if isinstance(registry, EcrUri) else None
    try:
        role = names.parse_role_arn(text, account=account)
    except Refusal as error:
        draft.refuse("execution_role", error)
        return
    if region and not draft.is_wrong("region"):
        partition = aws_partition(region)
        if role.partition != partition:
            draft.add(
                "execution_role",
                f"the role is in the partition `{role.partition}`, and {shown(region)} is in "
                f"`{partition}`",
                why="AWS keeps partitions apart",
                remedy=f"Use a role `arn:{partition}:iam::…`, or another region.",
            )


def _project(draft: Draft, cloud: Cloud | None) -> None:
    project, registry = draft.values.get("project"), draft.values.get("container_registry")
    if (
        project
        and cloud is Cloud.GCP
        and not draft.is_wrong("container_registry")
        and isinstance(registry, ArtifactRegistryUri | GcrUri)
        and registry.project != project
    ):
        draft.add(
            "project",
            f"project {shown(project)} is not that of the container registry, `{registry.project}`",
            why="ZenML's GCP connector works in one project",
            remedy=f"Write `{registry.project}`, or leave it out.",
        )


def _of_other_clouds(draft: Draft, type_: StackType, cloud: Cloud | None) -> None:
    """Options of one cloud in a stack of another, or of none."""
    # `infra` is looked at by itself; what is one cloud's own comes last.
    fields = [info for info in FIELDS.values() if info.needs_cloud and info.key != "infra"]
    for info in sorted(fields, key=lambda info: info.cloud is not None):
        key = info.key
        if not draft.has(key) or draft.is_wrong(key):
            continue
        if cloud is None and type_ is StackType.LOCAL and not draft.is_wrong("artifact_store"):
            draft.add(
                key,
                f"a local stack without a cloud artifact store has no {key}",
                remedy="Leave it out, or give an artifact store, as `s3://my-bucket/kitaru`.",
            )
        elif cloud and info.cloud not in {None, cloud}:
            draft.add(key, f"a stack on {cloud.label} has no {key}", remedy="Leave it out.")


def _connector(draft: Draft, type_: StackType, cloud: Cloud | None) -> None:
    del type_
    if draft.has("connector") and draft.has("credentials"):
        draft.add(
            "connector",
            "connector and credentials exclude each other",
            why="an existing connector has its own credentials",
            remedy="Leave one of them out.",
        )
    found = draft.values.get("credentials")
    if found is not None and found.cloud and cloud and found.cloud is not cloud:
        draft.add(
            "credentials",
            f"credentials of kind `{found.kind}` are for {found.cloud.label}, "
            f"and the stack is on {cloud.label}",
            remedy=f"Use some of {cloud.label}, or `implicit`.",
        )


def _infra(draft: Draft, type_: StackType, cloud: Cloud | None) -> None:
    infra = draft.values.get("infra", InfraMode.NONE)
    if infra is not InfraMode.NONE and type_ is StackType.LOCAL and cloud is None:
        if not draft.is_wrong("artifact_store"):
            draft.add(
                "infra",
                "a local stack without a cloud artifact store has no infrastructure",
                remedy="Leave it out, or give an artifact store, as `s3://my-bucket/kitaru`.",
            )
        return
    modes = draft.values.get("resources", {})
    registry = draft.values.get("container_registry")
    known = resources_on(type_, cloud)
    for name, mode in modes.items():
        field = f"resources.{redaction.value(name)}"
        if name not in known:
            found = suggest(name, known)
            where = f" on {cloud.label}" if cloud and name in resources_on(type_, None) else ""
            draft.add(
                field,
                f"type {type_} has no resource {shown(name)}{where}",
                why=f"its resources are {', '.join(known)}",
                remedy=f"Did you mean `{found}`?" if found else None,
            )
        elif mode is ResourceMode.CREATE and infra is not InfraMode.PROVISION:
            if not draft.is_wrong("infra"):
                draft.add(
                    field,
                    f"`create` needs `infra: provision`, and infra is `{infra}`",
                    remedy="Write `infra: provision`, or `existing`.",
                )
        elif name == "registry" and mode is ResourceMode.CREATE:
            if isinstance(registry, OtherRegistryUri | GcrUri):
                draft.add(
                    field,
                    f"the registry {shown(registry.host)} cannot be created",
                    remedy="Write `existing`.",
                )
    _group(draft, known)
    if modes and infra is InfraMode.NONE and not draft.is_wrong("resources"):
        if not draft.is_wrong("infra"):
            draft.add(
                "resources",
                "resources has no effect with infra `none`",
                remedy="Write `infra: verify` or `infra: provision`.",
            )


def _group(draft: Draft, known: Mapping[str, str | None]) -> None:
    """Azure's resource group is not made around what is there already.

    A workspace of which nothing is said may have the name of one that is to be made.
    """
    modes = draft.values.get("resources", {})
    if modes.get("group") is not ResourceMode.CREATE:
        return
    for resource in ("cluster", "workspace"):
        key, mode = known.get(resource), modes.get(resource)
        is_there = mode is ResourceMode.EXISTING or (mode is None and resource == "cluster")
        if key and is_there and draft.has(key):
            draft.add(
                "resources.group",
                f"it cannot be created: the {resource} {shown(draft.values[key])} lies in it",
                why=f"the {resource} is there, and so is the group that it is in",
                remedy=f"Leave it out, or create the {resource} too.",
            )


def _required(draft: Draft, type_: StackType, cloud: Cloud | None) -> None:
    for key, why in _needs(draft, type_, cloud).items():
        if not draft.has(key) and not draft.is_wrong(key):
            draft.missing(key, why, example(key, cloud))
    unknown = cloud is None and type_ is StackType.KUBERNETES
    if unknown and not draft.problems:
        draft.add(
            "artifact_store",
            "it is not clear which cloud the stack is for",
            remedy="Give artifact_store, as `s3://my-bucket/kitaru`, or a region that shows it.",
        )


def _needs(draft: Draft, type_: StackType, cloud: Cloud | None) -> dict[str, str]:
    needs = {"name": "a stack has a name"}
    by_type = f"type {type_} needs it"
    modes = draft.values.get("resources", {})
    provision = draft.values.get("infra") is InfraMode.PROVISION
    for resource, key in resources_on(type_, cloud).items():
        if key is None or type_ is StackType.LOCAL or key == "resource_group":
            continue  # the group holds them on Azure, and is always named: below
        mode = modes.get(resource)
        if not provision:
            needs[key] = by_type
        elif mode in {ResourceMode.EXISTING, ResourceMode.SKIP}:
            needs[key] = f"{resource} is `{mode}`"
    on_cloud = f"type {type_} on {cloud.label} needs it" if cloud else by_type
    # A local runner without credentials uses this machine's own, and no connector.
    own = draft.has("connector") or (type_ is StackType.LOCAL and not draft.has("credentials"))
    needs |= {key: by_type for key, info in FIELDS.items() if type_ in info.required}
    if type_ is StackType.KUBERNETES and cloud in {Cloud.AWS, Cloud.GCP}:
        needs["region"] = on_cloud
    elif type_ is StackType.KUBERNETES and cloud is None and not draft.has("artifact_store"):
        needs["region"] = "type kubernetes on AWS and GCP needs it"
    elif type_ is StackType.LOCAL and cloud is Cloud.AWS and not own:
        needs["region"] = "the connector to AWS needs it"
    if type_ is StackType.AZUREML or (type_ is StackType.KUBERNETES and cloud is Cloud.AZURE):
        needs |= {"subscription_id": on_cloud, "resource_group": on_cloud}
    registry = draft.values.get("container_registry")
    told = isinstance(registry, ArtifactRegistryUri | GcrUri) or draft.is_wrong(
        "container_registry"
    )
    # A registry that is missing is reported by itself: it would bring the project.
    told = told or ("container_registry" in needs and not draft.has("container_registry"))
    if cloud is Cloud.GCP and not told and not own:
        needs["project"] = "the connector to GCP needs it, and no registry names it"
    return needs
