"""A small model of the engine, over the plugin's servicer in this process.

It asks what Pulumi's engine asks, in its order (`pkg/v3/resource/deploy/step_generator.go` and
`step.go` of 3.274), for resources of one type without dependencies, and keeps a state as it does.
What only the engine itself decides is tested with the real one.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import grpc
import grpc.aio
import pytest
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import provider_pb2 as p

from kitaru_iac.errors import KitaruError
from kitaru_iac.pulumi.plugin.protocol import status_pb2
from kitaru_iac.pulumi.plugin.servicer import Servicer
from kitaru_iac.stacks import operations

TYPE = "kitaru:index:Stack"
#: The id of a provider that a preview does not make.
UNMADE = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def urn_of(name: str, stack: str = "prod", project: str = "platform") -> str:
    return f"urn:pulumi:{stack}::{project}::{TYPE}::{name}"


class Refused(Exception):
    """A handler ended with a status; the text is what the user sees."""

    def __init__(self, code: grpc.StatusCode, text: str, details: bytes = b"") -> None:
        super().__init__(text)
        self.code = code
        self.details = details

    @property
    def half(self) -> Any:
        """What the engine writes into its state all the same: the resource is there by now.

        It takes the properties from here, and the inputs from the program.
        """
        message, found = status_pb2.Status.FromString(self.details), p.ErrorResourceInitFailed()
        return found if any(part.Unpack(found) for part in message.details) else None


class Killed(BaseException):
    """The plugin's process is gone, with whatever it was about to say."""


@contextmanager
def killing(call: int, *, written: bool) -> Iterator[None]:
    """Let the plugin die in a call that writes.

    Args:
        call: In which one, counted from 0.
        written: After what it writes, and not before it.
    """
    calls = itertools.count()

    def dying(do: Callable[..., Any]) -> Callable[..., Any]:
        def die(*args: Any, **named: Any) -> Any:
            if next(calls) != call:
                return do(*args, **named)
            if written:
                do(*args, **named)
            raise Killed

        return die

    with pytest.MonkeyPatch.context() as patched:
        for name in ("create", "apply", "use", "delete"):
            patched.setattr(operations, name, dying(getattr(operations, name)))
        yield


@contextmanager
def not_active() -> Iterator[None]:
    """Let no stack become the active one."""

    def fail(ref: str) -> None:
        raise KitaruError(f"{ref} cannot be the active stack")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(operations, "use", fail)
        yield


class Context:
    """What a handler of gRPC is given."""

    async def abort(self, code: grpc.StatusCode, details: str = "", *_: Any) -> None:
        raise Aborted(code, details)

    async def abort_with_status(self, status: Any) -> None:
        raise Aborted(status.code, status.details, dict(status.trailing_metadata))


class Aborted(grpc.aio.AbortError):
    def __init__(self, code: Any, text: str, metadata: Mapping[str, bytes] | None = None) -> None:
        super().__init__(text)
        self.code = code
        self.metadata = metadata or {}


class Plugin:
    """A servicer in this process, whose lines for the user are kept.

    Attributes:
        provider: Which provider it is told that it is: its URN and its id.
        left: How many calls there are before the engine's run is cancelled; None: it is not.
    """

    def __init__(self) -> None:
        self.servicer: Servicer | None = None
        self.said: list[str] = []
        self.provider = ("", "")
        self.left: int | None = None
        #: What the process keeps between a read and the check of what was imported.
        self.advice: dict[str, Mapping[str, str]] = {}

    def call(self, name: str, request: Any) -> Any:
        """Call a handler as the engine does.

        Raises:
            Refused: It ended with an error.
        """

        async def run() -> Any:
            servicer = Servicer("127.0.0.1:9")

            async def keep(severity: Any, text: str, urn: str, *, passing: bool = False) -> None:
                if not passing:
                    self.said.append(text)

            servicer.log._write = keep
            servicer._advice = self.advice
            configure = p.ConfigureRequest(urn=self.provider[0], id=self.provider[1])
            await servicer.Configure(configure, Context())
            if self.left is not None:
                self.left -= 1
                if self.left < 0:
                    await servicer.Cancel(empty_pb2.Empty(), Context())
            return await getattr(servicer, name)(request, Context())

        try:
            return asyncio.run(run())
        except Aborted as aborted:
            details = aborted.metadata.get("grpc-status-details-bin", b"")
            raise Refused(aborted.code, str(aborted), details) from aborted


@dataclass
class Held:
    """A resource in the engine's state."""

    id: str
    inputs: struct_pb2.Struct
    outputs: struct_pb2.Struct
    protect: bool = False
    retain: bool = False
    tainted: bool = False
    #: It is there, and something about it is not done: the next run updates it, changed or not.
    half: bool = False

    @property
    def properties(self) -> dict[str, Any]:
        return json_format.MessageToDict(self.outputs)


@dataclass
class Wanted:
    """A resource of a program."""

    inputs: dict[str, Any] = field(default_factory=dict)
    protect: bool = False
    retain: bool = False
    ignore: tuple[str, ...] = ()
    replace_on_changes: bool = False
    delete_before_replace: bool = False
    aliases: tuple[str, ...] = ()
    import_: str | None = None


class Engine:
    """One stack's state, and the operations on it."""

    def __init__(self, stack: str = "prod", project: str = "platform") -> None:
        self.stack, self.project = stack, project
        self.plugin = Plugin()
        self.state: dict[str, Held] = {}
        #: What is to be deleted after a replacement.
        self.pending: list[tuple[str, Held]] = []
        self.ops: dict[str, str] = {}
        #: The properties that differ, of each resource that was compared.
        self.diffs: dict[str, list[str]] = {}
        #: The default provider: its version, and its id while it is in the state.
        self.version = "0_1_0"
        self.provider: str | None = None

    def urn(self, name: str) -> str:
        return urn_of(name, self.stack, self.project)

    def export(self) -> dict[str, Held]:
        return deepcopy(self.state)

    # -- commands

    def up(
        self,
        program: Mapping[str, Wanted],
        *,
        replace: Collection[str] = (),
        target: Collection[str] | None = None,
        exclude: Collection[str] = (),
        preview: bool = False,
    ) -> dict[str, str]:
        """Converge to a program, or say what would be done."""
        if preview:
            kept = self.export(), deepcopy(self.pending)
            try:
                with self._provided(preview=True):
                    return self._up(program, replace, target, exclude, preview=True)
            finally:
                self.state, self.pending = kept
        with self._provided():
            return self._up(program, replace, target, exclude, preview=False)

    def upgrade(self, version: str) -> None:
        """Another version of the package: its default provider is another one."""
        self.version, self.provider = version, None

    @contextmanager
    def _provided(self, *, preview: bool = False) -> Iterator[None]:
        """Have the default provider, which goes with its last resource; a failed run keeps it."""
        if self.provider is None and not preview:
            self.provider = str(uuid4())
        urn = f"urn:pulumi:{self.stack}::{self.project}::pulumi:providers:kitaru"
        self.plugin.provider = (f"{urn}::default_{self.version}", self.provider or UNMADE)
        yield
        if not preview and not self.state and not self.pending:
            self.provider = None

    def _up(
        self,
        program: Mapping[str, Wanted],
        replace: Collection[str],
        target: Collection[str] | None,
        exclude: Collection[str],
        *,
        preview: bool,
    ) -> dict[str, str]:
        self.ops = {}
        self._drain(preview=preview)
        for name, wanted in program.items():
            self._aliased(name, wanted)
        chosen = [
            name
            for name in {**program, **self.state}
            if (target is None or name in target) and name not in exclude
        ]
        for name, wanted in program.items():
            if name in chosen:
                self._register(name, wanted, name in replace, preview=preview)
        self._drain(preview=preview)
        for name in [name for name in self.state if name not in program and name in chosen]:
            self._remove(name, preview=preview)
        return self.ops

    def refresh(self, *, preview: bool = False) -> dict[str, str]:
        """Read every resource; a preview keeps the state."""
        self.ops = {}
        for name, held in list(self.state.items()):
            found = self._read(name, held.id, held)
            self.ops[name] = "refresh" if found else "gone"
            if preview:
                continue
            if found is None:
                del self.state[name]
            else:
                held.id, held.inputs, held.outputs = found.id, found.inputs, found.properties
                held.half = False
        return self.ops

    def destroy(self) -> dict[str, str]:
        return self.up({})

    def import_(self, name: str, ref: str) -> None:
        """`pulumi import`; what the state has is not imported under the same address."""
        if name in self.state:
            raise Refused(grpc.StatusCode.ALREADY_EXISTS, f"resource {name} already exists")
        with self._provided():
            found = self._imported(name, ref)
            request = p.CheckRequest(urn=self.urn(name), name=name, olds=found.inputs)
            request.news.CopyFrom(found.inputs)
            checked = self.plugin.call("Check", request)
            assert not checked.failures, checked.failures

    def _imported(self, name: str, ref: str) -> Held:
        found = self._read(name, ref, None)
        if found is None:
            raise Refused(grpc.StatusCode.NOT_FOUND, f"resource '{ref}' does not exist")
        self.state[name] = Held(found.id, found.inputs, found.properties)
        return self.state[name]

    def get(self, name: str, ref: str) -> dict[str, Any] | None:
        """A resource that a program only looks at."""
        found = self._read(name, ref, None)
        return None if found is None else json_format.MessageToDict(found.properties)

    # -- steps

    def _register(self, name: str, wanted: Wanted, replace: bool, *, preview: bool) -> None:
        old = self.state.get(name)
        if old is None and wanted.import_:
            old = self._imported(name, wanted.import_)
        asked_for = replace or (old is not None and old.tainted)
        # What is to be replaced gets its defaults anew.
        news = self._checked(name, wanted, None if asked_for else old)
        if old is None:
            self._create(name, news, wanted, preview=preview)
            self.ops[name] = "create"
            return
        old.protect, old.retain = wanted.protect, wanted.retain
        if asked_for:
            self._replace(
                name, old, news, wanted, before=wanted.delete_before_replace, preview=preview
            )
            return
        request = p.DiffRequest(id=old.id, urn=self.urn(name), name=name)
        request.olds.CopyFrom(old.outputs)
        request.old_inputs.CopyFrom(old.inputs)
        request.news.CopyFrom(news)
        request.ignoreChanges.extend(wanted.ignore)
        diff = self.plugin.call("Diff", request)
        self.diffs[name] = list(diff.diffs)
        if diff.changes == p.DiffResponse.DIFF_NONE and not old.half:
            self.ops[name] = "same"
            if not preview:
                old.inputs = news
        elif diff.replaces or wanted.replace_on_changes:
            before = diff.deleteBeforeReplace or wanted.delete_before_replace
            news = self._checked(name, wanted, None)
            self._replace(name, old, news, wanted, before=before, preview=preview)
        else:
            request = p.UpdateRequest(id=old.id, urn=self.urn(name), name=name, preview=preview)
            request.olds.CopyFrom(old.outputs)
            request.old_inputs.CopyFrom(old.inputs)
            request.news.CopyFrom(news)
            self.ops[name] = "update"
            try:
                outputs = self.plugin.call("Update", request).properties
            except Refused as refused:
                if (half := refused.half) is not None:
                    old.inputs, old.outputs, old.half = news, half.properties, True
                raise
            if not preview:
                old.inputs, old.outputs, old.half = news, outputs, False

    def _checked(self, name: str, wanted: Wanted, old: Held | None) -> struct_pb2.Struct:
        request = p.CheckRequest(urn=self.urn(name), name=name)
        if old is not None:
            request.olds.CopyFrom(old.inputs)
        given = dict(wanted.inputs)
        if old is not None:
            kept = json_format.MessageToDict(old.inputs)
            for key in wanted.ignore:
                given.pop(key, None)
                if key in kept:
                    given[key] = kept[key]
        request.news.update(given)
        answer = self.plugin.call("Check", request)
        if answer.failures:
            raise Refused(
                grpc.StatusCode.INVALID_ARGUMENT, "\n".join(f.reason for f in answer.failures)
            )
        return answer.inputs

    def _create(self, name: str, news: struct_pb2.Struct, wanted: Wanted, *, preview: bool) -> None:
        request = p.CreateRequest(urn=self.urn(name), name=name, preview=preview)
        request.properties.CopyFrom(news)
        options = {"protect": wanted.protect, "retain": wanted.retain}
        try:
            made = self.plugin.call("Create", request)
        except Refused as refused:
            if (half := refused.half) is not None:
                self.state[name] = Held(half.id, news, half.properties, half=True, **options)
            raise
        if not preview:
            assert made.id
            self.state[name] = Held(made.id, news, made.properties, **options)

    def _replace(
        self,
        name: str,
        old: Held,
        news: struct_pb2.Struct,
        wanted: Wanted,
        *,
        before: bool,
        preview: bool,
    ) -> None:
        if old.protect:
            raise Refused(grpc.StatusCode.FAILED_PRECONDITION, f"{name} is protected")
        self.ops[name] = "replace"
        if before:
            if not preview:
                self._delete(name, old)
                del self.state[name]
                self._create(name, news, wanted, preview=False)
            return
        try:
            self._create(name, news, wanted, preview=preview)
        except Refused as refused:
            if refused.half is not None:
                self.pending.append((name, old))
            raise
        if not preview:
            self.pending.append((name, old))

    def _drain(self, *, preview: bool) -> None:
        while self.pending and not preview:
            name, old = self.pending[0]
            self._delete(name, old)
            self.pending.pop(0)

    def _remove(self, name: str, *, preview: bool) -> None:
        old = self.state[name]
        if old.protect:
            raise Refused(grpc.StatusCode.FAILED_PRECONDITION, f"{name} is protected")
        self.ops[name] = "delete"
        if not preview:
            self._delete(name, old)
            del self.state[name]

    def _delete(self, name: str, old: Held) -> None:
        if old.retain:
            return
        request = p.DeleteRequest(id=old.id, urn=self.urn(name), name=name)
        request.properties.CopyFrom(old.outputs)
        request.old_inputs.CopyFrom(old.inputs)
        self.plugin.call("Delete", request)

    def _read(self, name: str, ref: str, held: Held | None) -> Any:
        request = p.ReadRequest(id=ref, urn=self.urn(name), name=name)
        if held is not None:
            request.inputs.CopyFrom(held.inputs)
            request.properties.CopyFrom(held.outputs)
        found = self.plugin.call("Read", request)
        return found if found.id else None

    def _aliased(self, name: str, wanted: Wanted) -> None:
        for former in wanted.aliases:
            if former in self.state and name not in self.state:
                self.state[name] = self.state.pop(former)

    def rename(self, name: str, new: str) -> None:
        """`pulumi state rename`."""
        self.state[new] = self.state.pop(name)

    def move(self, name: str, other: Engine) -> None:
        """`pulumi state move`."""
        other.state[name] = self.state.pop(name)
        other.provider = other.provider or self.provider


__all__ = [
    "Aborted",
    "Context",
    "Engine",
    "Held",
    "Killed",
    "Plugin",
    "Refused",
    "Wanted",
    "killing",
    "not_active",
    "urn_of",
]
