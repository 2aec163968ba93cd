"""The tools, through the official client: what each does, refuses and asks."""

from __future__ import annotations

import json
import random
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS, ElicitResult, ErrorData

from kitaru_iac.errors import KitaruError, NotConnectedError
from kitaru_iac.gateway.documents import StackChange
from kitaru_iac.gateway.local_gateway import LocalGateway
from kitaru_iac.gateway.opening import FallbackReader, open_gateway
from kitaru_iac.mcp.modes import Mode
from kitaru_iac.mcp.remedies import COMMANDS, Ways, ways
from kitaru_iac.mcp.server import TOOLS, build
from kitaru_iac.mcp.sizes import LIMIT, fitted, size
from kitaru_iac.plan.document import StackPlan
from kitaru_iac.plan.model import Action, Layer, Plan, Step
from kitaru_iac.records import recovery
from kitaru_iac.spec import from_mapping
from kitaru_iac.stacks import operations, planning
from tests.docs.markdown import ROOT
from tests.homes import Home
from tests.mcp.conversation import ERAS, answers, content, every_tool, listed, refusal, talk

GOLDEN = Path(__file__).parent / "tools.json"
DEV = {"name": "dev"}
#: The smallest description of each type.
FIVE: dict[str, dict[str, Any]] = {
    "local": {},
    "kubernetes": {
        "artifact_store": "s3://my-bucket/kitaru",
        "container_registry": "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
        "cluster": "prod-cluster",
        "region": "eu-west-1",
    },
    "vertex": {
        "artifact_store": "gs://my-bucket/kitaru",
        "container_registry": "us-central1-docker.pkg.dev/my-project/my-repo",
        "region": "us-central1",
    },
    "sagemaker": {
        "artifact_store": "s3://my-bucket/kitaru",
        "container_registry": "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
        "region": "eu-west-1",
        "execution_role": "arn:aws:iam::123456789012:role/SageMakerExecutionRole",
    },
    "azureml": {
        "artifact_store": "az://my-container/kitaru",
        "container_registry": "demo.azurecr.io/my-team/my-image",
        "subscription_id": "00000000-0000-0000-0000-000000000123",
        "resource_group": "ml-platform",
        "workspace": "team-ml",
        "region": "westeurope",
    },
}


async def _made(client: Client, **description: Any) -> dict[str, Any]:
    described = {**DEV, **description}
    plan = content(await client.call_tool("stack_preview", {"description": described}))
    arguments = {"description": described, "digest": plan["digest"]}
    return content(await client.call_tool("stack_apply", arguments))


# -- what is listed --------------------------------------------------------------------------------


def test_the_list_of_tools_is_the_reviewed_one() -> None:
    """After a change that is meant: write what this test says is new to tools.json, and read it."""
    seen: dict[str, Any] = {}

    async def say(client: Client) -> None:
        listed = (await client.list_tools()).tools
        seen.update(
            {
                tool.name: tool.model_dump(by_alias=True, exclude_none=True, mode="json")
                for tool in listed
            }
        )

    talk(say)
    text = json.dumps(seen, indent=1, ensure_ascii=False) + "\n"
    assert text == GOLDEN.read_text(), text


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("mode", Mode)
def test_a_mode_lists_its_tools_and_refuses_the_others(home: Home, mode: Mode, era: str) -> None:
    async def say(client: Client) -> None:
        listed = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(listed) == {entry.name for entry in TOOLS if mode.includes(entry.mode)}
        for tool in listed.values():
            assert tool.annotations.read_only_hint == (tool.name in READING)
            assert len(tool.name) <= 40
            assert tool.input_schema["additionalProperties"] is False
        for name in {entry.name for entry in TOOLS} - set(listed):
            done = await client.call_tool(name, {"id": "x", "stack": "default"})
            assert refusal(done) == "not_allowed"

    talk(say, mode, era)


READING = {
    *("stack_list", "stack_show", "stack_current"),
    *("stack_verify", "stack_drift", "stack_policy", "stack_preview"),
}


# -- what each does --------------------------------------------------------------------------------


@pytest.mark.parametrize("era", ERAS)
def test_every_tool_from_a_description_to_its_deletion(home: Home, era: str) -> None:
    user = answers("dev")
    talk(lambda client: every_tool(client, user), era=era, elicitation_callback=user)


@pytest.mark.parametrize("type", FIVE)
def test_a_stack_of_every_type_is_created_seen_and_deleted(home: Home, type: str) -> None:
    remote = {} if type == "local" else {"verify": False}  # no cloud is reached from here
    described = {"name": "prod", "type": type, "activate": False, **remote, **FIVE[type]}
    user = answers("prod")

    async def say(client: Client) -> None:
        done = await _made(client, **described)
        assert done["name"] == "prod"
        shown = content(await client.call_tool("stack_show", {"stack": "prod"}))
        assert shown["stack_type"] == type
        plan = content(await client.call_tool("stack_preview", {"description": described}))
        (again,) = plan["stacks"]
        assert {tuple(change["actions"]) for change in again["changes"]} <= {("no-op",)}
        arguments = {"id": done["id"], "recursive": True}
        gone = content(await client.call_tool("stack_delete", arguments))
        assert gone["deleted_stack"] == "prod"
        assert [row["name"] for row in await listed(client)] == ["default"]

    talk(say, Mode.DESTRUCTIVE, elicitation_callback=user)


def test_the_resources_are_those_of_the_command(home: Home) -> None:
    async def say(client: Client) -> None:
        listed = {str(found.uri) for found in (await client.list_resources()).resources}
        assert listed == {
            *("kitaru://stacks", "kitaru://checks"),
            *("kitaru://schemas/stack.json", "kitaru://schemas/plan.json"),
        }
        read = {}
        for uri in (*listed, "kitaru://stacks/default"):
            read[uri] = json.loads((await client.read_resource(uri)).contents[0].text)
        assert read["kitaru://stacks"]["items"][0]["name"] == "default"
        assert read["kitaru://stacks/default"]["stack_type"] == "local"
        assert read["kitaru://schemas/stack.json"] == _schema()
        assert "aws.bucket.exists" in {check["id"] for check in read["kitaru://checks"]["checks"]}
        with pytest.raises(MCPError, match="stack_not_found") as refused:
            await client.read_resource("kitaru://stacks/nothing")
        assert refused.value.code == INVALID_PARAMS  # what MCP says of a resource that is not there

    talk(say, Mode.READ_ONLY)


def _schema() -> dict[str, Any]:
    from kitaru_iac.spec import json_schema

    return json_schema()


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize("era", ERAS)
def test_a_plan_that_has_moved_is_refused(home: Home, era: str) -> None:
    async def say(client: Client) -> None:
        plan = content(await client.call_tool("stack_preview", {"description": DEV}))
        for description, digest in (
            (DEV, f"sha256:{'0' * 64}"),
            ({**DEV, "activate": False}, plan["digest"]),
            ({"name": "other"}, plan["digest"]),
        ):
            arguments = {"description": description, "digest": digest}
            assert refusal(await client.call_tool("stack_apply", arguments)) == "plan_moved"
        assert [row["name"] for row in await listed(client)] == ["default"]
        await _made(client, artifact_store=str(home.path / "a"))
        arguments = {"description": DEV, "digest": plan["digest"]}  # of a stack that was not there
        assert refusal(await client.call_tool("stack_apply", arguments)) == "plan_moved"

    talk(say, era=era)


@pytest.mark.parametrize(
    ("typed", "era"), [(None, "auto"), (None, "legacy"), ("", "auto"), ("Dev", "legacy")]
)
def test_what_is_not_confirmed_is_not_begun(
    home: Home, monkeypatch: pytest.MonkeyPatch, typed: str | None, era: str
) -> None:
    user = answers(typed)

    async def say(client: Client) -> None:
        made = (await _made(client))["id"]
        await client.call_tool("stack_use", {"stack": "default"})
        monkeypatch.setattr(operations, "delete", lambda *_, **__: pytest.fail("was called"))
        assert (
            refusal(await client.call_tool("stack_delete", {"id": made})) == "confirmation_needed"
        )
        assert len(user.asked) == 1
        assert "dev" in {row["name"] for row in await listed(client)}

    talk(say, era=era, elicitation_callback=user)


@pytest.mark.parametrize(
    ("reply", "era"),
    [
        *((ElicitResult(action="accept"), era) for era in ERAS),
        *((ElicitResult(action="accept", content={"nme": "dev"}), era) for era in ERAS),
        (ElicitResult(action="cancel"), "legacy"),
        (ErrorData(code=-32603, message="no"), "legacy"),  # a newer client does not pass it on
    ],
    ids=[
        *("no answer, auto", "no answer, legacy", "no name, auto", "no name, legacy"),
        *("cancelled", "an error"),
    ],
)
def test_a_client_that_asks_in_vain_has_changed_nothing(home: Home, reply: Any, era: str) -> None:
    async def user(*_: object) -> Any:
        return reply

    async def say(client: Client) -> None:
        made = (await _made(client, activate=False))["id"]
        done = await client.call_tool("stack_delete", {"id": made})
        assert refusal(done) == "confirmation_needed"
        assert "nothing was changed" in done.content[0].text
        assert made in {row["id"] for row in await listed(client)}

    talk(say, era=era, elicitation_callback=user)


def test_what_is_typed_is_the_name_that_the_stack_has_now(home: Home) -> None:
    from kitaru_iac.stacks.rename import rename

    async def user(*_: object) -> ElicitResult:
        rename("dev", "other")  # a colleague, while the question is open
        return ElicitResult(action="accept", content={"name": "dev"})

    async def say(client: Client) -> None:
        made = (await _made(client, activate=False))["id"]
        done = await client.call_tool("stack_delete", {"id": made})
        assert refusal(done) == "confirmation_needed"
        assert "It is called 'other'" in done.content[0].text

    talk(say, era="legacy", elicitation_callback=user)  # a newer client is asked again


@pytest.mark.parametrize(
    ("new", "code"),
    [
        ("default", "usage_error"),
        ("zz'? Nothing happens. Ignore", "usage_error"),
        ("taken", "already_exists"),
    ],
)
def test_a_name_that_cannot_be_is_refused_before_anybody_is_asked(
    home: Home, new: str, code: str
) -> None:
    user = answers("dev")

    async def say(client: Client) -> None:
        await _made(client, name="taken", activate=False)
        made = (await _made(client, activate=False))["id"]
        for tool in ("stack_rename", "stack_copy"):
            assert refusal(await client.call_tool(tool, {"id": made, "new": new})) == code
        assert user.asked == []

    talk(say, elicitation_callback=user)


def test_what_would_migrate_the_store_of_another_zenml_is_refused_as_by_the_command(
    home: Home,
) -> None:
    with closing(sqlite3.connect(home.database)) as opened, opened:
        opened.execute("UPDATE alembic_version SET version_num = '0.97.0'")
    before = home.database.read_bytes()
    with pytest.raises(NotConnectedError) as by_the_command:
        operations.create(from_mapping(DEV))
    wanted = by_the_command.value

    async def say(client: Client) -> None:
        assert [row["name"] for row in await listed(client)] == ["default"]
        for name, arguments in (
            ("stack_preview", {"description": DEV}),
            ("stack_apply", {"description": DEV, "digest": f"sha256:{'0' * 64}"}),
            ("stack_use", {"stack": "default"}),
        ):
            done = await client.call_tool(name, arguments)
            assert refusal(done) == wanted.code, name
            error = done.structured_content["error"]
            assert (error["message"], error["remedy"]) == (wanted.what, wanted.remedy), name

    talk(say)
    assert home.database.read_bytes() == before


def test_what_cannot_be_is_refused_before_anybody_is_asked(home: Home) -> None:
    user = answers("dev")

    async def say(client: Client) -> None:
        made = (await _made(client))["id"]  # and active
        default = next(row["id"] for row in await listed(client) if row["name"] == "default")
        for one in (made, default):
            done = await client.call_tool("stack_delete", {"id": one})
            assert refusal(done) == "stack_protected"
        done = await client.call_tool("stack_rename", {"id": default, "new": "mine"})
        assert refusal(done) == "stack_protected"
        assert refusal(await client.call_tool("stack_copy", {"id": made, "new": "dev"})) == (
            "already_exists"
        )
        done = await client.call_tool("stack_rename", {"id": made, "new": "dev"})
        assert refusal(done) == "usage_error"
        operations.use("default")
        provisioned = {"kitaru.managed": "true", "kitaru.pulumi.stack": "dev"}
        open_gateway().update_stack(made, StackChange(labels=provisioned))
        refused = {"stack_delete": "infrastructure_remains", "stack_rename": "stack_protected"}
        for tool, code in refused.items():
            more = {"new": "x"} if tool == "stack_rename" else {}
            assert refusal(await client.call_tool(tool, {"id": made, **more})) == code
        assert user.asked == []

    talk(say, elicitation_callback=user)


@pytest.mark.parametrize("era", ERAS)
def test_a_client_that_cannot_be_asked_passes_on_what_the_user_typed(home: Home, era: str) -> None:
    async def say(client: Client) -> None:
        made = (await _made(client))["id"]
        await client.call_tool("stack_use", {"stack": "default"})
        asked = await client.call_tool("stack_delete", {"id": made})
        assert refusal(asked) == "confirmation_needed"
        assert f"'dev' ({made})" in asked.content[0].text
        wrong = {"id": made, "confirmed_name": "prod"}
        assert refusal(await client.call_tool("stack_delete", wrong)) == "confirmation_needed"
        right = {"id": made, "confirmed_name": "dev"}
        assert content(await client.call_tool("stack_delete", right))["deleted_stack"] == "dev"

    talk(say, era=era)


def test_a_deletion_keeps_to_the_id_that_was_asked_about(home: Home) -> None:
    """A colleague registers a stack of the same name while the question is open."""

    async def say(client: Client) -> None:
        first = (await _made(client))["id"]
        for wrong in ("dev", first[:8], f"{first[:-1]}x", "0" * 32):
            done = await client.call_tool("stack_delete", {"id": wrong, "confirmed_name": "dev"})
            assert refusal(done) in ("stack_not_found", "usage_error")
        operations.delete("dev", recursive=True, force=True)
        second = (await _made(client))["id"]
        done = await client.call_tool("stack_delete", {"id": first, "confirmed_name": "dev"})
        assert refusal(done) == "stack_not_found"
        assert second in {row["id"] for row in await listed(client)}

    talk(say)


_DELETES = Step(Action.DELETE, "container_registry", "dev")
_COSTS = Step(Action.CREATE, "aws:s3/bucket:Bucket", "data", layer=Layer.INFRASTRUCTURE)


@pytest.mark.parametrize(
    ("step", "mode", "user", "code"),
    [
        (_DELETES, Mode.STANDARD, "dev", "not_allowed"),
        (_DELETES, Mode.DESTRUCTIVE, None, "confirmation_needed"),
        (_DELETES, Mode.DESTRUCTIVE, "dev", "failed"),
        (_COSTS, Mode.STANDARD, None, "confirmation_needed"),
        (_COSTS, Mode.STANDARD, "dev", "failed"),
    ],
)
def test_a_plan_with_a_risk_is_confirmed(
    home: Home,
    monkeypatch: pytest.MonkeyPatch,
    step: Step,
    mode: Mode,
    user: str | None,
    code: str,
) -> None:
    plan = Plan("dev", (step,))
    applied: list[Plan] = []

    def apply(*_: Any, **__: Any) -> Any:
        applied.append(plan)
        raise KitaruError("far enough")

    monkeypatch.setattr(planning, "plan_stack", lambda *_, **__: StackPlan(plan))
    monkeypatch.setattr(planning, "apply_planned", apply)

    async def say(client: Client) -> None:
        shown = content(await client.call_tool("stack_preview", {"description": DEV}))
        assert len(shown["needs_confirmation"]) == 1
        arguments = {"description": DEV, "digest": shown["digest"]}
        assert refusal(await client.call_tool("stack_apply", arguments)) == code

    talk(say, mode, elicitation_callback=answers(user))
    assert bool(applied) == (code == "failed")


def test_errors_say_what_why_and_what_to_do_and_no_secret(home: Home) -> None:
    secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

    async def say(client: Client) -> None:
        for description in (
            {**DEV, "credentials": secret},
            {**DEV, "type": "sagemaker", "credentials": f"aws-access-key:AKIA:{secret}:x"},
            {"name": secret * 3},
        ):
            done = await client.call_tool("stack_preview", {"description": description})
            assert refusal(done) == "description_invalid"
            if "credentials" in description:
                assert secret not in done.model_dump_json()
        done = await client.call_tool("stack_preview", {"description": secret})
        assert refusal(done) == "usage_error"
        assert secret not in done.model_dump_json()
        done = await client.call_tool("stack_preview", {"description": {**DEV, "credentials": "-"}})
        assert "standard input" in done.content[0].text
        there = (await client.call_tool("stack_current")).structured_content["id"]
        key = f"AKIAIOSFODNN7EXAMPLE:{secret}"
        for tool, arguments in (
            (key, {}),
            ("stack_list", {key: 1}),
            ("stack_policy", {"stack": "default", "identity": key}),
            ("stack_rename", {"id": there, "new": key}),
            ("stack_preview", {"description": {"name": key}}),
            ("stack_delete", {"id": there, "confirmed_name": key}),
        ):
            done = await client.call_tool(tool, arguments)
            assert refusal(done)
            assert "wJalrXUtnFEMI" not in done.model_dump_json(), tool
        done = await client.call_tool("stack_shw", {})
        assert refusal(done) == "not_found"
        assert "stack_show" in done.content[0].text
        # An agent may have no shell for the command that the remedy names.
        done = await client.call_tool("stack_show", {"stack": "nobody"})
        assert "kitaru stack list" in done.content[0].text
        assert "\nTools that do it here: stack_list\n" in done.content[0].text
        assert done.structured_content["error"]["tools"] == ["stack_list"]

    talk(say)


def test_a_remedy_for_a_terminal_is_said_as_what_there_is_here() -> None:
    remedy = (
        "Run `kitaru stack delete dev`, or look: kitaru stack show dev; kitaru stack new-repo; "
        "kitaru stack use dev --force"
    )
    rest = ("kitaru stack new-repo", "kitaru stack use dev --force")  # no tool has that option
    seen = ways(remedy, ["stack_show", "stack_use"])
    assert seen == Ways(("stack_show",), (), ("kitaru stack delete dev", *rest))
    every = ["stack_show", "stack_use", "stack_delete", "stack_apply"]
    assert ways(remedy, every) == Ways(("stack_show", "stack_delete"), (), rest)
    for remedy, found in {
        "Ask who made it; kitaru does not know.": Ways(),
        "Correct --credentials, or give --connector NAME.\naws s3 mb s3://b --region eu-west-1": (
            Ways(keys=("credentials", "connector"))
        ),
        "See them with: aws eks list-clusters --region eu. Or `gcloud x --project y`.": Ways(),
        "Take it back into a state here: the same command with --take-back. Or delete it.": (
            Ways(options=("--take-back",))
        ),
        "Write it: kitaru stack apply -f FILE": Ways(commands=("kitaru stack apply -f FILE",)),
        "Finish it: kitaru stack delete 1 --recursive": Ways(("stack_delete",)),
        "Or: kitaru stack delete 1 --recursive --infra": (
            Ways(commands=("kitaru stack delete 1 --recursive --infra",))
        ),
    }.items():
        assert ways(remedy, every) == found, remedy
    assert Ways(("a", "b"), ("c",), ("kitaru d", "kitaru e -f F"), ("--g",)).lines() == [
        "Tools that do it here: a, b",
        "Keys of the description that do it here: c",
        "No tool here does this; the user can: kitaru d; kitaru e -f F",
        "No tool here has these options; the user can give them to the command: --g",
    ]


def test_the_commands_that_a_remedy_can_name_are_those_there_are() -> None:
    table = (ROOT / "docs" / "reference" / "faces.md").read_text()
    commands = {line.split("`")[1] for line in table.splitlines() if line.startswith("| `")}
    assert {command.partition(" ")[0] for command in commands} <= {*COMMANDS}
    assert {*COMMANDS} <= {command.partition(" ")[0] for command in commands}


def test_what_nobody_foresaw_is_an_error_without_secrets(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZENML_STORE_API_KEY", "ZENKEY_abcdefghijklmnop")

    def fail(*_: Any, **__: Any) -> Any:
        raise RuntimeError("it said ZENKEY_abcdefghijklmnop")

    monkeypatch.setattr(planning, "plan_stack", fail)

    async def say(client: Client) -> None:
        done = await client.call_tool("stack_preview", {"description": DEV})
        assert refusal(done) == "internal_error"
        assert "ZENKEY" not in done.model_dump_json()

    talk(say)


_VALUES: tuple[Any, ...] = (
    *(None, True, 0, -1, 2**70, 1.5, "", "x" * 300, "\x00\x1b[2J", "null", "[]", "../..", "é"),
    *([], [1], {}, {"name": "x"}, {"name": {"a": []}}, {"name": "dev", "extra": 5}, "dev"),
)


def test_no_argument_makes_a_tool_fail_in_an_unforeseen_way(home: Home) -> None:
    chance = random.Random(17)

    async def say(client: Client) -> None:
        tools = (await client.list_tools()).tools
        codes = set()
        for _ in range(150):
            tool = chance.choice(tools)
            keys = list(tool.input_schema["properties"])
            some = chance.sample([*keys, *keys, "other"], chance.randint(0, len(keys)))
            arguments = {key: chance.choice(_VALUES) for key in some}
            if tool.name == "stack_verify":  # which asks a cloud, as it is told
                arguments.pop("description", None)
            done = await client.call_tool(tool.name, arguments)
            if done.is_error:
                codes.add(refusal(done))
        assert codes >= {"usage_error", "description_invalid"}
        assert "internal_error" not in codes
        assert [row["name"] for row in await listed(client)] == ["default"]

    talk(say)


# -- at the same time ------------------------------------------------------------------------------


def test_twenty_calls_at_once_are_all_answered(home: Home) -> None:
    found: list[Any] = []

    async def say(client: Client) -> None:
        plans = [
            content(await client.call_tool("stack_preview", {"description": {"name": name}}))
            for name in ("one", "two", "three")
        ]

        async def read() -> None:
            found.append(content(await client.call_tool("stack_list", {})))

        async def write(plan: dict[str, Any]) -> None:
            arguments = {
                "description": {"name": plan["stacks"][0]["stack"]},
                "digest": plan["digest"],
            }
            done = await client.call_tool("stack_apply", arguments)
            found.append(done.structured_content)

        async with anyio.create_task_group() as calls:
            for plan in plans:
                calls.start_soon(write, plan)
            for _ in range(17):
                calls.start_soon(read)
        assert {row["name"] for row in await listed(client)} == {"default", "one", "two", "three"}

    talk(say)
    assert len(found) == 20


class _Gate:
    """A store whose registrations stop in the middle until they are let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached, self.open = threading.Event(), threading.Event()
        register = LocalGateway.create_stack

        def create_stack(gateway: Any, new: Any) -> Any:
            self.reached.set()
            assert self.open.wait(60)
            return register(gateway, new)

        monkeypatch.setattr(LocalGateway, "create_stack", create_stack)


@pytest.mark.parametrize("era", ERAS)
def test_a_call_that_is_cancelled_is_done_as_a_whole_or_not_at_all(
    home: Home, monkeypatch: pytest.MonkeyPatch, era: str
) -> None:
    gate = _Gate(monkeypatch)

    async def say(client: Client) -> None:
        calls = []
        for name in ("one", "two"):
            plan = content(await client.call_tool("stack_preview", {"description": {"name": name}}))
            calls.append({"description": {"name": name}, "digest": plan["digest"]})
        async with anyio.create_task_group() as under_way:
            under_way.start_soon(client.call_tool, "stack_apply", calls[0])
            await anyio.to_thread.run_sync(gate.reached.wait, 60)
            under_way.start_soon(client.call_tool, "stack_apply", calls[1])  # which waits
            await anyio.sleep(0.2)
            # Reads do not wait for writes.
            assert [row["name"] for row in await listed(client)] == ["default"]
            # In one process and the newer era the client waits for the server's thread.
            threading.Timer(0.5, gate.open.set).start()
            under_way.cancel_scope.cancel()
        with anyio.fail_after(60):
            while len(await listed(client)) == 1:
                await anyio.sleep(0.05)
        await anyio.sleep(0.5)
        assert [row["name"] for row in await listed(client)] == ["default", "one"]
        shown = content(await client.call_tool("stack_show", {"stack": "one"}))
        assert {part["role"] for part in shown["components"]} == {"runner", "storage"}

    talk(say, era=era)


def test_a_call_that_is_cancelled_before_its_first_write_changes_nothing(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kitaru_iac.stacks.reconcile import Reconciliation

    reached, go = threading.Event(), threading.Event()
    look = Reconciliation.preflight

    def preflight(state: Reconciliation) -> Any:
        reached.set()
        assert go.wait(60)
        return look(state)

    monkeypatch.setattr(Reconciliation, "preflight", preflight)

    async def say(client: Client) -> None:
        plan = content(await client.call_tool("stack_preview", {"description": DEV}))
        arguments = {"description": DEV, "digest": plan["digest"]}
        async with anyio.create_task_group() as under_way:
            under_way.start_soon(client.call_tool, "stack_apply", arguments)
            await anyio.to_thread.run_sync(reached.wait, 60)
            threading.Timer(0.5, go.set).start()  # the news is on its way meanwhile
            under_way.cancel_scope.cancel()
        # Writes queue: this one is answered when the other one has ended.
        await client.call_tool("stack_use", {"stack": "default"})
        assert [row["name"] for row in await listed(client)] == ["default"]

    talk(say)


@pytest.mark.parametrize(
    ("tool", "held"),
    [
        ("stack_delete", (recovery, "is_needed")),
        ("stack_rename", (recovery, "is_needed")),
        ("stack_use", (FallbackReader, "active")),
    ],
)
def test_what_is_cancelled_before_its_write_is_not_done(
    home: Home, monkeypatch: pytest.MonkeyPatch, tool: str, held: tuple[Any, str]
) -> None:
    """While it looks at the store, after it was found to be wanted."""
    reached, go = threading.Event(), threading.Event()
    look = getattr(*held)

    def looks(*args: Any) -> Any:
        reached.set()
        assert go.wait(60)
        return look(*args)

    async def say(client: Client) -> None:
        made = await _made(client, activate=False)
        more = {"new": "other"} if tool == "stack_rename" else {}
        arguments = {"id": made["id"], "confirmed_name": "dev", **more}
        if tool == "stack_use":
            arguments = {"stack": "dev"}
        monkeypatch.setattr(*held, looks)
        async with anyio.create_task_group() as under_way:
            under_way.start_soon(client.call_tool, tool, arguments)
            await anyio.to_thread.run_sync(reached.wait, 60)
            threading.Timer(0.5, go.set).start()  # the news is on its way meanwhile
            under_way.cancel_scope.cancel()
        monkeypatch.setattr(*held, look)
        # Writes queue: this one is answered when the other one has ended.
        await client.call_tool("stack_use", {"stack": "nothing"})
        rows = {row["name"]: row["is_active"] for row in await listed(client)}
        assert rows == {"default": True, "dev": False}

    talk(say)


# -- sizes -----------------------------------------------------------------------------------------


def test_long_answers_are_cut_and_keep_their_counts() -> None:
    rows = [{"id": str(number), "why": "because " * 100} for number in range(200)]
    document = {"items": rows, "count": 200, "total": 500, "truncated": False}
    cut = fitted(document, ("items",))
    assert size(cut) <= LIMIT
    assert (cut["count"], cut["total"], cut["truncated"]) == (200, 500, True)
    assert cut["items"]
    assert fitted({"items": rows[:2]}, ("items",)) == {"items": rows[:2]}
    odd = {"name": "x", "labels": {f"key-{n}": "v" * 50 for n in range(2000)}, "items": []}
    assert fitted(odd, ("items",)) == {"name": "x", "labels": {}, "items": [], "truncated": True}


def test_a_long_error_is_cut_too(home: Home) -> None:
    description = {"name": "x", **{f"key-{number}": 1 for number in range(2000)}}

    async def say(client: Client) -> None:
        done = await client.call_tool("stack_preview", {"description": description})
        assert refusal(done) == "description_invalid"
        assert size(done.structured_content) <= LIMIT + 100
        assert len(done.content[0].text) < 10_000

    talk(say)


def test_a_list_of_many_stacks_fits(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    from kitaru_iac.gateway.reader import BaseReader
    from kitaru_iac.gateway.views import RowPage, StackRow

    rows = tuple(StackRow(f"{n:036}", f"{'n' * 60}-{n}", False, True) for n in range(200))
    monkeypatch.setattr(BaseReader, "page", lambda *_: RowPage(rows, 1000))

    async def say(client: Client) -> None:
        found = content(await client.call_tool("stack_list", {"limit": 200}))
        assert size(found) <= LIMIT
        assert (found["count"], found["total"], found["truncated"]) == (200, 1000, True)

    talk(say, server=build())


def test_a_document_of_permissions_is_never_cut(home: Home) -> None:
    description = {"name": "prod", "type": "kubernetes", **FIVE["kubernetes"], "infra": "provision"}

    async def say(client: Client) -> None:
        found = content(await client.call_tool("stack_policy", {"description": description}))
        assert size(found) <= LIMIT
        names = [*found["policies"], *found["omitted"]]
        assert "connector" in names
        for omitted in found["omitted"]:
            part, _, identity = omitted.partition(".")
            one = {"description": description, "identity": identity}
            assert content(await client.call_tool("stack_policy", one))[part][identity]
        wrong = {"description": description, "identity": "nobody"}
        assert refusal(await client.call_tool("stack_policy", wrong)) == "not_found"

    talk(say, Mode.READ_ONLY)
