"""The faces of a plan."""

from __future__ import annotations

from kitaru_iac.plan.model import Action, Change, Layer, Plan, Step
from kitaru_iac.render.plan import summary, text

PLAN = Plan(
    "prod",
    (
        Step(Action.CREATE, "aws:s3/bucket:Bucket", "data", Layer.INFRASTRUCTURE),
        Step(
            Action.UPDATE,
            "artifact_store",
            "prod",
            changes=(Change("path", "s3://a/old", "s3://a/new"), Change("size", None, 3)),
        ),
        Step(
            Action.REPLACE,
            "service_connector",
            "prod",
            changes=(Change("region", "eu-west-1"),),
            reason="another method",
        ),
        Step(Action.KEEP, "orchestrator", "prod"),
        Step(Action.ACTIVATE, "stack", "prod"),
    ),
    ("The location is not used.",),
)


def test_text():
    assert list(text(PLAN)) == [
        "Plan for stack prod:",
        "  Infrastructure",
        "  + create   aws:s3/bucket:Bucket data",
        "  Records",
        "  ~ update   artifact store prod",
        "      path: s3://a/old → s3://a/new",
        "      size: 3",
        "  ± replace  service connector prod  (another method)",
        "      region: eu-west-1 → (removed)",
        "    keep     orchestrator prod",
        "  > activate stack prod",
        "Warning: The location is not used.",
        "1 to create, 1 to update, 1 to replace, 1 kept, becomes the active stack.",
    ]


def test_nothing_to_do():
    same = Plan("prod", (Step(Action.KEEP, "stack", "prod"),))
    assert summary(same) == "No changes: stack prod is as described."
    assert list(text(Plan("prod"))) == ["No changes: stack prod is as described."]


def test_a_plan_of_no_description_has_words_of_its_own():
    none = "No infrastructure would be deleted."
    kept = Step(Action.KEEP, "aws:s3/bucket:Bucket", "data", Layer.INFRASTRUCTURE, reason="held")
    assert list(text(Plan("prod", (kept,)), unchanged=none)) == [
        "Plan for stack prod:",
        "    keep     aws:s3/bucket:Bucket data  (held)",
        none,
    ]
    assert list(text(Plan("prod"), unchanged=none)) == [none]
    assert list(text(PLAN, unchanged=none)) == list(text(PLAN))
