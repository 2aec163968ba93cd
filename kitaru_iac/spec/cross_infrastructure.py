"""What the options of `infrastructure` owe the rest of a description, and each other."""

from __future__ import annotations

import re

from kitaru_iac.spec.clouds.aws import aws_partition
from kitaru_iac.spec.draft import Draft
from kitaru_iac.spec.infrastructure import OPTIONS, Infrastructure
from kitaru_iac.spec.infrastructure_values import INSTANCE_TYPE, SUBNET, SUBNETWORK, VM_SIZE
from kitaru_iac.spec.kinds import Cloud, InfraMode, ResourceMode, StackType
from kitaru_iac.spec.resources import RESOURCES

__all__ = ["check"]


def check(draft: Draft, type_: StackType, cloud: Cloud | None) -> None:
    """Options without effect, and those that contradict others."""
    if draft.is_wrong("infrastructure") or draft.is_wrong("infra"):
        return
    found = draft.values.get("infrastructure", Infrastructure())
    given = found.given()
    infra = draft.values.get("infra", InfraMode.NONE)
    if given and infra is not InfraMode.PROVISION:
        draft.add(
            "infrastructure",
            f"infrastructure has no effect with infra `{infra}`",
            why="it says how things are made",
            remedy="Write `infra: provision`.",
        )
        return
    for name in given:
        _effect(draft, type_, cloud, name)
    if cloud in {None, *OPTIONS["endpoint_access"].clouds}:
        _endpoint(draft, type_, found)
    _network(draft, found)
    _subnets(draft, cloud, found)
    _sizes(draft, cloud, found)
    _nodes(draft, found)
    if cloud in {None, Cloud.AWS}:
        _places(draft, found)


def _effect(draft: Draft, type_: StackType, cloud: Cloud | None, name: str) -> None:
    resource, clouds = OPTIONS[name].of, OPTIONS[name].clouds
    field = f"infrastructure.{name}"
    if cloud is not None and cloud not in clouds:
        draft.add(
            field,
            f"{name} has no effect on {cloud.label}",
            why=f"it is an option of {' and '.join(one.label for one in Cloud if one in clouds)}",
            remedy="Leave it out.",
        )
        return
    if resource is None or draft.is_wrong("resources"):
        return
    if resource not in RESOURCES[type_]:
        draft.add(field, f"type {type_} has no {resource}", remedy="Leave it out.")
        return
    mode = draft.values.get("resources", {}).get(resource)
    if resource == "cluster" and mode is not ResourceMode.CREATE:
        draft.add(
            field,
            f"{name} is about a cluster that is made, and none is",
            remedy="Write `resources: {cluster: create}`, or leave it out.",
        )
    elif resource == "connector" and mode is not ResourceMode.CREATE:
        draft.add(
            field,
            f"{name} is about a connector's account that is made, and none is",
            remedy="Write `resources: {connector: create}`, or leave it out.",
        )
    elif resource == "registry" and mode in {ResourceMode.EXISTING, ResourceMode.SKIP}:
        draft.add(
            field,
            f"{name} is about a repository that is made, and registry is `{mode}`",
            remedy="Leave it out.",
        )


def _endpoint(draft: Draft, type_: StackType, found: Infrastructure) -> None:
    """A new cluster is open to those who are named: nobody is let in by silence."""
    modes = draft.values.get("resources", {})
    if type_ is not StackType.KUBERNETES or modes.get("cluster") is not ResourceMode.CREATE:
        return
    provision = draft.values.get("infra") is InfraMode.PROVISION
    if provision and found.endpoint_access is None and not draft.is_wrong("resources"):
        draft.add(
            "infrastructure.endpoint_access",
            "it is not said who may reach the new cluster's endpoint",
            why="whoever registers the stack and the ZenML server have to, and nobody else should",
            remedy="Write `infrastructure: {endpoint_access: [203.0.113.7/32]}` with their "
            "addresses, or `[]` for a cluster that is reached from its own network alone.",
        )


def _network(draft: Draft, found: Infrastructure) -> None:
    if found.network and found.subnets:
        draft.add(
            "infrastructure.network",
            "a network is to be made, and subnets of one that exists are named",
            remedy="Leave one of them out.",
        )


def _subnets(draft: Draft, cloud: Cloud | None, found: Infrastructure) -> None:
    """Subnets are named in the words of their cloud."""
    if not found.subnets or cloud not in {Cloud.AWS, Cloud.GCP}:
        return
    form, example = {
        Cloud.AWS: (SUBNET, "subnet-0123456789abcdef0"),
        Cloud.GCP: (SUBNETWORK, "projects/PROJECT/regions/REGION/subnetworks/NAME"),
    }[cloud]
    for number, text in enumerate(found.subnets):
        if not re.fullmatch(form, text):
            draft.add(
                f"infrastructure.subnets[{number}]",
                f"`{text}` is not a subnet of {cloud.label}",
                remedy=f"Write it as `{example}`.",
            )


def _sizes(draft: Draft, cloud: Cloud | None, found: Infrastructure) -> None:
    """Nodes are named in the words of their cloud."""
    forms = {Cloud.AWS: (INSTANCE_TYPE, "m7i.xlarge"), Cloud.AZURE: (VM_SIZE, "Standard_D4s_v5")}
    if not found.instance_type or cloud not in forms:
        return
    form, example = forms[cloud]
    if not re.fullmatch(form, found.instance_type):
        draft.add(
            "infrastructure.instance_type",
            f"`{found.instance_type}` is not a kind of node of {cloud.label}",
            remedy=f"Write it as `{example}`.",
        )


def _nodes(draft: Draft, found: Infrastructure) -> None:
    least, first, most = found.node_counts
    if not least <= first <= most:
        draft.add(
            "infrastructure.nodes",
            f"there cannot be at least {least}, to begin with {first} and at most {most} nodes",
            why="min_nodes, nodes and max_nodes contradict each other",
            remedy="Give them in this order of size.",
        )


def _places(draft: Draft, found: Infrastructure) -> None:
    region = draft.values.get("region")
    if region is None or draft.is_wrong("region"):
        return
    partition = aws_partition(region)
    arns = [("permissions_boundary", found.permissions_boundary), ("kms_key", found.kms_key)]
    arns += [("cluster_access", principal) for principal in found.cluster_access or ()]
    for name, arn in arns:
        if arn is None:
            continue
        parts = arn.split(":")
        if parts[1] != partition:
            what = f"it is in the partition `{parts[1]}`, and the stack in `{partition}`"
            draft.add(f"infrastructure.{name}", what, why="AWS keeps partitions apart")
        elif name == "kms_key" and parts[3] != region:
            draft.add(
                "infrastructure.kms_key",
                f"the key is in {parts[3]}, and the stack in {region}",
                why="a bucket is encrypted with a key of its own region",
            )
