"""The plugin process of Pulumi's GCP provider: the wire of `plugin`, over the loopback's own maker.

What a resource is there, and where Google refuses, is in `tests/doubles/gcp_engine.py`, which runs
beside the state of the loopback; this process hands over what the engine asks, with the credentials
that it was given.
"""

from __future__ import annotations

import json
import os
from importlib.metadata import version
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

import grpc
from pulumi.runtime.proto import plugin_pb2, provider_pb2
from standin.kinds import Inputs, Kind, Missing
from standin.plugin import Plugin, plain, serve_with, struct, type_of

#: Inputs whose change replaces the resource, from the documentation of each.
_FORCES = {
    "gcp:storage/bucket:Bucket": ("name", "project", "location"),
    "gcp:artifactregistry/repository:Repository": (
        *("repositoryId", "project", "location", "format", "mode"),
    ),
    "gcp:serviceaccount/account:Account": ("accountId", "project"),
    "gcp:projects/service:Service": ("service", "project"),
    "gcp:projects/serviceIdentity:ServiceIdentity": ("service", "project"),
    "gcp:container/cluster:Cluster": (
        *("name", "project", "location", "network", "subnetwork", "enableAutopilot"),
        "ipAllocationPolicy",
    ),
    "gcp:compute/network:Network": ("name", "project", "description", "autoCreateSubnetworks"),
    "gcp:compute/subnetwork:Subnetwork": ("name", "project", "region", "network", "description"),
    "gcp:compute/router:Router": ("name", "project", "region", "network"),
    "gcp:compute/routerNat:RouterNat": ("name", "project", "region", "router"),
}
_COMPUTED = {
    "gcp:storage/bucket:Bucket": ("url", "selfLink"),
    "gcp:artifactregistry/repository:Repository": ("name", "registryUri"),
    "gcp:serviceaccount/account:Account": ("email", "member", "name", "uniqueId"),
    "gcp:projects/serviceIdentity:ServiceIdentity": ("email", "member"),
    "gcp:container/cluster:Cluster": ("endpoint", "selfLink"),
    **dict.fromkeys(
        (
            "gcp:compute/network:Network",
            "gcp:compute/subnetwork:Subnetwork",
            "gcp:compute/router:Router",
        ),
        ("selfLink",),
    ),
}
#: Members of policies: all that they are given names them.
_MEMBERS = {
    "gcp:storage/bucketIAMMember:BucketIAMMember",
    "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember",
    "gcp:projects/iAMMember:IAMMember",
    "gcp:serviceaccount/iAMMember:IAMMember",
}
_IDENTITY = ("GOOGLE_CREDENTIALS", "GOOGLE_OAUTH_ACCESS_TOKEN", "GOOGLE_APPLICATION_CREDENTIALS")


def ask(operation: str, **what: Any) -> dict[str, Any]:
    """Let the loopback do it. Raises what it answers as an error."""
    identity = {name: os.environ[name] for name in _IDENTITY if os.environ.get(name)}
    body = json.dumps({"operation": operation, "identity": identity, **what}).encode()
    request = Request(os.environ["STANDIN_GCP"], body, {"Content-Type": "application/json"})
    with build_opener(ProxyHandler({})).open(request, timeout=60) as answer:
        found: dict[str, Any] = json.load(answer)
    if "missing" in found:
        raise Missing(found["missing"])
    if "error" in found:
        raise RuntimeError(found["error"])
    return found


class Remote(Kind):
    """A kind of the loopback."""

    regional = False

    def __init__(self, token: str) -> None:
        self.token = token  # type: ignore[misc]
        self.forces = frozenset(_FORCES.get(token, ()))  # type: ignore[misc]
        if token in _MEMBERS:
            names = ("bucket", "project", "location", "repository", "serviceAccountId")
            self.forces = frozenset((*names, "role", "member"))  # type: ignore[misc]
        self.computed = _COMPUTED.get(token, ())  # type: ignore[misc]
        self.region = ""

    def create(self, inputs: Inputs) -> str:
        return str(ask("create", type=self.token, inputs=dict(inputs))["id"])

    def read(self, id: str) -> dict[str, Any]:
        return dict(ask("read", type=self.token, id=id)["state"])

    def update(self, id: str, old: Inputs, new: Inputs) -> None:
        del old
        ask("update", type=self.token, id=id, inputs=dict(new))

    def delete(self, id: str, state: Inputs) -> None:
        ask("delete", type=self.token, id=id, inputs=dict(state))


class GcpPlugin(Plugin):
    """One provider of Google Cloud."""

    _project = ""

    def _kind(self, urn: str, context: grpc.ServicerContext, region: str | None = None) -> Kind:
        del region
        token = type_of(urn)
        if token not in {*_FORCES, *_MEMBERS}:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the stand-in has no {token}")
        return Remote(token)

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        del request, context
        return plugin_pb2.PluginInfo(version=version("pulumi-gcp"))

    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:
        del context
        given = plain(request.args)
        self._project = str(given.get("project") or os.environ.get("GOOGLE_PROJECT") or "")
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def Invoke(self, request: Any, context: grpc.ServicerContext) -> Any:
        if request.tok == "gcp:compute/getSubnetwork:getSubnetwork":
            given = plain(request.args)
            path = "projects/{project}/regions/{region}/subnetworks/{name}".format(**given)
            found = self._aws(context, lambda: ask("subnetwork", id=path)["state"])
            return provider_pb2.InvokeResponse(**{"return": struct(found)})
        if request.tok != "gcp:organizations/getProject:getProject":
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the stand-in has no {request.tok}")
        project = plain(request.args).get("projectId") or self._project
        answer = self._aws(context, lambda: ask("project", id=project)["state"])
        return provider_pb2.InvokeResponse(**{"return": struct(answer)})


def serve() -> None:
    """Serve until the engine says that it is over."""
    serve_with(GcpPlugin())
