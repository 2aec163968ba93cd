"""How stacks are, as text and Markdown: each word of drift and health, and what is left unsaid."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.render import drift, health
from kitaru_iac.render.source import SourceFile, in_repository


def item(*actions: str, **more: Any) -> dict[str, Any]:
    plain = {"kind": "artifact_store", "name": "dev", "layer": "records"}
    return {
        **plain,
        "actions": list(actions),
        "changed": [],
        "sensitive": [],
        "unknown": [],
        **more,
    }


def look(finding: str, layer: str = "records", why: str | None = None) -> dict[str, Any]:
    return {"layer": layer, "finding": finding, "why": why}


def stack(finding: str, *drift: Mapping[str, Any], name: str = "prod") -> dict[str, Any]:
    return {"stack": name, "finding": finding, "drift": list(drift), "looks": [look("none")]}


def marked(text: str, *styles: str) -> str:
    return f"<{','.join(styles)} {text}>"


RESOURCES = {"kind": "aws:s3/bucket:Bucket", "layer": "infrastructure", "name": "data"}


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (
            item("create"),
            "<green + artifact store dev: is in the stack, and was not applied>",
        ),
        (item("delete"), "<red - artifact store dev: is not in the stack any more>"),
        (item("update"), "<yellow ~ artifact store dev: is otherwise>"),
        (item("replace"), "<yellow ~ artifact store dev: is otherwise>"),
        (item("delete", "create"), "<yellow ~ artifact store dev: is otherwise>"),
        (
            item("create", **RESOURCES),
            "<green + aws:s3/bucket:Bucket data: is there, and was not applied>",
        ),
        (item("delete", **RESOURCES), "<red - aws:s3/bucket:Bucket data: is not there any more>"),
        (item("update", **RESOURCES), "<yellow ~ aws:s3/bucket:Bucket data: is otherwise>"),
        # A type of Pulumi's keeps its own name.
        (
            item("update", **RESOURCES | {"kind": "x:y_z:A_b"}),
            "<yellow ~ x:y_z:A_b data: is otherwise>",
        ),
    ],
)
def test_each_difference_says_what_became_of_which_thing(found: dict[str, Any], line: str) -> None:
    assert list(drift.details(stack("drift", found), marked)) == [f"  {line}"]


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({}, "path was unset, is s3://b"),
        ({"sensitive": ["path"]}, "path is otherwise (its value is secret)"),
        ({"sensitive": ["path"], "unknown": ["path"]}, "path is otherwise (its value is secret)"),
        ({"unknown": ["path"]}, "path is otherwise"),
        ({"sensitive": ["other"], "unknown": ["another"]}, "path was unset, is s3://b"),
    ],
)
def test_a_value_is_told_unless_it_is_secret_or_not_known(more: dict[str, Any], line: str) -> None:
    changed = [{"path": "path", "before": None, "after": "s3://b"}]
    found = stack("drift", item("update", changed=changed, **more))
    assert list(drift.details(found))[1:] == [f"      {line}"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "unset"), ("a", "a"), (3, "3"), (True, "true"), (["ä"], '["ä"]'), (Path("x"), '"x"')],
)
def test_values_are_told_as_json_and_texts_as_they_are(value: object, text: str) -> None:
    changed = [{"path": "p", "before": value, "after": value}]
    (_, line) = drift.details(stack("drift", item("update", changed=changed)))
    assert line == f"      p was {text}, is {text}"


def test_what_could_not_be_looked_at_is_said_beside_what_differs() -> None:
    looks = [look("unknown", "infrastructure", "no *engine*"), look("drift")]
    found = {**stack("unknown", item("delete")), "looks": looks}
    assert list(drift.lines([found], marked)) == [
        "<bold prod: unknown>",
        "  <red - artifact store dev: is not in the stack any more>",
        "  ? infrastructure: no *engine*",
        "<bold 1 unknown.>",
    ]
    assert drift.one_markdown(found) == (
        "```text\n  - artifact store dev: is not in the stack any more\n```\n\n"
        "Unknown, infrastructure: no \\*engine\\*\n"
    )


def test_several_stacks_are_counted_the_worst_first() -> None:
    found = [stack("none", name="a"), stack("drift", item("delete"), name="b"), stack("none")]
    assert drift.summary(found) == "1 with drift, 2 as applied."
    assert list(drift.lines(found[:1])) == ["a: no drift", "1 as applied."]
    told = drift.markdown(found)
    assert told.startswith("### Drift\n\n1 with drift, 2 as applied.\n\n| Stack | Result |\n")
    assert (
        "| --- | --- |\n| `a` | ✅ no drift |\n| `b` | ⚠️ drift |\n| `prod` | ✅ no drift |" in told
    )
    assert told.count("####") == 1  # only what is not as applied has more to say
    assert told.endswith("```\n")
    assert "| `u` | ❔ unknown |" in drift.markdown([stack("unknown", name="u")])


@pytest.mark.parametrize("room", [drift, health])
def test_without_a_stack_there_is_one_line_and_no_table(room: Any) -> None:
    assert room.summary([]) == "There is no stack that Kitaru made."
    assert list(room.lines([])) == ["There is no stack that Kitaru made."]
    assert "|" not in room.markdown([])


def check(status: str, remedy: str | None = None, id: str = "aws.bucket.exists") -> dict[str, Any]:
    return {"status": status, "id": id, "subject": "b", "why": "it *is*", "remedy": remedy}


def healthy(state: str, *checks: dict[str, Any], why: str | None = None, **more: Any) -> Any:
    return {**stack("none"), "state": state, "checks": list(checks), "why": why, **more}


def test_of_checks_what_is_not_ok_is_told_the_failures_first() -> None:
    found = healthy(
        "failed", check("warn"), check("ok"), check("unknown"), check("fail", "one\ntwo")
    )
    assert list(health.lines([found], marked)) == [
        "<bold prod: failed>",
        "  <red ✗> aws.bucket.exists  b: it *is*",
        "      → one",
        "      → two",
        "  <cyan ?> aws.bucket.exists  b: it *is*",
        "  <yellow !> aws.bucket.exists  b: it *is*",
        "<bold 1 failed.>",
    ]
    assert health.markdown([found]) == (
        "### Health\n\n1 failed.\n\n| Stack | Result |\n| --- | --- |\n| `prod` | ❌ failed |\n\n"
        "#### `prod`\n\n"
        "- fail `aws.bucket.exists` `b`: it \\*is\\*\n"
        "- unknown `aws.bucket.exists` `b`: it \\*is\\*\n"
        "- warn `aws.bucket.exists` `b`: it \\*is\\*\n"
    )


def test_checks_that_could_not_be_made_are_unknown_and_said() -> None:
    found = healthy("unknown", why="no *login*")
    assert list(health.lines([found])) == [
        "prod: unknown",
        "  ? checks: no *login*",
        "1 unknown.",
    ]
    assert health.markdown([found]).endswith("#### `prod`\n\n- unknown, checks: no \\*login\\*\n")


def test_a_healthy_stack_is_a_row_and_no_more() -> None:
    found = healthy("healthy", check("ok"))
    assert list(health.lines([found])) == ["prod: healthy", "1 healthy."]
    assert health.markdown([found]).endswith("| `prod` | ✅ healthy |\n")


def test_health_holds_the_drift_too_and_counts_it() -> None:
    found = healthy("drift", drift=[item("delete")])
    assert health.summary([found, healthy("healthy"), healthy("failed")]) == (
        "1 failed, 1 with drift, 1 healthy."
    )
    assert "  - artifact store dev: is not in the stack any more" in list(health.lines([found]))
    told = health.markdown([found])
    assert "| `prod` | ⚠️ drift |" in told
    assert told.endswith("```text\n  - artifact store dev: is not in the stack any more\n```\n")


@pytest.mark.parametrize(
    ("check", "lines", "line"),
    [
        ("a.b", {"region": 4, "name": 2}, 4),
        ("a.b", {"name": 2}, 2),  # the file does not decide that key
        ("a.c", {"region": 4, "name": 2}, 2),  # no key says what it looks at
        ("a.b", {}, 1),
        ("a.b", {"extra": 7}, 1),
    ],
)
def test_a_check_has_the_line_of_its_key_or_of_the_stack(
    check: str, lines: dict[str, int], line: int
) -> None:
    assert SourceFile("a.yaml", lines, {"a.b": "region"}).line(check) == line


@pytest.mark.parametrize(
    ("path", "uri"),
    [("a b.yaml", "a%20b.yaml"), ("/x/a b.yaml", "file:///x/a%20b.yaml"), ("x/a", "x/a")],
)
def test_a_path_is_a_uri_reference(path: str, uri: str) -> None:
    assert SourceFile(path).uri == uri


def test_a_file_is_named_from_the_top_of_its_repository_or_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top, other = tmp_path / "top", tmp_path / "other"
    for folder in (top / "inner" / "stacks", top / ".git", other):
        folder.mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "other")
    assert in_repository(top / "inner" / "stacks" / "a.yaml") == "inner/stacks/a.yaml"
    assert in_repository(Path("a.yaml")) == "a.yaml"
    assert in_repository(tmp_path / "a.yaml") == (tmp_path / "a.yaml").as_posix()
    (top / "inner" / ".git").write_text("gitdir: elsewhere")  # a work tree of its own
    assert in_repository(top / "inner" / "stacks" / "a.yaml") == "stacks/a.yaml"
