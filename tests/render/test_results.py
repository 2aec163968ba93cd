"""What became of stacks, as Markdown: what failed first, and never longer than a comment may be."""

from __future__ import annotations

from typing import Any

from kitaru_iac.render.results import markdown


def outcome(name: str, status: str, message: str | None = None) -> dict[str, Any]:
    return {"name": name, "status": status, "error": message and {"message": message}}


def test_what_failed_comes_first_and_nothing_is_markup() -> None:
    found = [outcome("a", "applied"), outcome("b|c", "failed", "no <b>\n| x")]
    assert markdown(found, 3).splitlines() == [
        "### Applied stacks",
        "",
        "1 applied, 1 failed, 1 not begun.",
        "",
        "| Stack | Result | Why |",
        "| --- | --- | --- |",
        r"| <code>b\|c</code> | ❌ failed | no &lt;b&gt; \| x |",
        "| `a` | ✅ applied |  |",
    ]
    assert markdown(found, 3, 1000) == markdown(found, 3)


def test_warnings_are_said_too() -> None:
    warned = outcome("a", "unchanged") | {"result": {"warnings": [{"code": "c", "message": "<x>"}]}}
    assert "| `a` | ➖ unchanged | &lt;x&gt; |" in markdown([warned], 1)


def test_of_two_hundred_failures_each_is_named_and_of_thousands_as_many_as_fit() -> None:
    failed = [outcome(f"bad-{n:04}", "failed", "|" * 3000) for n in range(100)]
    fine = [outcome(f"good-{n:04}", "applied") for n in range(100)]
    text = markdown([*fine, *failed], 200, 64_000)
    assert len(text) <= 64_000
    assert text.count("❌ failed") == 100
    assert text.count("✅ applied") == 100
    assert "100 applied, 100 failed." in text
    assert "the job's log has the rest" in text
    many = markdown([*fine * 100, *failed], 10_100, 64_000)
    assert len(many) <= 64_000
    assert many.endswith("|  |\n")
    assert many.count("❌ failed") == 100
    assert "10000 applied, 100 failed." in many
