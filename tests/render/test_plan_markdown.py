"""A plan's document as Markdown: what stands where, what cannot become markup, how it is cut."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kitaru_iac.notices import KitaruWarning, PartShared
from kitaru_iac.plan.document import StackPlan, document
from kitaru_iac.plan.model import HIDDEN, Action, Change, Layer, Plan, Reason, Step
from kitaru_iac.render.mermaid import picture
from kitaru_iac.render.plan_markdown import LIMIT, headline, markdown
from tests.plan.samples import SAMPLES

PLAN = StackPlan(
    Plan(
        "prod",
        (
            Step(Action.CREATE, "aws:s3/bucket:Bucket", "data", Layer.INFRASTRUCTURE),
            Step(
                Action.UPDATE,
                "artifact_store",
                "prod",
                changes=(
                    Change("path", "s3://a/old", "s3://a/new"),
                    Change("size", None, 3),
                    Change("region", "eu-west-1"),
                    Change("key", HIDDEN, HIDDEN, sensitive=True),
                ),
                used_by=("stack test",),
            ),
            Step(
                Action.REPLACE,
                "service_connector",
                "prod",
                reason="another method",
                code=Reason.FORCED,
            ),
            Step(Action.KEEP, "orchestrator", "prod"),
            Step(Action.ACTIVATE, "stack", "prod"),
        ),
        (PartShared("It is *shared*."),),
    ),
    {"name": "prod"},
    checks=(
        {"id": "b.c", "status": "unknown", "subject": "s3://x", "why": "Denied."},
        {"id": "b.d", "status": "ok", "subject": "s3://x", "why": "It is."},
    ),
)


def test_one_stack() -> None:
    plan = document([PLAN])
    assert markdown(plan).splitlines() == [
        "### Plan for stack `prod`",
        "",
        "1 to create, 2 to update, 1 to replace.",
        "",
        "> [!CAUTION]",
        "> This plan deletes or replaces:",
        "> - **replace** `records/service_connector` of stack `prod`",
        "",
        "| Action | What | Name | Why |",
        "| --- | --- | --- | --- |",
        "| create | `aws:s3/bucket:Bucket` | `data` |  |",
        "| update | artifact store | `prod` | used by stack test |",
        "| **create then delete** | service connector | `prod` | another method |",
        "| keep | orchestrator | `prod` |  |",
        "| update | active stack | `prod` |  |",
        "",
        "<details><summary>4 fields that differ</summary>",
        "",
        "- `records/artifact_store` `path`: `s3://a/old` → `s3://a/new`",
        "- `records/artifact_store` `size`: `3`",
        "- `records/artifact_store` `region`: `eu-west-1` → (removed)",
        "- `records/artifact_store` `key`: another secret",
        "",
        "</details>",
        "",
        "<details><summary>Picture</summary>",
        "",
        "```mermaid",
        *picture(plan["stacks"][0]).splitlines(),
        "```",
        "",
        "</details>",
        "",
        "**Checks**",
        "",
        "- **unknown** `b.c` `s3://x`: Denied.",
        "",
        "**Warnings**",
        "",
        "- It is \\*shared\\*.",
        "",
        "> [!WARNING]",
        "> Not everything could be looked at: this plan is not complete.",
        "",
        f"<sub>Digest `{plan['digest']}`, format 1.0</sub>",
    ]


def test_no_changes_is_short() -> None:
    plan = document([StackPlan(Plan("prod", (Step(Action.KEEP, "stack", "prod"),)))])
    assert headline(plan) == "No changes."
    assert markdown(plan).splitlines()[:4] == [
        "### Plan for stack `prod`",
        "",
        "No changes.",
        "",
    ]
    assert "mermaid" not in markdown(plan)
    assert "|" not in markdown(plan)


def test_several_stacks_have_a_table_and_a_failure_is_said() -> None:
    text = markdown(document(SAMPLES["several-and-a-failure"]))
    assert "| `dev` | 1 |  |  |  |  |" in text
    assert "| `prod` |  |  |  |  | no plan |" in text
    assert "| `same` |  |  |  |  | no changes |" in text
    assert "**Stack `prod` has no plan**: The name is taken" in text
    assert "1 to create, 1 without a plan." in text


NASTY = "a|b`c`\n| x | <img src=x onerror=1> **bold** @team [x](http://evil) </details> ```"


def test_nothing_in_a_value_becomes_markup() -> None:
    step = Step(Action.DELETE, "stack", NASTY, changes=(Change(NASTY, NASTY, NASTY),), reason=NASTY)
    step = replace(step, used_by=(NASTY,))
    nasty = StackPlan(
        Plan(NASTY, (step,), (PartShared(NASTY),)),
        checks=({"id": NASTY, "status": "fail", "subject": NASTY, "why": NASTY},),
    )
    lines = markdown(document([nasty, replace(nasty, plan=Plan("b"), error={"code": "x"})]))
    rows = [line for line in lines.splitlines() if line.startswith("| **delete**")]
    assert [row.replace("\\|", "").count("|") for row in rows] == [5]
    for line in lines.splitlines():
        bare = outside_code(line)
        assert "<img" not in bare
        assert "**bold" not in bare
        assert " @team" not in bare
    drawn = lines.partition("```mermaid\n")[2].partition("\n```")[0]
    assert "<img" not in drawn
    assert "`" not in drawn
    assert lines.count("</details>") - lines.count("`</details>") >= 2


def outside_code(line: str) -> str:
    """A line without its code spans."""
    bare, rest = "", line
    while rest:
        before, tick, after = rest.partition("`")
        bare += before
        if not tick:
            break
        fence = 1 + len(after) - len(after.lstrip("`"))
        span = after[fence - 1 :]
        end = find_fence(span, fence)
        rest = span[end:] if end else ""
    return bare


def find_fence(text: str, length: int) -> int:
    """Where the first run of exactly so many backticks ends; 0 where there is none."""
    at = 0
    while at < len(text):
        run = len(text[at:]) - len(text[at:].lstrip("`"))
        if run == length:
            return at + run
        at += run or 1
    return 0


def big(stacks: int, steps: int, action: Action = Action.UPDATE) -> dict[str, Any]:
    field = Change("configuration.path", "s3://bucket/old" * 4, "s3://bucket/new" * 4)
    return document(
        [
            StackPlan(
                Plan(
                    f"stack-{n:03}",
                    tuple(Step(action, "x", f"part-{m}", changes=(field,)) for m in range(steps)),
                )
            )
            for n in range(stacks)
        ]
    )


@pytest.mark.parametrize(
    ("size", "left_out"),
    [
        ((1, 10), None),
        ((1, 280), "the pictures"),
        ((200, 5), "the fields that differ, and what stays as it is"),
        ((200, 12), "everything but counts and deletions"),
        ((1, 4000), "most stacks and parts"),
        ((1500, 1, Action.DELETE), "most stacks and parts"),
    ],
)
def test_a_long_plan_is_cut_and_says_so(
    size: tuple[int, int] | tuple[int, int, Action], left_out: str | None
) -> None:
    plan = big(*size)
    text = markdown(plan)
    assert len(text) <= LIMIT
    if left_out is None:
        assert "too long" not in text
    else:
        assert f"Left out: {left_out}." in text
    assert text.rstrip().endswith(f"<sub>Digest `{plan['digest']}`, format 1.0</sub>")
    assert text.count("<details>") == text.count("</details>")
    assert headline(plan) in text


@pytest.mark.parametrize(
    ("long", "left_out"),
    [
        (Plan("s", (Step(Action.CREATE, "x", "p", reason="r" * 70_000),)), "most stacks and parts"),
        (Plan("s", warnings=(KitaruWarning("@" * 10_000),) * 30), "most stacks and parts"),
        (Plan("s", (Step(Action.CREATE, "x", "@|" * 40_000),)), "everything but counts"),
    ],
    ids=["a reason", "warnings", "a name"],
)
def test_one_long_text_is_cut_too(long: Plan, left_out: str) -> None:
    text = markdown(document([StackPlan(long)]))
    assert len(text) <= LIMIT
    assert f"Left out: {left_out}." in text
    assert "Digest `sha256:" in text


def test_two_hundred_stacks_with_deletions_all_stand_on_top() -> None:
    text = markdown(big(200, 1, Action.DELETE))
    assert text.count("> - **delete**") == 200


def test_a_picture_shows_each_part_and_what_is_done_to_it() -> None:
    (entry,) = document(SAMPLES["create"])["stacks"]
    drawn = picture(entry)
    assert drawn.splitlines()[:4] == [
        "flowchart LR",
        '  stack["stack: prod"]:::create',
        '  stack --> r0["service connector: prod"]:::create',
        '  stack --> r1["orchestrator: prod"]:::create',
    ]
    assert 'c0["Bucket: kitaru-prod-1"]:::create' in drawn
