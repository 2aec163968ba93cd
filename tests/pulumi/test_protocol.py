"""The protocol as a client that is not the engine speaks it: older, odd and unknown requests."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from contextvars import copy_context
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2 as p

from kitaru_iac.errors import NotConnectedError
from kitaru_iac.pulumi.plugin import engine, place, stacks
from kitaru_iac.pulumi.plugin.main import engine_address
from kitaru_iac.pulumi.plugin.servicer import Servicer
from kitaru_iac.pulumi.plugin.threads import NotBegun, busy, ended_by
from kitaru_iac.spec import from_mapping
from kitaru_iac.stacks import operations
from tests.homes import Home
from tests.pulumi import stored
from tests.pulumi.driver import Aborted, Context
from tests.pulumi.protocol import URN, struct


def test_a_whole_life_with_requests_of_an_older_engine(plugin: Any) -> None:
    """Without names, types and old inputs, which later engines send."""
    plugin.Configure(p.ConfigureRequest(variables={}))
    checked = plugin.Check(p.CheckRequest(urn=URN, news=struct()))
    assert not checked.failures
    assert checked.inputs["name"] == "dev"
    preview = plugin.Create(p.CreateRequest(urn=URN, properties=checked.inputs, preview=True))
    assert preview.id == ""
    made = plugin.Create(p.CreateRequest(urn=URN, properties=checked.inputs))
    assert made.id
    assert stored.names() == {"default", "dev"}
    diff = plugin.Diff(
        p.DiffRequest(id=made.id, urn=URN, olds=made.properties, news=checked.inputs)
    )
    assert diff.changes == p.DiffResponse.DIFF_NONE
    found = plugin.Read(p.ReadRequest(id=made.id, urn=URN, properties=made.properties))
    assert found.id == made.id
    plugin.Delete(p.DeleteRequest(id=made.id, urn=URN, properties=made.properties))
    assert stored.names() == {"default"}
    # Once more: what is gone is no error.
    plugin.Delete(p.DeleteRequest(id=made.id, urn=URN, properties=made.properties))
    gone = plugin.Read(p.ReadRequest(id=made.id, urn=URN, properties=made.properties))
    assert gone.id == ""
    assert not gone.HasField("properties")


def test_a_store_of_another_zenml_is_refused_as_it_is_by_the_command(
    plugin: Any, home: Home
) -> None:
    with closing(sqlite3.connect(home.database)) as opened, opened:
        opened.execute("UPDATE alembic_version SET version_num = '0.97.0'")
    before = home.database.read_bytes()
    with pytest.raises(NotConnectedError) as by_the_command:
        operations.create(from_mapping({"name": "dev"}))
    plugin.Configure(p.ConfigureRequest(args=struct()))
    with pytest.raises(grpc.RpcError) as refused:
        plugin.Create(p.CreateRequest(urn=URN, properties=struct(name="dev")))
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert refused.value.details() == str(by_the_command.value)
    assert "zenml migrate-database" in refused.value.details()
    assert home.database.read_bytes() == before


def test_after_a_cancel_nothing_is_begun(plugin: Any) -> None:
    plugin.Configure(p.ConfigureRequest(args=struct()))
    plugin.Cancel(empty_pb2.Empty())
    with pytest.raises(grpc.RpcError) as refused:
        plugin.Create(p.CreateRequest(urn=URN, properties=struct(name="dev")))
    assert refused.value.code() is grpc.StatusCode.CANCELLED
    assert stored.names() == {"default"}


@pytest.mark.parametrize("way", ["cancelled", "gone"])
def test_what_waits_for_its_turn_is_not_begun_when_nobody_waits_for_it(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be registered, and no state would hold it. There are more calls than threads."""

    def begun(*_: Any, **__: Any) -> None:
        pytest.fail("was begun")

    for name in ("create", "apply", "delete"):
        monkeypatch.setattr(operations, name, begun)

    async def run() -> list[Any]:
        servicer = Servicer("127.0.0.1:9")
        calls = [
            servicer.Create(p.CreateRequest(urn=URN, properties=struct(name="dev")), Context()),
            servicer.Update(p.UpdateRequest(urn=URN, id="id"), Context()),
            servicer.Delete(p.DeleteRequest(urn=URN, id="id"), Context()),
            *(servicer.Read(p.ReadRequest(urn=URN, id="id"), Context()) for _ in range(20)),
        ]
        with stacks._write_lock:
            tasks = list(map(asyncio.ensure_future, calls))
            await asyncio.sleep(0.1)
            assert servicer.working == len(tasks)
            if way == "cancelled":
                await servicer.Cancel(empty_pb2.Empty(), Context())
            else:
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)
            assert busy()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        while busy():
            await asyncio.sleep(0.01)
        assert servicer.working == 0
        return answers

    for answer in asyncio.run(asyncio.wait_for(run(), 20)):
        if way == "cancelled":
            assert isinstance(answer, Aborted)
            assert answer.code is grpc.StatusCode.CANCELLED
        else:
            assert isinstance(answer, asyncio.CancelledError)


def test_what_waits_for_its_server_is_not_begun_when_nobody_waits_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gone = threading.Event()

    @contextmanager
    def connected() -> Iterator[None]:
        gone.set()  # by an engine that had no more patience than that
        yield

    def turn() -> None:
        ended_by(gone)
        with stacks._turn():
            pytest.fail("was begun")

    monkeypatch.setattr(place, "connected", connected)
    with pytest.raises(NotBegun):
        copy_context().run(turn)


@pytest.mark.parametrize(
    "before",
    [
        [],
        ["--logtostderr"],
        ["--logtostderr", "-v=9"],
        ["--tracing", "file:/tmp/trace"],
        ["-v=3", "--tracing", "http://127.0.0.1:1/api"],
        ["--of-a-later-engine", "value", "-v=3"],
    ],
    ids=" ".join,
)
def test_the_engine_s_address_is_found_behind_its_flags(before: list[str]) -> None:
    """`pulumi up --tracing X` and `--logflow`, in the words of `buildPluginArguments`."""
    assert engine_address([*before, "127.0.0.1:9"]) == "127.0.0.1:9"


@pytest.mark.parametrize("there", [True, False], ids=["started by hand", "killed at once"])
def test_an_engine_that_was_never_reached_is_gone_with_the_process_that_started_the_plugin(
    there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_PATIENCE", 0.05)
    waited = engine.until_gone("127.0.0.1:9", os.getppid() if there else -1)

    async def ends() -> bool:
        try:
            await asyncio.wait_for(waited, 0.5 if there else 20)
        except TimeoutError:
            return False
        return True

    assert asyncio.run(ends()) is not there


@pytest.mark.parametrize(
    ("call", "request_"),
    [
        ("Check", p.CheckRequest(urn=URN.replace("Stack:", "Stacks:"))),
        ("Create", p.CreateRequest(urn=URN.replace("Stack:", "Stacks:"))),
        ("Invoke", p.InvokeRequest(tok="kitaru:index:verfy")),
        ("GetSchema", p.GetSchemaRequest(version=7)),
    ],
)
def test_what_there_is_not_is_said_in_one_line(plugin: Any, call: str, request_: Any) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        getattr(plugin, call)(request_)
    assert "\n" not in refused.value.details()
    assert "Traceback" not in refused.value.details()


def test_wrong_requests_end_in_words_and_not_in_a_traceback(plugin: Any) -> None:
    plugin.Configure(p.ConfigureRequest(args=struct()))
    with pytest.raises(grpc.RpcError) as refused:
        plugin.Create(p.CreateRequest(urn=URN, properties=struct(name="../etc", type="locl")))
    assert "Traceback" not in refused.value.details()
    assert "locl" in refused.value.details()
    with pytest.raises(grpc.RpcError) as refused:
        plugin.Update(
            p.UpdateRequest(
                id="not-an-id", urn=URN, olds=struct(name="dev"), news=struct(name="dev")
            )
        )
    assert "is gone" in refused.value.details()


def test_many_calls_at_once(plugin: Any) -> None:
    """The engine registers what does not depend on each other at the same time."""
    plugin.Configure(p.ConfigureRequest(args=struct()))
    urns = [URN.replace("::dev", f"::dev{i}") for i in range(6)]
    waiting = [
        plugin.Create.future(p.CreateRequest(urn=urn, properties=struct(name=urn[-4:])))
        for urn in urns
    ]
    ids = {future.result(timeout=200).id for future in waiting}
    assert len(ids) == 6
    assert stored.names() == {"default", *(f"dev{i}" for i in range(6))}
