"""What of a plan an agent is shown."""

from __future__ import annotations

from kitaru_iac.mcp.plans import brief
from kitaru_iac.plan.document import changes
from kitaru_iac.plan.model import Action, Change, Layer, Step


def test_what_new_infrastructure_is_given_is_left_out_and_nothing_else() -> None:
    given = (Change("bucket", None, "x"), Change("key", None, "(secret)", sensitive=True))
    shown = [
        Step(action, "aws:s3/bucket:Bucket", action.value, layer, given)
        for layer in Layer
        for action in (Action.CREATE, Action.UPDATE, Action.REPLACE)
    ]
    whole = changes(shown)
    left = [one["address"] for one, other in zip(brief(whole), whole, strict=True) if one != other]
    assert left == ["infrastructure/aws:s3/bucket:Bucket/create"]
    (made,) = [one for one in brief(whole) if one["address"] == left[0]]
    assert (made["actions"], made["changed"], made["sensitive"]) == (["create"], [], [])
