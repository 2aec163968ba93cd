"""GKE and Artifact Registry over gRPC, with TLS of the throw-away CA."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc  # type: ignore[import-untyped]
from google.cloud import artifactregistry_v1 as registry
from google.cloud import container_v1 as container
from google.cloud.location import locations_pb2
from google.iam.v1 import iam_policy_pb2, policy_pb2
from google.protobuf import any_pb2, json_format
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status  # type: ignore[import-untyped]

from tests.doubles.gcp_state import RELEASE, Denied, GcpFault, GcpState, Unauthenticated
from tests.doubles.tls import ThrowAwayCA

HOSTS = ("container.googleapis.com", "artifactregistry.googleapis.com")
_CONTAINER = "google.container.v1.ClusterManager"
_REGISTRY = "google.devtools.artifactregistry.v1.ArtifactRegistry"
_LOCATIONS = "google.cloud.location.Locations"

Call = Callable[[Any], Any]


class GcpGrpcServer:
    """A gRPC server on a free port of 127.0.0.1 in threads of this process."""

    def __init__(self, state: GcpState, ca: ThrowAwayCA) -> None:
        self._state = state
        self._ca = ca
        self._server: grpc.Server | None = None
        self.port = 0

    def start(self) -> None:
        server = grpc.server(ThreadPoolExecutor(8))
        server.add_generic_rpc_handlers(self._handlers())
        credentials = grpc.ssl_server_credentials([self._ca.key_and_chain(*HOSTS)])
        self.port = server.add_secure_port("127.0.0.1:0", credentials)
        server.start()
        self._server = server

    def stop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.stop(grace=0.2).wait()

    def _handlers(self) -> tuple[grpc.GenericRpcHandler, ...]:
        permissions = (
            iam_policy_pb2.TestIamPermissionsRequest,
            iam_policy_pb2.TestIamPermissionsResponse,
        )
        policy = (iam_policy_pb2.GetIamPolicyRequest, policy_pb2.Policy)
        return (
            grpc.method_handlers_generic_handler(
                _CONTAINER,
                {
                    "ListClusters": self._plus(
                        self._list_clusters,
                        container.ListClustersRequest,
                        container.ListClustersResponse,
                    ),
                    "GetCluster": self._plus(
                        self._get_cluster, container.GetClusterRequest, container.Cluster
                    ),
                    "GetServerConfig": self._plus(
                        self._get_server_config,
                        container.GetServerConfigRequest,
                        container.ServerConfig,
                    ),
                    "ListNodePools": self._plus(
                        self._list_node_pools,
                        container.ListNodePoolsRequest,
                        container.ListNodePoolsResponse,
                    ),
                },
            ),
            grpc.method_handlers_generic_handler(
                _REGISTRY,
                {
                    "ListRepositories": self._plus(
                        self._list_repositories,
                        registry.ListRepositoriesRequest,
                        registry.ListRepositoriesResponse,
                    ),
                    "ListPackages": self._plus(
                        self._list_packages,
                        registry.ListPackagesRequest,
                        registry.ListPackagesResponse,
                    ),
                    "GetRepository": self._plus(
                        self._get_repository, registry.GetRepositoryRequest, registry.Repository
                    ),
                    "TestIamPermissions": self._plain(self._test_permissions, *permissions),
                    "GetIamPolicy": self._plain(self._get_policy, *policy),
                },
            ),
            grpc.method_handlers_generic_handler(
                _LOCATIONS,
                {
                    "ListLocations": self._plain(
                        self._list_locations,
                        locations_pb2.ListLocationsRequest,
                        locations_pb2.ListLocationsResponse,
                    )
                },
            ),
        )

    def _plus(self, call: Call, request: Any, response: Any) -> grpc.RpcMethodHandler:
        """For proto-plus messages."""
        return grpc.unary_unary_rpc_method_handler(
            self._guarded(call, response),
            request_deserializer=request.deserialize,
            response_serializer=_or_bytes(response.serialize),
        )

    def _plain(self, call: Call, request: Any, response: Any) -> grpc.RpcMethodHandler:
        return grpc.unary_unary_rpc_method_handler(
            self._guarded(call, response),
            request_deserializer=request.FromString,
            response_serializer=_or_bytes(response.SerializeToString),
        )

    def _guarded(self, call: Call, answer: Any) -> Callable[[Any, grpc.ServicerContext], Any]:
        name = _CALLS.get(call.__name__, call.__name__)

        def guarded(request: Any, context: grpc.ServicerContext) -> Any:
            self._state.calls.append(name)
            fault = self._state.faults.get(name)
            if fault is not None:
                return _go_wrong(fault, context, answer)
            with _status_codes(context):
                metadata = {key: str(value) for key, value in context.invocation_metadata()}
                self._state.caller(metadata.get("authorization", "").removeprefix("Bearer "))
                return call(request)

        return guarded

    def _list_clusters(self, request: container.ListClustersRequest) -> Any:
        _, project, _, location = _parts(request.parent, 4)
        self._require("container.clusters.list", project)
        return container.ListClustersResponse(
            clusters=[
                cluster
                for cluster in self._state.clusters.values()
                if location in ("-", cluster.location)
            ],
            missing_zones=self._state.missing_zones,
        )

    def _get_cluster(self, request: container.GetClusterRequest) -> Any:
        name = request.name or (
            f"projects/{request.project_id}/locations/{request.zone}/clusters/{request.cluster_id}"
        )
        self._require("container.clusters.get", _parts(name, 6)[1], name)
        if name not in self._state.clusters:
            raise LookupError(f"Not found: {name}.")
        return self._state.clusters[name]

    def _get_server_config(self, request: container.GetServerConfigRequest) -> Any:
        """What GKE offers in a location: it is told to whoever may list clusters."""
        self._require("container.clusters.list", _parts(request.name, 4)[1], request.name)
        of = dict(self._state.versions)
        return container.ServerConfig(
            valid_master_versions=of.pop(""),
            channels=[
                {"channel": container.ReleaseChannel.Channel[name], "valid_versions": some}
                for name, some in of.items()
            ],
        )

    def _list_node_pools(self, request: container.ListNodePoolsRequest) -> Any:
        cluster = self._get_cluster(container.GetClusterRequest(name=request.parent))
        return container.ListNodePoolsResponse(node_pools=cluster.node_pools)

    def _list_repositories(self, request: registry.ListRepositoriesRequest) -> Any:
        _, project, _, location = _parts(request.parent, 4)
        self._require("artifactregistry.repositories.list", project, request.parent)
        prefix = f"projects/{project}/locations/{location}/repositories/"
        return registry.ListRepositoriesResponse(
            repositories=[
                repository
                for name, repository in self._state.repositories.items()
                if name.startswith(prefix)
            ]
        )

    def _list_packages(self, request: registry.ListPackagesRequest) -> Any:
        self._require("artifactregistry.packages.list", _parts(request.parent, 6)[1])
        if request.parent not in self._state.repositories:
            raise LookupError("Requested entity was not found.")
        full = request.parent in self._state.full
        package = registry.Package(name=f"{request.parent}/packages/flow")
        return registry.ListPackagesResponse(packages=[package] if full else [])

    def _get_repository(self, request: registry.GetRepositoryRequest) -> Any:
        self._require("artifactregistry.repositories.get", _parts(request.name, 6)[1], request.name)
        if request.name not in self._state.repositories:
            raise LookupError("Requested entity was not found.")
        return self._state.repositories[request.name]

    def _test_permissions(self, request: iam_policy_pb2.TestIamPermissionsRequest) -> Any:
        return iam_policy_pb2.TestIamPermissionsResponse(
            permissions=self._state.granted(list(request.permissions))
        )

    def _get_policy(self, request: iam_policy_pb2.GetIamPolicyRequest) -> Any:
        self._state.require("artifactregistry.repositories.getIamPolicy", request.resource)
        policy = self._state.policy(request.resource)
        bindings = {
            "version": policy["version"],
            "bindings": policy["bindings"],
            "etag": base64.b64encode(b"1").decode(),
        }
        return json_format.ParseDict(bindings, policy_pb2.Policy())

    def _list_locations(self, request: locations_pb2.ListLocationsRequest) -> Any:
        project = _parts(request.name, 2)[1]
        self._require("artifactregistry.locations.list", project)
        places = {_parts(name, 6)[3] for name in self._state.repositories} | {"europe-west1"}
        return locations_pb2.ListLocationsResponse(
            locations=[
                locations_pb2.Location(
                    name=f"projects/{project}/locations/{place}", location_id=place
                )
                for place in sorted(places)
            ]
        )

    def _require(self, permission: str, project: str, resource: str = "") -> None:
        where = resource or f"projects/{project}"
        if project != self._state.project:  # Google does not say that a project is not there
            raise Denied(permission, where)
        self._state.require(permission, where)


_CALLS = {
    "_list_clusters": "container.clusters.list",
    "_get_server_config": "container.projects.getServerConfig",
    "_list_repositories": "artifactregistry.repositories.list",
    "_get_repository": "artifactregistry.repositories.get",
    "_test_permissions": "artifactregistry.repositories.testIamPermissions",
    "_get_policy": "artifactregistry.repositories.getIamPolicy",
}


def _or_bytes(serialize: Callable[[Any], bytes]) -> Callable[[Any], bytes]:
    return lambda answer: answer if isinstance(answer, bytes) else serialize(answer)


def _go_wrong(fault: GcpFault, context: grpc.ServicerContext, answer: Any) -> Any:
    code = grpc.StatusCode
    match fault.kind:
        case "denied":
            if fault.reason:
                detail = any_pb2.Any()
                detail.Pack(
                    error_details_pb2.ErrorInfo(
                        reason=fault.reason, domain="googleapis.com", metadata=fault.metadata
                    )
                )
                status = status_pb2.Status(code=7, message="denied", details=[detail])
                context.abort_with_status(rpc_status.to_status(status))
            context.abort(
                code.PERMISSION_DENIED,
                f"Permission '{fault.permission}' denied on resource (or it may not exist).",
            )
        case "absent":
            context.abort(code.NOT_FOUND, "Requested entity was not found.")
        case "throttled":
            context.abort(code.RESOURCE_EXHAUSTED, "Quota exceeded.")
        case "hung":
            RELEASE.wait(30)
            context.abort(code.UNAVAILABLE, "down")
        case "garbage":
            return b"\xff\xff\xff\xff"
        case "empty":
            return answer()
    return context.abort(code.UNAVAILABLE, "The service is currently unavailable.")


def _parts(name: str, count: int) -> list[str]:
    parts = name.split("/")
    if len(parts) != count:
        raise ValueError(f"Invalid resource name: {name}")
    return parts


@contextmanager
def _status_codes(context: grpc.ServicerContext) -> Iterator[None]:
    try:
        yield
    except Unauthenticated as error:
        context.abort(grpc.StatusCode.UNAUTHENTICATED, str(error))
    except Denied as error:
        context.abort(grpc.StatusCode.PERMISSION_DENIED, str(error))
    except LookupError as error:
        context.abort(grpc.StatusCode.NOT_FOUND, str(error.args[0]))
    except ValueError as error:
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
