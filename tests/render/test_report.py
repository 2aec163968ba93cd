from __future__ import annotations

from kitaru_iac.checks.model import CheckReport, CheckResult, CheckStatus
from kitaru_iac.render.report import markdown, several, summary, text

OK, WARN, FAIL, UNKNOWN = CheckStatus
REPORT = CheckReport(
    "prod",
    (
        CheckResult("aws.credentials", OK, "own", "they are me"),
        CheckResult("aws.bucket.exists", FAIL, "s3://b", "no such bucket", "aws s3api create"),
        CheckResult("aws.bucket.region", UNKNOWN, "s3://b", "not looked at", "aws s3api create"),
        CheckResult("aws.bucket.tls_only", WARN, "s3://b", "plain", "aws `x` | y", "https://d"),
    ),
)


def test_text_is_aligned_and_shows_reason_and_remedy_of_what_is_not_ok() -> None:
    assert "\n".join(text(REPORT)) == (
        "✓ ok       aws.credentials      own\n"
        "✗ fail     aws.bucket.exists    s3://b\n"
        "           no such bucket\n"
        "           → aws s3api create\n"
        "? unknown  aws.bucket.region    s3://b\n"
        "           not looked at\n"
        "           (remedy: as for aws.bucket.exists)\n"
        "! warn     aws.bucket.tls_only  s3://b\n"
        "           plain\n"
        "           → aws `x` | y\n"
        "4 checks of stack prod: 1 failed, 1 unknown, 1 with a warning, 1 ok."
    )


def test_the_caveat_of_an_ok_is_shown_everywhere() -> None:
    limited = CheckResult("aws.role.pass", OK, "me", "I may", caveat="policies of <b> unread")
    plain = CheckResult("aws.credentials", OK, "own", "they are me")
    report = CheckReport("prod", (limited, plain))
    assert "\n".join(text(report)) == (
        "✓ ok       aws.role.pass    me\n"
        "           policies of <b> unread\n"
        "✓ ok       aws.credentials  own\n"
        "2 checks of stack prod: 2 ok."
    )
    shown = markdown(report)
    assert shown.index("policies of") < shown.index("<details><summary>1 ok</summary>")
    assert "<b>" not in shown
    assert report.to_dict()["results"][0]["caveat"] == "policies of <b> unread"  # type: ignore[index]


def test_colour_comes_from_the_style_alone() -> None:
    lines = list(text(REPORT, lambda text, *names: f"<{'/'.join(names)}>{text}"))
    assert lines[0].startswith("<green>✓ ok")
    assert lines[1].startswith("<red>✗ fail")


def test_markdown_has_the_worst_first_and_folds_what_is_ok() -> None:
    shown = markdown(REPORT)
    assert shown.index("aws.bucket.exists") < shown.index("aws.bucket.region")
    assert shown.index("aws.bucket.region") < shown.index("aws.bucket.tls_only")
    assert "<details><summary>1 ok</summary>" in shown
    assert "[`aws.bucket.tls_only`](https://d)" in shown
    assert "  ```sh\n  aws `x` | y\n  ```" in shown


def test_nothing_in_a_report_becomes_markup() -> None:
    nasty = CheckReport(
        "a`b", (CheckResult("c", FAIL, "s``|", "<script>*x*\n# y", "```\nrm\n```"),)
    )
    shown = markdown(nasty)
    assert "<script>" not in shown
    assert "\n# y" not in shown
    assert "````sh" in shown


def test_an_empty_report_says_why() -> None:
    empty = CheckReport("dev")
    assert summary(empty) == "Nothing to check: stack dev is all on this machine."
    assert list(text(empty)) == [summary(empty)]
    assert "Nothing to check" in markdown(empty)


def test_of_several_stacks_the_worst_comes_first_and_all_are_counted() -> None:
    fine = CheckReport("fine", (CheckResult("aws.credentials", OK, "own", "they are me"),))
    shown = several([CheckReport("dev"), fine, REPORT], 64_000)
    assert "❌ 1 failed, ❔ 1 unknown, ⚠️ 1 with a warning, ✅ 2 ok." in shown
    order = ["| `prod` | 1 | 1 | 1 | 1 |", "| `fine` |  |  |  | 1 |", "| `dev` |  |  |  |  |"]
    assert [line for line in shown.splitlines() if line.startswith("| `")] == order
    assert shown.endswith("\n\n" + markdown(REPORT) + "\n" + markdown(fine))
    assert "Nothing to check" in several([CheckReport("dev")], 64_000)


def test_a_comment_of_many_stacks_fits_with_what_failed() -> None:
    bad = [
        CheckReport(f"bad{number}", (CheckResult("aws.bucket.exists", FAIL, "s", "w" * 500, "x"),))
        for number in range(200)
    ]
    fine = [
        CheckReport(f"fine{number}", (CheckResult("aws.credentials", OK, "own", "w" * 500),))
        for number in range(200)
    ]
    whole = several([*fine, *bad], 1_000_000)
    assert "Not all of it fits" not in whole
    without_ok = several([*fine, *bad], len(whole) - 1)
    assert without_ok.count("Not all of it fits") == 1
    assert without_ok.count("w" * 500) == 200
    for limit in (64_000, 5_000, 300):
        cut = several([*fine, *bad], limit)
        assert len(cut) <= limit
        assert cut.count("Not all of it fits") == 1
        assert "❌ 200 failed, ✅ 200 ok." in cut
    assert 50 < several([*fine, *bad], 64_000).count("w" * 500) < 200
