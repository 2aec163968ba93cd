"""A cluster that must not be deleted: told before anything else goes or is made."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest

from kitaru_iac.clouds.provider import Claim
from kitaru_iac.engine.errors import ResourceProtected
from kitaru_iac.infrastructure import destroy
from kitaru_iac.infrastructure.deletion_protection import require_claimed, require_unreplaced
from kitaru_iac.plan.model import Action, Layer, Step
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
    there = owned(Cloud(), State([cluster()]))
    steps = [Step(action, kind, "prod", Layer.INFRASTRUCTURE)]
    if not refuses:
        require_unreplaced(there, steps)
        return
    with pytest.raises(ResourceProtected):
        require_unreplaced(there, steps)
