"""EKS: a cluster and a node group. moto has no access entries, so neither has this."""

from __future__ import annotations

from typing import Any

from standin.kinds import Inputs, Kind, ask, gone

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
        return {
            "name": id,
            "arn": seen["arn"],
            "roleArn": seen["roleArn"],
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


class NodeGroup(Kind):
    """Its id is ``cluster:name``."""

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
        cluster, _, name = id.partition(":")
        call = self.client("eks").describe_nodegroup
        seen = ask(_NONE, call, clusterName=cluster, nodegroupName=name)["nodegroup"]
        return {
            "clusterName": cluster,
            "nodeGroupName": name,
            "arn": seen["nodegroupArn"],
            "nodeRoleArn": seen["nodeRole"],
            "scalingConfig": dict(seen["scalingConfig"]),
            "status": seen["status"],
        }

    def update(self, id: str, old: Inputs, new: Inputs) -> None:
        del old
        cluster, _, name = id.partition(":")
        self.client("eks").update_nodegroup_config(
            clusterName=cluster,
            nodegroupName=name,
            scalingConfig={k: int(v) for k, v in new["scalingConfig"].items()},
        )

    def delete(self, id: str, state: Inputs) -> None:
        del state
        cluster, _, name = id.partition(":")
        call = self.client("eks").delete_nodegroup
        gone(_NONE, call, clusterName=cluster, nodegroupName=name)


KINDS = (Cluster, NodeGroup)
