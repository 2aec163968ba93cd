"""A cluster that must not be deleted: told before anything else goes or is made."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from kitaru_iac.clouds.provider import Claim
from kitaru_iac.engine.errors import ResourceProtected
from kitaru_iac.infrastructure import destroy, provision
from kitaru_iac.infrastructure.deletion_protection import (
    guards_any,
    require_claimed,
    require_unreplaced,
)
from kitaru_iac.plan.model import Action, Layer, Step
from kitaru_iac.spec import from_mapping
from tests.infrastructure.test_ownership_rules import (
    BUCKET,
    Cloud,
    Ended,
    State,
    ours,
    owned,
    resource,
    theirs,
)

CLUSTER = "cloud:Cluster"


def cluster(*, on: bool = True) -> dict[str, Any]:
    return resource(CLUSTER, "prod", inputs={"name": "prod", "deletionProtection": on})


class Going(State):
    """Nothing is written to it, and it ends when something would go."""

    def settle(self) -> None:
        pass

    def destroy(self) -> Any:
        raise Ended


@pytest.mark.parametrize("run", [destroy.preview_destroy, destroy.destroy_infrastructure])
def test_nothing_goes_with_a_cluster_that_must_stay(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = Cloud({(BUCKET, "data"): ours("data"), (CLUSTER, "prod"): ours("prod")})
    there = owned(account, Going([resource(BUCKET, "data"), cluster()]))
    monkeypatch.setattr(destroy, "existing", lambda *_: nullcontext(there))
    with pytest.raises(ResourceProtected, match="prod is protected") as refused:
        run({}, include_protected=True, delete_data=True)
    assert "`infrastructure: {deletion_protection: false}`" in str(refused.value.remedy)


@pytest.mark.parametrize("run", [destroy.preview_destroy, destroy.destroy_infrastructure])
@pytest.mark.parametrize("is_there", [True, False])
def test_nor_with_one_that_a_run_has_all_but_made(
    run: Any, monkeypatch: pytest.MonkeyPatch, *, is_there: bool
) -> None:
    """What is agreed to is not refused after it: the plan sees what the run takes over."""
    account = Cloud({(CLUSTER, "prod"): ours("prod")} if is_there else {})
    there = owned(account, Going([resource(BUCKET, "data")], [{**cluster(), "id": ""}]))
    monkeypatch.setattr(destroy, "existing", lambda *_: nullcontext(there))
    expected = (
        pytest.raises(ResourceProtected, match=r"^prod is protected")
        if is_there
        else (nullcontext() if run is destroy.preview_destroy else pytest.raises(Ended))
    )
    with expected:
        run({})


@pytest.mark.parametrize(("on", "sight"), [(False, ours("prod")), (True, theirs("prod"))])
def test_what_may_go_or_stays_anyway_does_not_stop_the_deletion(
    on: bool, sight: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = owned(Cloud({(CLUSTER, "prod"): sight}), Going([cluster(on=on)]))
    monkeypatch.setattr(there.engine, "set_protection", lambda *_: None, raising=False)
    monkeypatch.setattr(destroy, "existing", lambda *_: nullcontext(there))
    with pytest.raises(Ended):
        destroy.destroy_infrastructure({})


@pytest.mark.parametrize(
    ("claim", "on", "refuses"),
    [
        (Claim(CLUSTER, {"name": "prod"}), True, False),
        (Claim(CLUSTER, {"name": "other"}), True, True),
        (Claim(BUCKET, {"name": "prod"}), True, True),
        (Claim(BUCKET, {"name": "prod"}), False, False),
    ],
)
def test_a_description_without_it_is_refused_before_anything_is_made(
    claim: Claim, on: bool, refuses: bool
) -> None:
    there = owned(Cloud(), State([cluster(on=on)]))
    if not refuses:
        require_claimed(there, [claim])
        return
    with pytest.raises(ResourceProtected, match="Nothing was changed"):
        require_claimed(there, [claim])


@pytest.mark.parametrize(
    ("action", "kind", "refuses"),
    [
        (Action.REPLACE, CLUSTER, True),
        (Action.DELETE, CLUSTER, True),
        (Action.UPDATE, CLUSTER, False),
        (Action.REPLACE, BUCKET, False),
    ],
)
def test_a_plan_that_replaces_it_is_refused(action: Action, kind: str, refuses: bool) -> None:
    steps = [Step(action, kind, "prod", Layer.INFRASTRUCTURE)]
    # The option is in the state, or the cloud's own lock was seen.
    locked = {CLUSTER: replace(ours("prod"), locked="deletion_protection")}
    of_state = (owned(Cloud(), State([cluster()])), {})
    of_cloud = (owned(Cloud(), State([])), locked)
    for there, seen in (of_state, of_cloud):
        assert guards_any(there, seen)
        if not refuses:
            require_unreplaced(there, steps, seen)
            continue
        with pytest.raises(ResourceProtected):
            require_unreplaced(there, steps, seen)


@pytest.mark.parametrize("on", [True, False])
def test_a_run_plans_before_it_replaces(on: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """`up` would delete what stands on the cluster before the provider refuses its deletion."""
    done: list[str] = []

    class Engine(State):
        def exists(self) -> bool:
            return True

        def preview(self, **_: object) -> Any:
            done.append("preview")
            step = Step(Action.REPLACE, CLUSTER, "prod", Layer.INFRASTRUCTURE)
            return SimpleNamespace(steps=lambda: (step,))

        def up(self, **_: object) -> Any:
            done.append("up")
            raise Ended

    engine = Engine([cluster(on=on)])
    claim = Claim(CLUSTER, {"name": "prod"})
    account = Cloud({(CLUSTER, "prod"): ours("prod")})
    target = SimpleNamespace(
        names={}, program=None, account=account, plugins=(), outputs={}, place={},
        claims=(claim,), notes=(), makes_anything=True, passing=None,
    )  # fmt: skip
    made_by = SimpleNamespace(target=lambda _: target, place_of=None)
    loaded = SimpleNamespace(load=lambda: made_by)
    monkeypatch.setattr(provision.registry, "provisioning", lambda _: loaded)
    monkeypatch.setattr(provision, "opened", lambda *_: nullcontext(engine))
    monkeypatch.setattr(provision, "configured", lambda *_, **__: owned(account, engine))
    monkeypatch.setattr(provision, "require_same_place", lambda *_: None)
    spec = from_mapping({"name": "prod", "type": "sagemaker", "region": "eu-west-1",
                         "infra": "provision"})  # fmt: skip
    with pytest.raises(ResourceProtected if on else Ended):
        provision.provision(spec)
    assert done == (["preview"] if on else ["up"])
