"""The calls of Pulumi's provider protocol, each answered by a function beside this.

Whatever blocks runs in a thread. What goes wrong becomes a clean status: the text of our error, and
never a traceback of the plugin in a user's diagnostics.
"""

from __future__ import annotations

import json
import re
import shutil
import threading
import traceback
from collections.abc import Callable, Coroutine, Mapping
from functools import wraps
from typing import Any, TypeVar

import grpc
import grpc.aio
from google.protobuf import empty_pb2

from kitaru_iac._version import __version__
from kitaru_iac.errors import KitaruError, Problem
from kitaru_iac.pulumi.keys import STACK_KEYS, camel, property_path, reason
from kitaru_iac.pulumi.plugin import check, functions, ownership, place, runs, settings, stacks
from kitaru_iac.pulumi.plugin.changes import changes
from kitaru_iac.pulumi.plugin.engine import EngineLog
from kitaru_iac.pulumi.plugin.protocol import (
    plugin_pb2,
    provider_pb2,
    provider_pb2_grpc,
    status_pb2,
)
from kitaru_iac.pulumi.plugin.threads import NotBegun, ended_by, in_thread, require_awaited
from kitaru_iac.pulumi.plugin.wire import Properties, read, secret, struct

__all__ = ["Servicer"]

STACK = "kitaru:index:Stack"
#: An input that nobody gave: the name that a stack got because its program names none. It stays
#: when the resource is called otherwise, by an alias or in the state: see `Check`.
LEFT_OUT_NAME = "__name"
#: Properties whose values may stand in diagnostics.
_SHOWN = frozenset(map(camel, STACK_KEYS)) - {"credentials", "extra"}

#: How the engine calls the providers that it makes itself: `default`, and behind it the version of
#: the plugin, the address that it is from, or both (`ProviderRequest.DefaultName`).
_ENGINES_OWN = re.compile(r"default(_\d+_\d+_\d+(_.*)?|_[a-z]+_/.*)?")

_Answer = TypeVar("_Answer")
_Call = Callable[["Servicer", Any, Any], Coroutine[Any, Any, _Answer]]


def _clean(call: _Call[_Answer]) -> _Call[_Answer]:
    """Answer errors with a status; count the call as work that is under way."""

    @wraps(call)
    async def answer(self: Servicer, request: Any, context: Any) -> _Answer:
        self.working += 1
        ended_by(self.ended)
        try:
            return await call(self, request, context)
        except NotBegun:
            await context.abort(grpc.StatusCode.CANCELLED, "cancelled before it was begun")
        except stacks.PartialUpdate as half:
            await context.abort_with_status(_half_status(half))
        except KitaruError as error:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        except grpc.aio.AbortError:
            raise
        except Exception as error:  # noqa: BLE001 - a user's diagnostics hold no traceback of ours
            await self.log.debug(traceback.format_exc(), getattr(request, "urn", ""))
            what = f"{type(error).__name__}: {error}"
            await context.abort(
                grpc.StatusCode.INTERNAL,
                f"The kitaru plugin met an unexpected error: {what}\n"
                "Where it happened is in the debug log: pulumi --debug",
            )
        finally:
            self.working -= 1
        raise AssertionError("an abort returned")

    return answer


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """One provider; the engine starts a process for each.

    `Construct` is the SDK's, which is loaded when a program in another language has a component.
    """

    def __init__(self, engine_address: str) -> None:
        self._engine = engine_address
        self._sdk: Any = None
        self.log = EngineLog(engine_address)
        self.working = 0
        #: Set once nothing new is to be begun.
        self.ended = threading.Event()
        self._home: str | None = None
        self._connection_known = True
        #: What is to be said of a stack that was read, if the engine goes on and imports it.
        self._advice: dict[str, Mapping[str, str]] = {}

    # -- the plugin and its configuration

    async def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802
        """The features that both sides know; without it the engine asks `Configure`."""
        del request
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "")

    async def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802
        """The plugin's version, which is the package's."""
        del request, context
        return plugin_pb2.PluginInfo(version=__version__)

    async def GetSchema(self, request: Any, context: Any) -> Any:  # noqa: N802
        """The package's schema."""
        if request.version != 0:
            await context.abort(
                grpc.StatusCode.INVALID_ARGUMENT, f"there is no schema version {request.version}"
            )
        from kitaru_iac.pulumi.plugin.schema import schema

        return provider_pb2.GetSchemaResponse(schema=json.dumps(schema()))

    @_clean
    async def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Everything that is wrong with the configuration. Keys of others are not kept."""
        del context
        given = read(request.news)
        shared = _ENGINES_OWN.fullmatch(request.urn.rsplit("::", 1)[-1]) is not None
        if not shared and (left_out := settings.filled_in(given.values)):
            given = given.without(left_out)
        found = settings.problems(given.values, given.unknown, shared=shared)
        if found:
            return provider_pb2.CheckResponse(failures=[_failure(problem) for problem in found])
        kept = {key: given.wire.get(key) for key in settings.KEYS}
        kept["apiKey"] = secret(kept["apiKey"])
        return provider_pb2.CheckResponse(inputs=struct(kept))

    @_clean
    async def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Another server replaces what is on the former one; another address may be the same's.

        The engine then deletes there with the former provider, and not here with this one.
        """
        del context
        old, new = read(request.old_inputs), read(request.news)
        changed = [
            key
            for key in settings.KEYS
            if key in new.unknown or old.values.get(key) != new.values.get(key)
        ]
        moved = await in_thread(settings.leads_elsewhere, old, new)
        return provider_pb2.DiffResponse(
            changes=_changed(changed), diffs=changed, replaces=["url"] if moved else []
        )

    @_clean
    async def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Connect this process."""
        del context
        runs.serve(request.urn, request.id)
        given = read(request.args if request.HasField("args") else _variables(request))
        self._connection_known = not given.unknown & set(settings.KEYS)
        if self._connection_known:
            self._home = settings.Connection.of(given.values).use()
            await self._warn(request.urn, settings.said(given.values))
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, acceptResources=True, acceptOutputs=True
        )

    # -- stacks

    @_clean
    async def Check(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Every problem at once; the engine shows them by property."""
        await self._require_stack(request, context)
        given = read(request.news)
        # The engine checks what it has imported, and not what a program only looks at. With the
        # option `import` the program's properties are here already.
        advice = self._advice.pop(request.urn, {})
        missing = (text for key, text in advice.items() if key not in given.names)
        await self._warn(request.urn, tuple(missing))
        name = read(request.olds).wire.get(LEFT_OUT_NAME)
        name = str(name or request.name or request.urn.split("::", 3)[-1])
        found = await in_thread(check.problems, given, name)
        if found:
            return provider_pb2.CheckResponse(failures=[_failure(problem) for problem in found])
        inputs = {key: value for key, value in given.wire.items() if not key.startswith("__")}
        if inputs.get("name") is None:
            inputs |= {"name": name, LEFT_OUT_NAME: name}
        inputs["credentials"] = secret(inputs.get("credentials"))
        return provider_pb2.CheckResponse(inputs=struct(inputs))

    @_clean
    async def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802
        """In place or replaced; from the state alone."""
        await self._require_stack(request, context)
        state = read(request.olds)
        if self._connection_known:
            await in_thread(place.require_own, state, request.id, request.urn)
            await in_thread(ownership.hold, request.urn, state.values)
        old = read(request.old_inputs) if request.HasField("old_inputs") else state
        found = await in_thread(
            changes,
            old,
            state,
            read(request.news),
            request.name,
            request.ignoreChanges,
            request.urn,
        )
        detailed = {}
        for word, keys in (
            ("ADD", found.added),
            ("DELETE", found.removed),
            ("UPDATE", found.updated),
        ):
            for key in keys:
                kind = f"{word}_REPLACE" if key in found.replacing else word
                detailed[key] = provider_pb2.PropertyDiff(
                    kind=provider_pb2.PropertyDiff.Kind.Value(kind),
                    inputDiff=key not in {"drift", "ownerUrn"},
                )
        return provider_pb2.DiffResponse(
            changes=_changed(detailed),
            replaces=found.replacing,
            diffs=found.all,
            detailedDiff=detailed,
            hasDetailedDiff=True,
            # Under the same name there is no room for both. Said also where nothing here replaces:
            # the engine may (`replaceOnChanges`, `pulumi state taint`).
            deleteBeforeReplace=found.keeps_name,
        )

    @_clean
    async def Create(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Register a stack, or say what would stop it."""
        await self._require_stack(request, context)
        new, name = read(request.properties), request.name
        if request.preview:
            properties = await self._previewed(request.urn, name, new)
            if self._connection_known:
                await self._warn(
                    request.urn, await in_thread(stacks.foreseen, request.urn, name, new)
                )
            return provider_pb2.CreateResponse(properties=struct(properties))
        made = await in_thread(stacks.create, request.urn, name, new, self.log.speaker(request.urn))
        await self._warn(request.urn, made.warnings)
        return provider_pb2.CreateResponse(id=made.id, properties=struct(made.properties))

    @_clean
    async def Update(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Change a stack in place, or say what would stop it."""
        await self._require_stack(request, context)
        new, name, state = read(request.news), request.name, read(request.olds)
        if request.preview:
            properties = await self._previewed(request.urn, name, new, request.id, state)
            return provider_pb2.UpdateResponse(properties=struct(properties))
        made = await in_thread(
            stacks.update,
            request.urn,
            name,
            request.id,
            state,
            new,
            self.log.speaker(request.urn),
        )
        await self._warn(request.urn, made.warnings)
        return provider_pb2.UpdateResponse(properties=struct(made.properties))

    @_clean
    async def Read(self, request: Any, context: Any) -> Any:  # noqa: N802
        """What is stored, for a refresh, an import or a `get`."""
        await self._require_stack(request, context)
        found = await in_thread(
            stacks.read, request.urn, request.id, read(request.inputs), read(request.properties)
        )
        if found is None:
            # Nothing at all: with an empty struct the engine would take it for a stack.
            return provider_pb2.ReadResponse()
        await self._warn(request.urn, found.warnings)
        self._advice[request.urn] = found.advice
        return provider_pb2.ReadResponse(
            id=found.id, properties=struct(found.properties), inputs=struct(found.inputs)
        )

    @_clean
    async def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Delete a stack with its own parts that no other stack uses."""
        await self._require_stack(request, context)
        said = await in_thread(stacks.delete, request.urn, request.id, read(request.properties))
        await self._warn(request.urn, said)
        return empty_pb2.Empty()

    async def _previewed(
        self, urn: str, name: str, new: Properties, id: str | None = None, state: Any = None
    ) -> dict[str, Any]:
        if not self._connection_known:  # the server is still to be made
            return stacks.expected(new)
        said: list[str] = []
        properties = await in_thread(stacks.preview, urn, name, new, id, state, said.append)
        await self._warn(urn, tuple(said))
        return properties

    # -- functions and components

    @_clean
    async def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802
        """The function `verify`."""
        if request.tok != functions.VERIFY:
            await context.abort(
                grpc.StatusCode.UNIMPLEMENTED, f"there is no function {request.tok}"
            )
        given = read(request.args)
        if found := await in_thread(functions.refused, given):
            return provider_pb2.InvokeResponse(failures=[_failure(problem) for problem in found])
        report, stops = await in_thread(functions.verify, given)
        if stops:
            text = functions.report_text(report)
            return provider_pb2.InvokeResponse(
                failures=[provider_pb2.CheckFailure(property="", reason=text)]
            )
        result: dict[str, Any] = {"return": struct(functions.answer(report))}
        return provider_pb2.InvokeResponse(**result)

    async def Construct(self, request: Any, context: Any) -> Any:  # noqa: N802
        """A component, built by the SDK."""
        if self._sdk is None:
            from kitaru_iac.pulumi.plugin.sdk import component_servicer

            self._sdk = component_servicer(self._engine)
        return await self._sdk.Construct(request, context)

    async def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Nothing new is begun, nor what waits; what is under way is short, and is finished."""
        del request, context
        self.ended.set()
        return empty_pb2.Empty()

    def close(self) -> None:
        """Leave nothing behind."""
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)

    async def _require_stack(self, request: Any, context: Any) -> None:
        kind = request.urn.split("::")[2].rsplit("$", 1)[-1]
        if kind != STACK:
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, f"there is no resource {kind}")
        require_awaited()

    async def _warn(self, urn: str, lines: tuple[str, ...]) -> None:
        for line in lines:
            await self.log.warning(line, urn)


def _variables(request: Any) -> Any:
    """The configuration as engines gave it before they had `args`: ``kitaru:config:url``."""
    return struct({key.rsplit(":", 1)[-1]: value for key, value in request.variables.items()})


def _changed(keys: Any) -> Any:
    answers = provider_pb2.DiffResponse
    return answers.DIFF_SOME if keys else answers.DIFF_NONE


def _failure(problem: Problem) -> Any:
    path = property_path(problem.field)
    if path in _SHOWN:
        return provider_pb2.CheckFailure(property=path, reason=reason(problem))
    # The engine writes a property's value beside it, which may be a secret that nobody marked.
    return provider_pb2.CheckFailure(property="", reason=f"{path}: {reason(problem)}")


def _half_status(half: stacks.PartialUpdate) -> Any:
    """The engine notes the stack, and that the next update has to go on."""
    detail = provider_pb2.ErrorResourceInitFailed(
        id=half.made.id,
        properties=struct(half.made.properties),
        reasons=[str(half)],
        inputs=struct(half.made.inputs),
    )
    code = grpc.StatusCode.UNKNOWN
    message = status_pb2.Status(code=code.value[0], message=str(half))
    message.details.add().Pack(detail)
    status = grpc.Status()
    status.code, status.details = code, str(half)
    status.trailing_metadata = (("grpc-status-details-bin", message.SerializeToString()),)
    return status
