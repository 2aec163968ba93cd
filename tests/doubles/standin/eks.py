"""EKS: a cluster, a node group, add-ons, access entries and the identity of pods."""

from __future__ import annotations

from typing import Any, ClassVar

from standin.kinds import Inputs, Kind, Missing, ask, gone

_NONE = {"ResourceNotFoundException"}


class Cluster(Kind):
    token = "aws:eks/cluster:Cluster"
    forces = frozenset({"name", "roleArn"})
    computed = ("arn", "endpoint", "certificateAuthority", "status", "tagsAll")

    def create(self, inputs: Inputs) -> str:
        network = inputs["vpcConfig"]
        access = inputs.get("accessConfig") or {}
        self.client("eks").create_cluster(
            name=inputs["name"],
            roleArn=inputs["roleArn"],
            version=inputs.get("version") or "1.33",
            resourcesVpcConfig={
                "subnetIds": network["subnetIds"],
                "endpointPublicAccess": bool(network.get("endpointPublicAccess", True)),
                "endpointPrivateAccess": bool(network.get("endpointPrivateAccess", False)),
                "publicAccessCidrs": network.get("publicAccessCidrs") or ["0.0.0.0/0"],
            },
            accessConfig={"authenticationMode": access.get("authenticationMode", "API")},
            logging={
                "clusterLogging": [
                    {"types": inputs.get("enabledClusterLogTypes") or [], "enabled": True}
                ]
            },
            tags=inputs.get("tags") or {},
        )
        return str(inputs["name"])

    def read(self, id: str) -> dict[str, Any]:
        seen = ask(_NONE, self.client("eks").describe_cluster, name=id)["cluster"]
        tags = dict(seen.get("tags", {}))
        network = seen["resourcesVpcConfig"]
        switches = ("subnetIds", "endpointPrivateAccess", "endpointPublicAccess")
        # EKS keeps the networks of an endpoint that is off, and the real plugin looks past them.
        shown = (*switches, "publicAccessCidrs") if network["endpointPublicAccess"] else switches
        return {
            "name": id,
            "arn": seen["arn"],
            "roleArn": seen["roleArn"],
            "vpcConfig": {key: network[key] for key in shown},
            "endpoint": seen["endpoint"],
            "certificateAuthority": {"data": seen["certificateAuthority"]["data"]},
            "status": seen["status"],
            "tags": tags,
            "tagsAll": tags,
        }

    def update(self, id: str, old: Inputs, new: Inputs) -> None:
        eks = self.client("eks")
        extra = [key for key in (old.get("tags") or {}) if key not in (new.get("tags") or {})]
        if extra:
            eks.untag_resource(resourceArn=old["arn"], tagKeys=extra)
        eks.tag_resource(resourceArn=old["arn"], tags=new.get("tags") or {})

    def delete(self, id: str, state: Inputs) -> None:
        del state
        gone(_NONE, self.client("eks").delete_cluster, name=id)


class OfCluster(Kind):
    """A part of a cluster: its id is ``cluster:name``.

    Attributes:
        called: boto3's name of it, as in ``describe_CALLED``.
        named: boto3's argument that names it.
        seen: The field of the answer that describes it.
    """

    called: ClassVar[str]
    named: ClassVar[str]
    seen: ClassVar[str]

    def look(self, id: str) -> dict[str, Any]:
        call = getattr(self.client("eks"), f"describe_{self.called}")
        found: dict[str, Any] = ask(_NONE, call, **self.which(id))[self.seen]
        return found

    def which(self, id: str) -> dict[str, str]:
        cluster, _, name = id.partition(":")
        return {"clusterName": cluster, self.named: name}

    def update(self, id: str, old: Inputs, new: Inputs) -> None:
        del id, old, new

    def delete(self, id: str, state: Inputs) -> None:
        del state
        gone(_NONE, getattr(self.client("eks"), f"delete_{self.called}"), **self.which(id))


class NodeGroup(OfCluster):
    called, named, seen = "nodegroup", "nodegroupName", "nodegroup"
    token = "aws:eks/nodeGroup:NodeGroup"
    forces = frozenset(
        {"clusterName", "nodeGroupName", "nodeRoleArn", "subnetIds", "instanceTypes"}
    )
    computed = ("arn", "status", "tagsAll")

    def create(self, inputs: Inputs) -> str:
        size = {k: int(v) for k, v in inputs["scalingConfig"].items()}
        self.client("eks").create_nodegroup(
            clusterName=inputs["clusterName"],
            nodegroupName=inputs["nodeGroupName"],
            nodeRole=inputs["nodeRoleArn"],
            subnets=inputs["subnetIds"],
            instanceTypes=inputs.get("instanceTypes") or [],
            scalingConfig=size,
            tags=inputs.get("tags") or {},
        )
        return f"{inputs['clusterName']}:{inputs['nodeGroupName']}"

    def read(self, id: str) -> dict[str, Any]:
        seen = self.look(id)
        cluster, _, name = id.partition(":")
        return {
            "clusterName": cluster,
            "nodeGroupName": name,
            "arn": seen["nodegroupArn"],
            "nodeRoleArn": seen["nodeRole"],
            "subnetIds": seen["subnets"],
            "scalingConfig": dict(seen["scalingConfig"]),
            "status": seen["status"],
        }

    def update(self, id: str, old: Inputs, new: Inputs) -> None:
        del old
        self.client("eks").update_nodegroup_config(
            **self.which(id),
            scalingConfig={k: int(v) for k, v in new["scalingConfig"].items()},
        )


class Addon(OfCluster):
    called, named, seen = "addon", "addonName", "addon"
    token = "aws:eks/addon:Addon"
    forces = frozenset({"clusterName", "addonName"})
    computed = ("arn", "addonVersion", "createdAt", "modifiedAt", "tagsAll")

    def create(self, inputs: Inputs) -> str:
        self.client("eks").create_addon(
            clusterName=inputs["clusterName"],
            addonName=inputs["addonName"],
            resolveConflicts=inputs.get("resolveConflictsOnCreate") or "NONE",
            tags=inputs.get("tags") or {},
        )
        return f"{inputs['clusterName']}:{inputs['addonName']}"

    def read(self, id: str) -> dict[str, Any]:
        seen = self.look(id)
        return {**self.which(id), "arn": seen["addonArn"],
                "tags": seen["tags"], "tagsAll": seen["tags"]}  # fmt: skip


class PodIdentityAssociation(Kind):
    """Its id is AWS's own; the cluster is in the state."""

    token = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
    forces = frozenset({"clusterName", "namespace", "serviceAccount"})
    computed = ("associationArn", "associationId", "tagsAll")

    def create(self, inputs: Inputs) -> str:
        made = self.client("eks").create_pod_identity_association(
            clusterName=inputs["clusterName"],
            namespace=inputs["namespace"],
            serviceAccount=inputs["serviceAccount"],
            roleArn=inputs["roleArn"],
            tags=inputs.get("tags") or {},
        )["association"]
        return str(made["associationId"])

    def read(self, id: str) -> dict[str, Any]:
        eks = self.client("eks")
        for cluster in eks.list_clusters()["clusters"]:
            call = eks.describe_pod_identity_association
            try:
                seen = ask(_NONE, call, clusterName=cluster, associationId=id)["association"]
            except Missing:
                continue
            keys = ("clusterName", "namespace", "serviceAccount", "roleArn", "associationId")
            return {**{key: seen[key] for key in keys}, "associationArn": seen["associationArn"],
                    "tags": seen["tags"], "tagsAll": seen["tags"]}  # fmt: skip
        raise Missing(id)

    def update(self, id: str, old: Inputs, new: Inputs) -> None:
        del old
        self.client("eks").update_pod_identity_association(
            clusterName=new["clusterName"], associationId=id, roleArn=new["roleArn"]
        )

    def delete(self, id: str, state: Inputs) -> None:
        call = self.client("eks").delete_pod_identity_association
        gone(_NONE, call, clusterName=state["clusterName"], associationId=id)


class AccessEntry(OfCluster):
    called, named, seen = "access_entry", "principalArn", "accessEntry"
    token = "aws:eks/accessEntry:AccessEntry"
    forces = frozenset({"clusterName", "principalArn"})
    computed = ("accessEntryArn", "createdAt", "modifiedAt", "userName", "tagsAll")

    def create(self, inputs: Inputs) -> str:
        self.client("eks").create_access_entry(
            clusterName=inputs["clusterName"],
            principalArn=inputs["principalArn"],
            tags=inputs.get("tags") or {},
        )
        return f"{inputs['clusterName']}:{inputs['principalArn']}"

    def read(self, id: str) -> dict[str, Any]:
        seen = self.look(id)
        return {**self.which(id), "accessEntryArn": seen["accessEntryArn"],
                "tags": seen["tags"], "tagsAll": seen["tags"]}  # fmt: skip


class AccessPolicyAssociation(Kind):
    """Its id is ``cluster#principal#policy``."""

    token = "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"
    forces = frozenset({"clusterName", "principalArn", "policyArn", "accessScope"})
    computed = ("associatedAt", "modifiedAt")

    def create(self, inputs: Inputs) -> str:
        self.client("eks").associate_access_policy(
            clusterName=inputs["clusterName"],
            principalArn=inputs["principalArn"],
            policyArn=inputs["policyArn"],
            accessScope=inputs["accessScope"],
        )
        return "#".join(inputs[key] for key in ("clusterName", "principalArn", "policyArn"))

    def read(self, id: str) -> dict[str, Any]:
        cluster, principal, policy = id.split("#")
        call = self.client("eks").list_associated_access_policies
        found = ask(_NONE, call, clusterName=cluster, principalArn=principal)
        for seen in found["associatedAccessPolicies"]:
            if seen["policyArn"] == policy:
                return {"clusterName": cluster, "principalArn": principal, "policyArn": policy,
                        "accessScope": seen["accessScope"]}  # fmt: skip
        raise Missing(id)

    def update(self, id: str, old: Inputs, new: Inputs) -> None:
        del id, old, new

    def delete(self, id: str, state: Inputs) -> None:
        del state
        cluster, principal, policy = id.split("#")
        call = self.client("eks").disassociate_access_policy
        gone(_NONE, call, clusterName=cluster, principalArn=principal, policyArn=policy)


KINDS = (Cluster, NodeGroup, Addon, PodIdentityAssociation, AccessEntry, AccessPolicyAssociation)
