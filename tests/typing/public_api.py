"""What a type checker tells the users of the public names. Never run: `scripts/lint` checks it."""

from __future__ import annotations

from typing import assert_type

import kitaru_iac as kitaru
from kitaru_iac.gateway.documents import StackDoc, Where
from kitaru_iac.gateway.gateway import Gateway, Reads
from kitaru_iac.gateway.in_process import InProcess
from kitaru_iac.gateway.memory import MemoryGateway


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


def wrong_calls() -> None:
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
