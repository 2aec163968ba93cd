"""The faces of a plan."""

from __future__ import annotations

from kitaru_iac.plan.model import Action, Change, Layer, Plan, Step
from kitaru_iac.render.plan import markdown, summary, text

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
    assert markdown(Plan("prod")) == (
        "### Plan for stack `prod`\n\nNo changes: stack prod is as described.\n"
    )


def test_markdown():
    removed = "`region`: `eu-west-1` → (removed)"
    assert markdown(PLAN).splitlines() == [
        "### Plan for stack `prod`",
        "",
        "1 to create, 1 to update, 1 to replace, 1 kept, becomes the active stack.",
        "",
        "| Action | What | Name | Changes |",
        "| --- | --- | --- | --- |",
        "| create | `aws:s3/bucket:Bucket` | `data` |  |",
        "| update | artifact store | `prod` | `path`: `s3://a/old` → `s3://a/new`<br>`size`: `3` |",
        f"| **replace** | service connector | `prod` | {removed}<br>another method |",
        "| keep | orchestrator | `prod` |  |",
        "| activate | stack | `prod` |  |",
        "",
        "**Warnings**",
        "",
        "- The location is not used.",
    ]


def test_nothing_in_a_value_becomes_markup():
    nasty = "a|b`c`\n| x | <img src=x onerror=1> **bold** @team [x](http://evil)"
    plan = Plan(
        nasty,
        (Step(Action.UPDATE, "stack", nasty, changes=(Change("f", nasty, nasty),), reason=nasty),),
        (nasty,),
    )
    lines = markdown(plan).splitlines()
    row = next(line for line in lines if line.startswith("| update"))
    assert row.replace("\\|", "").count("|") == 5
    assert len([line for line in lines if line.startswith("|")]) == 3
    reason = row.rpartition("<br>")[2]
    assert "<img" not in reason
    assert "**bold" not in reason
    assert "\\@team" in reason
    assert lines[-1].startswith("- a\\|b\\`c\\`")


def test_a_code_span_has_a_fence_that_its_text_does_not_have():
    plan = Plan("x", (Step(Action.CREATE, "stack", "``a`"),))
    assert "| ``` ``a` ``` |" in markdown(plan)
