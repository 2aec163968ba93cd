"""The provider's configuration: which server, and whose login."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi import automation as auto
from pulumi.runtime.proto import provider_pb2 as p

import kitaru_iac.pulumi as kitaru
from tests.homes import Home
from tests.pulumi import stored
from tests.pulumi.driver import Plugin
from tests.pulumi.programs import not_known
from tests.pulumi.protocol import struct
from tests.pulumi.room import Failed, Room
from tests.pulumi.tracebacks import failed_badly
from tests.servers.zenml import ZenMLServer


@pytest.fixture
def far(home: Home, empty_server: ZenMLServer, pulumi_home: Path, tmp_path: Path) -> Room:
    """A machine with a local store of its own, and a server that only programs know."""
    del home, empty_server, pulumi_home
    return Room(tmp_path / "project")


def on(server: ZenMLServer, **more: Any):
    def run() -> None:
        provider = kitaru.Provider("there", url=server.url, api_key=server.api_key, **more)
        stack = kitaru.Stack("dev", opts=pulumi.ResourceOptions(provider=provider))
        pulumi.export("id", stack.id)

    return run


def test_stacks_go_where_the_provider_says(
    far: Room, zenml_server: ZenMLServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    config = Path(os.environ["ZENML_CONFIG_PATH"])
    before = (config / "config.yaml").read_text()
    up = far.up(on(zenml_server))
    assert stored.names() == {"default"}  # on this machine
    assert server_stacks(zenml_server) == {"default", "dev"}
    assert far.up(on(zenml_server)).ops == {"dev": "same"}
    far.refresh(expect_no_changes=True)
    assert zenml_server.api_key not in str(far.resources())
    assert zenml_server.api_key not in up.text
    assert "ciphertext" in far.resources()["there"]["inputs"]["apiKey"]
    far.destroy()
    assert server_stacks(zenml_server) == {"default"}
    # The machine's own connection is as it was, and nothing is left in the temporary folder.
    assert (config / "config.yaml").read_text() == before
    assert not list(temporary.glob("kitaru-provider-*"))


def test_a_stack_moves_with_its_providers_server_and_back(
    far: Room, zenml_server: ZenMLServer
) -> None:
    """The engine deletes with the former provider, which the plugin cannot know for itself."""

    def without_a_provider() -> None:
        pulumi.export("id", kitaru.Stack("dev").id)

    def locally(name: str):
        def run() -> None:
            provider = kitaru.Provider(name, url="local")
            stack = kitaru.Stack("dev", opts=pulumi.ResourceOptions(provider=provider))
            pulumi.export("id", stack.id)

        return run

    here = ({"default", "dev"}, {"default"})
    there = ({"default"}, {"default", "dev"})
    far.up(on(zenml_server))
    preview = far.preview(without_a_provider)
    assert "replace" in preview.ops["dev"]
    far.up(without_a_provider)
    assert (stored.names(), server_stacks(zenml_server)) == here
    assert far.up(locally("here")).ops == {"dev": "same"}  # the same store, said in another way
    assert "replace" in far.up(on(zenml_server)).ops["dev"]  # by a provider of another name
    assert (stored.names(), server_stacks(zenml_server)) == there
    assert "replace" in far.up(locally("there")).ops["dev"]  # which is led to another store
    assert (stored.names(), server_stacks(zenml_server)) == here
    far.destroy()
    assert (stored.names(), server_stacks(zenml_server)) == ({"default"}, {"default"})


def test_the_configuration_of_the_stack_is_the_default_providers(
    far: Room, zenml_server: ZenMLServer
) -> None:
    config = {
        "kitaru:url": zenml_server.url,
        "kitaru:apiKey": auto.ConfigValue(zenml_server.api_key, secret=True),
        # A key of a description: the program's, which the provider has to leave alone.
        "kitaru:artifact_store": "s3://a-bucket",
    }

    def run() -> None:
        kitaru.Stack("dev")

    far.up(run, config=config)
    assert server_stacks(zenml_server) == {"default", "dev"}
    assert stored.names() == {"default"}
    assert zenml_server.api_key not in str(far.resources())


def test_a_wrong_configuration_is_said_at_preview(local_room: Room) -> None:
    def run() -> None:
        provider = kitaru.Provider("there", api_key="ZENKEY_x")
        kitaru.Stack("dev", opts=pulumi.ResourceOptions(provider=provider))

    with pytest.raises(Failed) as failed:
        local_room.preview(run)
    assert "url" in str(failed.value)
    assert not failed_badly(str(failed.value))
    assert "ZENKEY_x" not in str(failed.value)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"url": "https://zenml.example.com"}, "the server's API key is missing"),
        ({"apiKey": "ZENKEY_x"}, "the server of the API key is missing"),
        ({"url": "zenml.example.com", "apiKey": "ZENKEY_x"}, "Write https://zenml.example.com."),
        ({"url": "https://[zenml", "apiKey": "ZENKEY_x"}, "not the address of a server"),
        ({"url": "https://me:pw@zenml.example.com", "apiKey": "ZENKEY_x"}, "Use apiKey."),
    ],
)
def test_a_wrong_configuration_is_a_problem(given: dict[str, str], expected: str) -> None:
    urn = "urn:pulumi:prod::platform::pulumi:providers:kitaru::there"
    answer = Plugin().call("CheckConfig", p.CheckRequest(urn=urn, news=struct(**given)))
    (failure,) = answer.failures
    assert expected in failure.reason
    assert "ZENKEY_x" not in failure.reason
    assert "me:pw" not in failure.reason


def test_a_key_that_is_not_accepted(far: Room, zenml_server: ZenMLServer) -> None:
    def run() -> None:
        provider = kitaru.Provider("there", url=zenml_server.url, api_key="ZENKEY_wrong")
        kitaru.Stack("dev", opts=pulumi.ResourceOptions(provider=provider))

    with pytest.raises(Failed) as failed:
        far.preview(run)
    assert "does not accept" in str(failed.value)
    assert "ZENKEY_wrong" not in str(failed.value)


def test_a_server_that_does_not_answer(local_room: Room) -> None:
    def run() -> None:
        provider = kitaru.Provider("there", url="http://127.0.0.1:9", api_key="ZENKEY_x")
        kitaru.Stack("dev", opts=pulumi.ResourceOptions(provider=provider))

    with pytest.raises(Failed) as failed:
        local_room.preview(run)
    assert "does not answer" in str(failed.value)


def test_a_provider_that_is_not_known_yet(local_room: Room) -> None:
    """The server is made by the same program."""

    def run() -> None:
        provider = kitaru.Provider("there", url=not_known(), api_key="ZENKEY_x")
        kitaru.Stack("dev", opts=pulumi.ResourceOptions(provider=provider))

    assert local_room.preview(run).ops == {"dev": "create"}


def test_an_explicit_providers_typo_is_a_problem_and_a_shared_namespace_is_none() -> None:
    from kitaru_iac.pulumi.plugin.settings import problems

    given = {"url": "https://zenml.example.com", "apiKey": "x", "apikey": "y"}
    assert [p.field for p in problems(given, frozenset(), shared=False)] == ["apikey"]
    assert problems(given, frozenset(), shared=True) == []


def server_stacks(server: ZenMLServer) -> set[str]:
    return {stack["name"] for stack in server.items("/stacks")}


def test_the_same_stack_is_managed_from_two_machines(
    far: Room, zenml_server: ZenMLServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pulumi's state is shared; the machine's own memory of its runs is not."""
    far.up(on(zenml_server))
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path / "another-machine"))
    assert far.up(on(zenml_server)).ops == {"dev": "same"}
    far.destroy()
    assert server_stacks(zenml_server) == {"default"}
