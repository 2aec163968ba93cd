"""What holds data and is not protected: a plan that takes it is refused before anything is done."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from kitaru_iac.engine.errors import ResourceProtected
from kitaru_iac.infrastructure import provision
from kitaru_iac.infrastructure.held_data import require_kept
from kitaru_iac.plan.model import Action, Layer, Step
from tests.infrastructure.running import described, stand_in
from tests.infrastructure.test_ownership_rules import BUCKET, Cloud, Ended, State, owned, resource

URN = f"urn:pulumi:prod::kitaru::{BUCKET}::"


def step(action: Action, kind: str = BUCKET, key: str = "data") -> Step:
    return Step(action, kind, "team-data", Layer.INFRASTRUCTURE, key=key)


def bucket(key: str = "data", **more: Any) -> dict[str, Any]:
    return resource(BUCKET, "team-data", urn=f"{URN}{key}", **more)


FULL = Cloud(contents={"team-data": "it holds objects"})
SHARED = Cloud(shared={"team-data": "it has a colleague's vault"})


@pytest.mark.parametrize(
    ("account", "state", "planned", "why"),
    [
        (FULL, bucket(), step(Action.DELETE), "team-data: it holds objects"),
        (FULL, bucket(), step(Action.REPLACE), "team-data: it holds objects"),
        (SHARED, bucket(), step(Action.DELETE), "team-data: it has a colleague's vault"),
        (FULL, bucket(), step(Action.UPDATE), None),
        (FULL, bucket(), step(Action.DELETE, key="other"), None),
        (FULL, bucket(), step(Action.DELETE, kind="cloud:Role"), None),
        (Cloud(), bucket(), step(Action.DELETE), None),
        # The engine refuses the one, and only forgets the other.
        (FULL, bucket(protect=True), step(Action.DELETE), None),
        (FULL, bucket(retainOnDelete=True), step(Action.DELETE), None),
    ],
)
def test_a_plan_takes_no_data_with_it(
    account: Cloud, state: Mapping[str, Any], planned: Step, why: str | None
) -> None:
    there = owned(account, State([dict(state)]))
    if why is None:
        require_kept(there, [planned])
        return
    with pytest.raises(ResourceProtected, match="Nothing was changed") as refused:
        require_kept(there, [planned])
    assert refused.value.why == why
    assert "--delete-data" in str(refused.value.remedy)


@pytest.mark.parametrize(
    ("run", "kept", "done"),
    [
        (provision.preview_infrastructure, True, ["preview"]),
        (provision.preview_infrastructure, False, ["preview"]),
        # What a description keeps is protected: the engine sees to that without a plan before.
        (provision.provision, True, ["up"]),
        (provision.provision, False, ["preview"]),
    ],
)
def test_a_run_that_may_take_data_plans_first(
    run: Any, kept: bool, done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    class Engine(State):
        def exists(self) -> bool:
            return True

        def preview(self, **_: object) -> Any:
            seen.append("preview")
            return SimpleNamespace(steps=lambda: (step(Action.REPLACE),))

        def up(self, **_: object) -> Any:
            seen.append("up")
            raise Ended

    stand_in(monkeypatch, Engine([bucket()]), FULL)
    with pytest.raises(Ended if done == ["up"] else ResourceProtected):
        run(described(infrastructure={"keep_data": kept}))
    assert seen == done
