"""An apply looks at what exists once: for its plan, and not again when it is carried out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.errors import KitaruError
from kitaru_iac.gateway.memory import MemoryGateway, installed
from kitaru_iac.infrastructure.results import InfrastructureResult
from kitaru_iac.notices import LeftToDo, NotReadyYet
from kitaru_iac.plan.model import Action, Layer, Step
from kitaru_iac.spec import from_mapping
from kitaru_iac.stacks import operations, planning
from kitaru_iac.stacks.reconcile import Reconciliation

SPEC = from_mapping({"name": "dev", "activate": False})
BUCKET = Step(Action.CREATE, "aws:s3/bucket:Bucket", "b", Layer.INFRASTRUCTURE)
WHEN = 17.0


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[tuple[bool, Any]]]:
    """Each preparation: whether it only plans, and when what exists is said to have been fit."""
    seen: list[tuple[bool, Any]] = []

    def prepare(spec: Any, *, dry_run: bool, checked: Any = None, **_: object) -> Any:
        seen.append((dry_run, checked))
        return InfrastructureResult(spec, (BUCKET,), {}, checked=WHEN)

    monkeypatch.setattr(operations, "prepare", prepare)
    monkeypatch.setattr(planning, "prepare", prepare)
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path))
    with installed(MemoryGateway()):
        yield seen


@pytest.mark.parametrize("confirm", [None, lambda _: True], ids=["yes", "asked"])
def test_an_apply_hands_on_when_it_looked(looks: list[tuple[bool, Any]], confirm: Any) -> None:
    operations.apply(SPEC, confirm=confirm)
    assert looks == [(True, None), (False, WHEN)]


def test_so_does_one_of_a_plan_that_was_just_made(looks: list[tuple[bool, Any]]) -> None:
    planned = planning.plan_stack(SPEC)
    assert "checked" not in planned.to_dict()
    planning.apply_planned(SPEC, planned)
    assert looks == [(True, None), (True, WHEN), (False, WHEN)]


LATE = NotReadyYet("the account cannot be used yet")
LEFT = LeftToDo("make the namespace")


@pytest.mark.parametrize("run", [operations.create, operations.apply])
@pytest.mark.parametrize("fails", [False, True])
def test_what_is_to_be_known_of_what_was_made_is_told(
    run: Any, fails: bool, looks: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def prepare(spec: Any, *, dry_run: bool, **_: object) -> Any:
        return InfrastructureResult(spec, (BUCKET,), {}, warnings=() if dry_run else (LATE, LEFT))

    def refused(*_: object) -> Any:
        raise KitaruError("the connector reaches nothing", why="403")

    monkeypatch.setattr(operations, "prepare", prepare)
    if not fails:
        assert {LATE, LEFT} <= set(run(SPEC).warnings)
        return
    monkeypatch.setattr(Reconciliation, "verify", refused)
    with pytest.raises(KitaruError, match="reaches nothing") as told:
        run(SPEC)
    assert told.value.why == f"403\n{LATE}"
