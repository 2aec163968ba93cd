"""The plugin process: Pulumi's provider protocol, raw, over the kinds beside this.

Raw protobuf rather than the SDK's experimental provider classes: those send an empty property
struct for a missing resource, which the engine reads as "exists", and cannot say "unknown".
"""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime import rpc
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc
from standin import ec2, ecr, eks, iam, logs, routes, s3
from standin.functions import FUNCTIONS
from standin.kinds import Kind, Missing, faults, same_document

KINDS: dict[str, type[Kind]] = {
    kind.token: kind for module in (s3, ecr, iam, eks, logs, ec2, routes) for kind in module.KINDS
}
#: Inputs that hold a policy document.
_DOCUMENTS = {"policy", "assumeRolePolicy"}


def plain(message: struct_pb2.Struct) -> dict[str, Any]:
    return _whole(json_format.MessageToDict(message))


def _whole(value: Any) -> Any:
    """Numbers arrive as floats; those here are whole. Secrets arrive wrapped, absences as null."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        if rpc._special_sig_key in value:
            return _whole(value.get("value"))
        return {key: _whole(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return value


def struct(values: dict[str, Any]) -> struct_pb2.Struct:
    made = struct_pb2.Struct()
    made.update({key: value for key, value in values.items() if value is not None})
    return made


def type_of(urn: str) -> str:
    return urn.split("::")[2].rsplit("$", maxsplit=1)[-1]


def equal(key: str, old: Any, new: Any) -> bool:
    if old in (None, {}, [], "") and new in (None, {}, [], ""):
        return True  # absent and empty are one, or every second run shows a change
    return same_document(old, new) if key in _DOCUMENTS else bool(old == new)


class Plugin(provider_pb2_grpc.ResourceProviderServicer):
    """One provider; one process serves one, as the engine starts them."""

    def __init__(self) -> None:
        self._region = os.environ.get("AWS_REGION") or "us-east-1"
        self._keys: dict[str, str] = {}
        self._allowed: list[str] = []
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()

    def _client(self, service: str, region: str) -> Any:
        import boto3
        from botocore.config import Config

        with self._lock:
            if (service, region) not in self._clients:
                self._clients[service, region] = boto3.client(
                    service,
                    region_name=region,
                    config=Config(proxies={}, retries={"max_attempts": 1}),
                    **self._keys,
                )
            return self._clients[service, region]

    def _kind(self, urn: str, context: grpc.ServicerContext, region: str | None = None) -> Kind:
        """The kind of a resource, in its region: its own where it has one, else the provider's."""
        kind = KINDS.get(type_of(urn))
        if kind is None:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the stand-in has no {type_of(urn)}")
            raise AssertionError("unreachable")
        where = region or self._region
        return kind(lambda service: self._client(service, where), where)

    # -- the provider itself

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:
        del request
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "")

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        del request, context
        return plugin_pb2.PluginInfo(version=version("pulumi-aws"))

    def CheckConfig(self, request: Any, context: Any) -> Any:
        del context
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        del context
        changed = plain(request.olds) != plain(request.news)
        return provider_pb2.DiffResponse(changes=2 if changed else 1)

    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:
        given = plain(request.args)
        self._region = given.get("region") or self._region
        keys = {"accessKey": "aws_access_key_id", "secretKey": "aws_secret_access_key"}
        self._keys = {boto: given[ours] for ours, boto in keys.items() if given.get(ours)}
        allowed = given.get("allowedAccountIds")
        if isinstance(allowed, str):  # the configuration's lists arrive as JSON text
            import json

            allowed = json.loads(allowed)
        if allowed:
            self._check_account([str(account) for account in allowed], context)
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def _check_account(self, allowed: list[str], context: grpc.ServicerContext) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            account = self._client("sts", self._region).get_caller_identity()["Account"]
        except (BotoCoreError, ClientError) as error:
            context.abort(
                grpc.StatusCode.UNKNOWN,
                "unable to validate AWS credentials. Details: no valid credential sources for "
                f"found: {error}",
            )
            return
        if account not in allowed:
            context.abort(grpc.StatusCode.UNKNOWN, f"AWS account ID not allowed: {account}")

    # -- resources

    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._kind(request.urn, context)
        return provider_pb2.CheckResponse(inputs=request.news)

    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:
        kind = self._kind(request.urn, context)
        old, new = plain(request.old_inputs), plain(request.news)
        if kind.regional:  # as the real one: what is where it should be already does not change
            there = plain(request.olds).get("region")
            old, new = {"region": there, **old}, {"region": there, **new}
        detailed, replaces = {}, []
        diff = provider_pb2.PropertyDiff
        for key in sorted(set(old) | set(new)):
            if key in request.ignoreChanges or key.startswith("__"):
                continue
            if equal(key, old.get(key), new.get(key)):
                continue
            forced = key in kind.forces or key == "region"
            word = "ADD" if key not in old else "DELETE" if key not in new else "UPDATE"
            word += "_REPLACE" if forced else ""
            detailed[key] = diff(kind=diff.Kind.Value(word))
            if forced:
                replaces.append(key)
        return provider_pb2.DiffResponse(
            changes=2 if detailed else 1,
            replaces=replaces,
            diffs=list(detailed),
            detailedDiff=detailed,
            hasDetailedDiff=True,
            deleteBeforeReplace=bool(replaces),
        )

    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:
        inputs = plain(request.properties)
        kind = self._kind(request.urn, context, inputs.get("region"))
        where = {"region": kind.region} if kind.regional else {}
        if request.preview:
            unknown = dict.fromkeys(kind.computed, rpc.UNKNOWN)
            return provider_pb2.CreateResponse(properties=struct({**inputs, **unknown, **where}))
        self._go_wrong(kind.token, "before", context)
        made = self._aws(context, kind.create, inputs)
        self._go_wrong(kind.token, "after", context)
        state = self._aws(context, kind.read, made)
        return provider_pb2.CreateResponse(id=made, properties=struct({**inputs, **state, **where}))

    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:
        region = plain(request.properties).get("region")
        kind = self._kind(request.urn, context, region)
        where = {"region": kind.region} if kind.regional else {}
        try:
            state = self._aws(context, kind.read, request.id)
        except Missing:
            return provider_pb2.ReadResponse()  # nothing at all: an empty struct means "exists"
        old = plain(request.inputs)
        tracked = [key for key in state if key not in kind.computed]
        inputs = {key: value for key, value in old.items() if key not in tracked}
        for key in tracked:
            if old and key not in old and equal(key, None, state[key]):
                continue
            kept = key in old and equal(key, old[key], state[key])
            inputs[key] = old[key] if kept else state[key]
        outputs = {**inputs, **{key: state[key] for key in kind.computed if key in state}, **where}
        return provider_pb2.ReadResponse(
            id=request.id, properties=struct(outputs), inputs=struct(inputs)
        )

    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:
        old, new = plain(request.olds), plain(request.news)
        kind = self._kind(request.urn, context, old.get("region"))
        where = {"region": kind.region} if kind.regional else {}
        if request.preview:
            kept = {key: old[key] for key in kind.computed if key in old} | where
            return provider_pb2.UpdateResponse(properties=struct({**new, **kept}))
        self._go_wrong(kind.token, "before", context)
        self._aws(context, kind.update, request.id, old, new)
        state = self._aws(context, kind.read, request.id)
        return provider_pb2.UpdateResponse(properties=struct({**new, **state, **where}))

    def Delete(self, request: Any, context: grpc.ServicerContext) -> Any:
        state = plain(request.properties)
        kind = self._kind(request.urn, context, state.get("region"))
        self._go_wrong(kind.token, "delete", context)
        self._aws(context, kind.delete, request.id, state)
        return empty_pb2.Empty()

    # -- functions

    def Invoke(self, request: Any, context: grpc.ServicerContext) -> Any:
        function = FUNCTIONS.get(request.tok)
        if function is None:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the stand-in has no {request.tok}")
            raise AssertionError("unreachable")
        self._go_wrong(request.tok, "before", context)
        given = plain(request.args)
        region = given.get("region") or self._region
        answer = self._aws(
            context,
            function,
            lambda service: self._client(service, region),
            {**given, "region": region},
        )
        return provider_pb2.InvokeResponse(**{"return": struct(answer)})

    def Cancel(self, request: Any, context: Any) -> Any:
        del request, context
        return empty_pb2.Empty()

    # -- answers and faults

    def _aws(self, context: grpc.ServicerContext, call: Any, *arguments: Any) -> Any:
        """Call boto3; AWS's refusals become clean errors, as the real plugin's do."""
        try:
            return call(*arguments)
        except Missing:
            raise
        except Exception as error:
            context.abort(grpc.StatusCode.UNKNOWN, f"{type(error).__name__}: {error}")
            raise AssertionError("unreachable") from error

    def _go_wrong(self, token: str, when: str, context: grpc.ServicerContext) -> None:
        wanted = faults().get(f"{when} {token}", {})
        if "touch" in wanted:
            with open(wanted["touch"], "a"):  # noqa: PTH123
                pass
        if "sleep" in wanted:
            time.sleep(wanted["sleep"])
        if "fail" in wanted:
            context.abort(grpc.StatusCode.UNKNOWN, wanted["fail"])


def serve() -> None:
    """Serve until the engine says that it is over."""
    serve_with(Plugin())


def serve_with(plugin: Plugin) -> None:
    """The same for a plugin of another cloud."""
    server = grpc.server(ThreadPoolExecutor(16))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(plugin, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    for name in (
        signal.SIGINT,
        signal.SIGTERM,
    ):  # at once: the engine waits ten seconds, then kills
        signal.signal(name, lambda *_: os._exit(0))
    server.wait_for_termination()
