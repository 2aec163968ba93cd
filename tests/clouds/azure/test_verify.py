"""Checks of Azure through the command, and what they must not do."""

from __future__ import annotations

import gc
import json
import sqlite3
from pathlib import Path

import pytest

from kitaru_iac.checks.probes import Unavailable
from kitaru_iac.cli.main import run
from kitaru_iac.clouds.azure import session
from kitaru_iac.clouds.azure.catalog import CATALOG
from kitaru_iac.clouds.azure.session import AzureAccess
from kitaru_iac.render.source import SourceFile
from tests.clouds.azure.world import World
from tests.doubles.azure_faults import error
from tests.doubles.web import json_response
from tests.homes import Home

LOCAL = """\
name: dev
type: local
artifact_store: abfs://artifacts@teamdata.dfs.core.windows.net
subscription_id: {subscription}
"""


def verify(
    text: str, world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], *words: str
) -> tuple[int, dict[str, str], str]:
    """Run the command; gives its exit code, how each check ended, and what it wrote."""
    path = tmp_path / "stack.yaml"
    path.write_text(text.format(subscription=world.azure.subscription_id))
    code = run(["stack", "verify", "-f", str(path), "--output", "json", *words], "kitaru")
    out, err = capsys.readouterr()
    found = {each["id"]: each["status"] for each in json.loads(out)["item"]["results"]}
    return code, found, out + err


def test_a_stack_that_is_fit(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world.fit_bucket()
    code, found, said = verify(LOCAL, world, tmp_path, capsys, "--strict")
    assert (code, set(found.values())) == (0, {"ok"}), said
    assert world.azure.client_secret not in said
    assert not any(token in said for token in world.azure.entra.tokens)


def test_a_stack_that_is_not(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found, _ = verify(LOCAL, world, tmp_path, capsys)
    assert (code, found["azure.bucket.exists"]) == (3, "fail")


def test_without_credentials_one_check_fails_and_the_rest_is_unknown(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world.azure.refuse_tokens()
    code, found, said = verify(LOCAL, world, tmp_path, capsys)
    assert (code, found.pop("azure.credentials")) == (3, "fail")
    assert set(found.values()) == {"unknown"}
    assert world.azure.client_secret not in said


def test_on_a_machine_without_credentials_it_is_said_how_to_get_some(
    world: World,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID"):
        monkeypatch.delenv(name)
    code, found, said = verify(LOCAL, world, tmp_path, capsys)
    assert (code, found.pop("azure.credentials")) == (3, "fail")
    assert set(found.values()) == {"unknown"}
    assert "there are no Azure credentials here" in said
    assert "DefaultAzureCredential" not in said


@pytest.mark.slow
def test_what_was_opened_is_closed(world: World) -> None:
    """Left to the garbage collector, the connections of many runs are too many open files."""
    spec = world.azureml()
    world.report(spec)
    gc.collect()
    gc.disable()
    try:
        before = sum(1 for _ in Path("/proc/self/fd").iterdir())
        for _ in range(3):
            world.report(spec)
        after = sum(1 for _ in Path("/proc/self/fd").iterdir())
    finally:
        gc.enable()
    assert after - before < 9, (before, after)


def opened(world: World) -> AzureAccess:
    access = AzureAccess(world.local().credentials, 2.0)
    access.open()
    return access


def test_the_token_goes_to_resource_manager_alone(world: World) -> None:
    access = opened(world)
    world.azure.proxy.refused.clear()
    for elsewhere in ("https://elsewhere.example/", "https://management.azure.com.example/"):
        world.faults.on("/subscriptions", json_response({"value": [], "nextLink": elsewhere}))
        with pytest.raises(Unavailable, match="another host"):
            access.list("/subscriptions", "2022-09-01", about="them")
        world.faults.reset()
    with pytest.raises(Unavailable, match="is no id"):
        access.get("@elsewhere.example/", "2022-09-01", about="it")
    assert world.azure.proxy.refused == []


def test_pages_are_followed_to_their_end_and_no_further(world: World) -> None:
    access = opened(world)
    here = "https://management.azure.com/subscriptions?page="

    def page(request, _handler):  # type: ignore[no-untyped-def]
        number = int(request.query.get("page", ["0"])[0])
        following = {"nextLink": f"{here}{number + 1}"} if number < 3 or endless else {}
        return json_response({"value": [{"n": number}], **following})

    world.faults.on("/subscriptions", page)
    endless = False
    assert [each["n"] for each in access.list("/subscriptions", "1", about="x")] == [0, 1, 2, 3]
    endless = True
    with pytest.raises(Unavailable, match="more than"):
        access.list("/subscriptions", "1", about="x")
    assert len(world.faults.calls) < 3 * session._PAGES


def test_a_long_pause_is_not_waited_for(world: World) -> None:
    access = opened(world)
    world.faults.on("/subscriptions", error(429, "Busy", **{"Retry-After": "3600"}))
    with pytest.raises(Unavailable, match="throttled"):
        access.list("/subscriptions", "1", about="x")
    assert world.faults.calls.count("management.azure.com/subscriptions") == 1


AZUREML = """\
name: prod
type: azureml
subscription_id: {subscription}
resource_group: ml-platform
workspace: team-ml
region: westeurope
artifact_store: abfs://artifacts@teamdata.dfs.core.windows.net
container_registry: team.azurecr.io
"""
KUBERNETES = AZUREML.replace("type: azureml", "type: kubernetes").replace(
    "workspace: team-ml", "cluster: prod"
)


@pytest.mark.parametrize(
    ("text", "fit", "count", "warned"),
    [
        (AZUREML, "fit_workspace", 28, set()),
        (KUBERNETES, "fit_cluster", 31, {"azure.cluster.reachable"}),
    ],
)
def test_each_type_through_the_command(
    text: str,
    fit: str,
    count: int,
    warned: set[str],
    world: World,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    getattr(world, fit)()
    code, found, said = verify(text, world, tmp_path, capsys, "--strict")
    assert (code, len(found)) == (0, count), said
    assert {name: ended for name, ended in found.items() if ended != "ok"} == dict.fromkeys(
        warned, "warn"
    )


@pytest.mark.parametrize(
    ("text", "fit", "spoil", "failed"),
    [
        (LOCAL, "fit_bucket", ("account", "allowBlobPublicAccess", 5), None),
        (AZUREML, "fit_workspace", ("workspace", "keyVault", None), "azure.workspace.attached"),
        (KUBERNETES, "fit_cluster", ("cluster", "disableLocalAccounts", True),
         "azure.cluster.local_accounts"),
    ],
)  # fmt: skip
def test_a_creation_stops_before_anything_is_written_where_a_check_fails(
    text: str,
    fit: str,
    spoil: tuple[str, str, object],
    failed: str | None,
    home: Home,
    world: World,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    getattr(world, fit)()
    thing, key, value = spoil
    getattr(world, thing)()["properties"][key] = value
    path = tmp_path / "stack.yaml"
    path.write_text(text.format(subscription=world.azure.subscription_id))
    words = ["stack", "create", "-f", str(path), "--infra", "verify"]
    if failed is None:  # what is unknown stops nothing: only a look at what would be written
        code = run([*words, "--dry-run"], "kitaru")
        assert "azure.bucket.public_access" in "".join(capsys.readouterr())
        assert code == 0
        return
    code = run(words, "kitaru")
    err = capsys.readouterr().err
    assert code == 3, err
    assert failed in err
    with sqlite3.connect(home.database) as store:
        names = {name for (name,) in store.execute("SELECT name FROM stack")}
    assert names == {"default"}


def test_a_code_host_shows_a_check_at_the_line_that_it_is_about() -> None:
    keys = [line.partition(":")[0] for line in AZUREML.splitlines()]
    keys += ["cluster", "credentials"]
    lines = {key: number for number, key in enumerate(keys, 1)}
    file = SourceFile("stack.yaml", lines, {info.id: info.key for info in CATALOG.values()})
    shown = {name: keys[file.line(name) - 1] for name in CATALOG}
    assert [name for name, key in shown.items() if key == "name"] == []
    assert shown["azure.registry.roles"] == "container_registry"
    assert shown["azure.workspace.kind"] == "workspace"


def test_what_is_to_be_made_is_not_looked_at(world: World) -> None:
    made = {"bucket": "create", "registry": "create", "workspace": "create"}
    spec = world.azureml(infra="provision", resources=made)
    assert [result.id for result in world.report(spec)] == [
        "azure.credentials",
        "azure.subscription",
    ]
