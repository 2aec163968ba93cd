"""What the stand-in of Pulumi's GCP plugin makes of networks and clusters in the loopback."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.doubles.gcp_state import VERSION, Cluster, GcpState

__all__ = ["Gone", "NetworkMaker", "Refused"]

Inputs = Mapping[str, Any]
_API = "https://www.googleapis.com/compute/v1/"


class Refused(Exception):
    """As Google's plugin says it."""


class Gone(Exception):
    """There is no such thing."""


class NetworkMaker:
    """Makes, reads and deletes them. Nothing goes while something is in it, as at Google's."""

    def __init__(self, state: GcpState) -> None:
        self._state = state
        #: What the plugin was given for a cluster, of which Google's SDK tells another form.
        self.given: dict[str, dict[str, Any]] = {}

    def network(self, operation: str, id: str, inputs: Inputs) -> dict[str, Any]:
        path = id or f"projects/{inputs['project']}/global/networks/{inputs['name']}"
        return self._part(operation, path, inputs, "network")

    def subnet(self, operation: str, id: str, inputs: Inputs) -> dict[str, Any]:
        return self._part(operation, id or _regional("subnetworks", inputs), inputs, "subnetwork")

    def router(self, operation: str, id: str, inputs: Inputs) -> dict[str, Any]:
        return self._part(operation, id or _regional("routers", inputs), inputs, "router")

    def nat(self, operation: str, id: str, inputs: Inputs) -> dict[str, Any]:
        """It stands in its router."""
        if id:
            project, region, router, name = id.split("/")
        else:
            project, region = inputs["project"], inputs["region"]
            router, name = inputs["router"], inputs["name"]
        held = self._state.compute.get(f"projects/{project}/regions/{region}/routers/{router}", {})
        nats = held.setdefault("nats", [])
        there = [one for one in nats if one["name"] == name]
        if operation == "create":
            if there:
                raise Refused(f"A router NAT with name {name} already exists")
            nats.append({k: v for k, v in inputs.items() if not k.startswith("_")})
        elif not there:
            raise Gone(name)
        elif operation == "delete":
            nats.remove(there[0])
        elif operation == "update":
            there[0].update(inputs)
        if operation == "read":
            return {"state": there[0]}
        return {"id": f"{project}/{region}/{router}/{name}"}

    def cluster(self, operation: str, id: str, inputs: Inputs) -> dict[str, Any]:
        state = self._state
        full = id or "projects/{project}/locations/{location}/clusters/{name}".format(**inputs)
        if operation == "create":
            if full in state.clusters:
                raise Refused(f"googleapi: Error 409: Already exists: {full}., alreadyExists")
            self._require_usable(inputs)
        elif full not in state.clusters:
            raise Gone(full)
        if operation == "delete":
            if inputs.get("deletionProtection"):
                raise Refused(
                    "Cannot destroy cluster because deletion_protection is set to true. Set it to "
                    "false to proceed with cluster deletion."
                )
            del state.clusters[full]
        elif operation in {"create", "update"}:
            self.given[full] = {k: v for k, v in inputs.items() if not k.startswith("_")}
            state.clusters[full] = _cluster(state, full, inputs)
        if operation != "read":
            return {"id": full}
        seen = state.clusters[full]
        private = seen.private_cluster_config
        networks = seen.master_authorized_networks_config
        return {
            "state": {
                **self.given.get(full, {}),
                "resourceLabels": dict(seen.resource_labels),
                "privateClusterConfig": {
                    "enablePrivateNodes": private.enable_private_nodes,
                    "enablePrivateEndpoint": private.enable_private_endpoint,
                },
                "masterAuthorizedNetworksConfig": {
                    "cidrBlocks": [{"cidrBlock": one.cidr_block} for one in networks.cidr_blocks],
                    "gcpPublicCidrsAccessEnabled": networks.gcp_public_cidrs_access_enabled,
                },
                "endpoint": seen.endpoint,
                "selfLink": seen.self_link,
            }
        }

    def subnetwork(self, path: str) -> dict[str, Any]:
        """What the function of a program is told of one."""
        held = self._state.compute.get(path)
        if held is None:
            raise Refused(f"googleapi: Error 404: The resource '{path}' was not found, notFound")
        return {"name": held["name"], "network": _API + held["network"], "selfLink": _API + path}

    def _part(self, operation: str, path: str, inputs: Inputs, noun: str) -> dict[str, Any]:
        held = self._state.compute
        if operation == "create":
            if path in held:
                raise Refused(
                    f"Error creating {noun}: googleapi: Error 409: The resource '{path}' already "
                    "exists, alreadyExists"
                )
            network = inputs.get("network")
            if network is not None and network not in held:
                raise Refused(f"googleapi: Error 404: The resource '{network}' was not found")
        elif path not in held:
            raise Gone(path)
        if operation == "delete":
            self._require_unused(path)
            del held[path]
        elif operation in {"create", "update"}:
            nats = held.get(path, {}).get("nats")
            held[path] = {k: v for k, v in inputs.items() if not k.startswith("_")}
            held[path] |= {"nats": nats} if nats else {}
        if operation != "read":
            return {"id": path}
        # A router's NATs are resources of their own to the plugin.
        told = {key: value for key, value in held[path].items() if key != "nats"}
        return {"state": {**told, "selfLink": _API + path}}

    def _require_usable(self, inputs: Inputs) -> None:
        """The subnet lies in the network, and has the ranges; the nodes' account is there."""
        state = self._state
        subnet = state.compute.get(inputs["subnetwork"])
        if subnet is None or not inputs["network"].endswith(subnet["network"]):
            raise Refused(
                "googleapi: Error 400: The subnetwork must be in the cluster's network., badRequest"
            )
        ranges = {one["rangeName"] for one in subnet.get("secondaryIpRanges") or ()}
        wanted = (inputs.get("ipAllocationPolicy") or {}).values()
        if not {one for one in wanted if isinstance(one, str)} <= ranges:
            raise Refused("googleapi: Error 400: Secondary range does not exist., badRequest")
        email = inputs["clusterAutoscaling"]["autoProvisioningDefaults"]["serviceAccount"]
        if email not in state.service_accounts:
            raise Refused(f"googleapi: Error 400: Service account {email} does not exist., bad")

    def _require_unused(self, path: str) -> None:
        state = self._state
        users = [at for at, one in state.compute.items() if one.get("network") == path]
        users += [
            name
            for name, given in self.given.items()
            if name in state.clusters and path in (given["network"], given["subnetwork"])
        ]
        if users:
            raise Refused(
                f"googleapi: Error 400: The resource '{path}' is already being used by "
                f"'{users[0]}', resourceInUseByAnotherResource"
            )


def _regional(kind: str, inputs: Inputs) -> str:
    return f"projects/{inputs['project']}/regions/{inputs['region']}/{kind}/{inputs['name']}"


def _cluster(state: GcpState, full: str, inputs: Inputs) -> Cluster:
    """As GKE's SDK has it."""
    private, networks = inputs["privateClusterConfig"], inputs["masterAuthorizedNetworksConfig"]
    defaults = inputs["clusterAutoscaling"]["autoProvisioningDefaults"]
    dns = inputs["controlPlaneEndpointsConfig"]["dnsEndpointConfig"]
    return Cluster(
        name=inputs["name"],
        location=inputs["location"],
        status=Cluster.Status.RUNNING,
        endpoint=state.endpoint,
        master_auth={"cluster_ca_certificate": state.authority},
        current_master_version=VERSION,
        self_link=f"https://container.googleapis.com/v1/{full}",
        autopilot={"enabled": bool(inputs.get("enableAutopilot"))},
        resource_labels=inputs.get("resourceLabels") or {},
        workload_identity_config={"workload_pool": f"{state.project}.svc.id.goog"},
        private_cluster_config={
            "enable_private_nodes": bool(private.get("enablePrivateNodes")),
            "enable_private_endpoint": bool(private.get("enablePrivateEndpoint")),
        },
        master_authorized_networks_config={
            "enabled": True,
            "cidr_blocks": [
                {"cidr_block": one["cidrBlock"]} for one in networks.get("cidrBlocks") or ()
            ],
            "gcp_public_cidrs_access_enabled": bool(networks["gcpPublicCidrsAccessEnabled"]),
        },
        control_plane_endpoints_config={
            "dns_endpoint_config": {
                "endpoint": "gke-loopback.gke.goog",
                "allow_external_traffic": bool(dns["allowExternalTraffic"]),
            }
        },
        autoscaling={
            "autoprovisioning_node_pool_defaults": {
                "service_account": defaults["serviceAccount"],
                "oauth_scopes": defaults["oauthScopes"],
            }
        },
    )
