"""What a type checker tells the users of the public names. Never run: `scripts/lint` checks it."""

from __future__ import annotations

from pathlib import Path
from typing import assert_type

import kitaru_iac as kitaru
from kitaru_iac.gateway.documents import StackDoc, Where
from kitaru_iac.gateway.gateway import Gateway, Reads
from kitaru_iac.gateway.in_process import InProcess
from kitaru_iac.gateway.memory import MemoryGateway
from kitaru_iac.testing import local_aws, local_store


def stacks() -> None:
    made = kitaru.create_stack("prod", "kubernetes", activate=False, region="eu-west-1")
    assert_type(made, kitaru.StackInfo)
    assert_type(made.id, str)
    assert_type(made.name, str)
    assert_type(made.is_active, bool)
    assert_type(kitaru.current_stack(), kitaru.StackInfo)
    assert_type(kitaru.list_stacks(limit=5, page=2), list[kitaru.StackInfo])
    assert_type(kitaru.use_stack("prod"), kitaru.StackInfo)
    kitaru.delete_stack("prod", recursive=True, force=False)
    kitaru.create_stack("dev", extra={"orchestrator": {"synchronous": False}})


def operations() -> None:
    description = {"name": "prod", "type": "kubernetes", "region": "eu-west-1"}
    planned = kitaru.preview(description, progress=print)
    assert_type(planned, kitaru.StackPlan)
    assert_type(planned.plan.has_changes, bool)
    assert_type(planned.digest, str)
    assert_type(kitaru.apply(Path("stack.yaml"), plan=planned), kitaru.Applied)
    assert_type(kitaru.apply(description).changed, bool)
    assert_type(kitaru.verify("prod"), kitaru.CheckReport)
    assert_type(kitaru.verify(Path("stack.yaml")).failed, bool)
    assert_type(kitaru.policy(description), dict[str, object])
    assert_type(kitaru.show_stack(), kitaru.StackView)
    assert_type(kitaru.delete("prod", recursive=True), kitaru.Deleted)
    assert_type(kitaru.drift("prod"), tuple[kitaru.StackDrift, ...])
    assert_type(kitaru.health(), tuple[kitaru.StackHealth, ...])
    assert_type(kitaru.export("prod"), kitaru.Exported)


def tests_of_users() -> None:
    with local_store() as store, local_aws("210987654321") as aws:
        assert_type(store.environment(), dict[str, str])
        assert_type(aws.environment(), dict[str, str])
        aws.create(Path("stack.yaml"))
        aws.create({"name": "prod"})
        aws.create("prod")  # type: ignore[arg-type]


@kitaru.flow(stack="prod", cache=False, retries=2)
def agent(topic: str) -> str:
    return topic


@kitaru.flow
def other() -> None: ...


def flows() -> None:
    handle = agent.run("weather", stack="prod", image={"base_image": "python:3.11"})
    assert_type(handle, kitaru.FlowHandle)
    assert_type(handle.exec_id, str)
    assert_type(handle.wait(timeout=5), object)
    other.run(retries="2")  # type: ignore[arg-type]
    kitaru.configure(stack=None, retries=1)
    kitaru.configure(stack=5)  # type: ignore[arg-type]
    with kitaru.stack("prod") as bound:
        assert_type(bound.name, str)


def wrong_calls() -> None:
    kitaru.preview("prod")  # type: ignore[arg-type]
    kitaru.apply({"name": "x"}, plan="sha256:1")  # type: ignore[arg-type]
    kitaru.delete("prod", True)  # type: ignore[call-arg]
    kitaru.create_stack("dev", activate="yes")  # type: ignore[arg-type]
    kitaru.list_stacks(5)  # type: ignore[call-arg]
    kitaru.use_stack(5)  # type: ignore[arg-type]


def errors(error: kitaru.KitaruError) -> None:
    assert_type(error.what, str)
    assert_type(error.why, str | None)
    assert_type(error.remedy, str | None)
    assert_type(error.exit_code, kitaru.ExitCode)
    if isinstance(error, kitaru.DescriptionError):
        assert_type(error.problems, tuple[kitaru.Problem, ...])
    if isinstance(error, kitaru.RegistrationFailed):
        assert_type(error.left, tuple[str, ...])


def adapters(memory: MemoryGateway, in_process: InProcess) -> None:
    for gateway in (memory, in_process):
        whole: Gateway = gateway
        reads: Reads = gateway
        assert_type(whole.stacks(Where(names=("dev",))), list[StackDoc])
        assert_type(reads.version, str)
