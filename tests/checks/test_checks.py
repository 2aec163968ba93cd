from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from kitaru_iac.checks.model import (
    Check,
    CheckInfo,
    CheckReport,
    CheckResult,
    CheckStatus,
    Verdict,
    fail,
    ok,
    run_checks,
    unknown,
    warn,
)
from kitaru_iac.checks.probes import (
    Denied,
    NotFound,
    Probe,
    ProbeError,
    Unavailable,
    all_of,
    run_probes,
)
from kitaru_iac.errors import CheckFailed, ExitCode

OK, WARN, FAIL, UNKNOWN = CheckStatus


def _check(probe: Probe[Any], evaluate: Any = lambda seen: ok(f"saw {seen}"), **more: Any) -> Check:
    return Check(
        CheckInfo("x.y", "title", "text", "https://docs"), "thing", probe, evaluate, **more
    )


def _raising(error: Exception) -> Probe[Any]:
    def run() -> Any:
        raise error

    return Probe("probe", run)


# --- judging


def test_a_result_carries_what_the_judgement_and_the_catalog_say() -> None:
    (result,) = run_checks([_check(Probe("probe", lambda: 1), lambda seen: fail("bad", "mend"))])
    assert result == CheckResult("x.y", FAIL, "thing", "bad", "mend", "https://docs")


@pytest.mark.parametrize(
    "error",
    [Denied("no", permission="a:B"), NotFound("gone"), Unavailable("silence"), ProbeError("what")],
)
def test_without_an_observation_nothing_is_judged_and_the_check_is_unknown(
    error: ProbeError,
) -> None:
    def evaluate(_: Any) -> Verdict:
        raise AssertionError("judged without an observation")

    (result,) = run_checks([_check(_raising(error), evaluate)])
    assert result.status is UNKNOWN
    assert error.why in result.why
    assert result.missing_permission == error.permission


def test_a_failed_probe_cannot_be_called_ok() -> None:
    (result,) = run_checks([_check(_raising(NotFound("gone")), on_error=lambda *_: ok("fine"))])
    assert result.status is UNKNOWN
    assert "cannot be ok" in result.why


def test_a_failed_probe_can_be_judged_a_failure() -> None:
    (result,) = run_checks([_check(_raising(NotFound("gone")), on_error=lambda *_: fail("a", "b"))])
    assert result.status is FAIL


def test_what_is_consulted_is_told_and_only_asked_where_a_probe_failed() -> None:
    asked: list[str] = []

    def run() -> str:
        asked.append("who")
        return "me"

    who = Probe("who", run)
    good = _check(Probe("good", lambda: 1), context=who)
    bad = _check(_raising(Denied("no")), on_error=lambda e, w: unknown(f"{w}: {e}"), context=who)

    assert run_checks([good])[0].status is OK
    assert asked == []
    assert run_checks([good, bad, bad])[2].why == "me: no"
    assert asked == ["who"]


def test_a_bug_in_one_judgement_hides_no_other_result() -> None:
    def broken(_: Any) -> Verdict:
        raise KeyError("status")

    probe = Probe("probe", lambda: 1)
    first, second = run_checks([_check(probe, broken), _check(probe)])
    assert (first.status, second.status) == (UNKNOWN, OK)
    assert "KeyError" in first.why


def test_a_bug_in_one_probe_hides_no_other_result() -> None:
    first, second = run_checks([_check(_raising(TypeError("x"))), _check(Probe("l", lambda: 1))])
    assert (first.status, second.status) == (UNKNOWN, OK)
    assert "TypeError" in first.why


# --- probing


def test_a_probe_shared_by_many_is_asked_once() -> None:
    asked: list[int] = []

    def run() -> str:
        asked.append(1)
        return "seen"

    shared = Probe("shared", run)
    second = Probe("second", lambda seen: seen + "!", requires=(shared,))
    results = run_checks([_check(shared), _check(second), _check(shared)])
    assert [result.why for result in results] == ["saw seen", "saw seen!", "saw seen"]
    assert asked == [1]


def test_all_probe_are_under_way_at_the_same_time() -> None:
    barrier = threading.Barrier(8, timeout=30)
    probes = [Probe(str(n), barrier.wait) for n in range(8)]
    outcomes = run_probes(probes, timeout=60)
    assert {outcomes[probe] for probe in probes} == set(range(8))


def test_no_more_probe_are_under_way_than_allowed() -> None:
    busy, most, lock = 0, 0, threading.Lock()
    enough = threading.Event()

    def run() -> None:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        enough.wait(0.02)
        with lock:
            busy -= 1

    run_probes([Probe(str(n), run) for n in range(9)], max_workers=3)
    assert most <= 3


def test_a_dependent_probe_waits_for_its_own_alone() -> None:
    first_done, other_may_end = threading.Event(), threading.Event()
    first = Probe("first", first_done.set)
    dependent = Probe("dependent", lambda _: other_may_end.set(), requires=(first,))
    # Ends only after the dependent probe was carried out: it would hang if it held that one up.
    slow = Probe("slow", lambda: other_may_end.wait(30))
    outcomes = run_probes([slow, dependent], timeout=60)
    assert outcomes[slow] is True


def test_a_failed_probe_fails_what_needs_it_and_is_told_to_what_asks_for_it() -> None:
    gone = _raising(NotFound("gone"))
    needing = Probe("needing", lambda _: "no", requires=(gone,))
    asking = Probe("asking", lambda seen: type(seen).__name__, after=(gone,))
    outcomes = run_probes([needing, asking])
    assert isinstance(outcomes[needing], NotFound)
    assert outcomes[asking] == "NotFound"


def test_probe_are_put_together_in_order() -> None:
    one, two = Probe("one", lambda: 1), Probe("two", lambda: 2)
    both = all_of(one, after=(two, _raising(Denied("no"))))
    seen: Any = run_probes([both])[both]
    assert seen[:2] == (1, 2)
    assert isinstance(seen[2], Denied)


def test_a_hanging_probe_is_left_behind_and_the_others_are_seen() -> None:
    forever = threading.Event()
    hanging = Probe("hanging", lambda: forever.wait(120))
    after = Probe("after", lambda _: 1, requires=(hanging,))
    quick = Probe("quick", lambda: "seen")
    # One worker: the hanging probe gives up its place when its time is over.
    outcomes = run_probes([hanging, after, quick], timeout=0.1, max_workers=1)
    forever.set()
    assert isinstance(outcomes[hanging], Unavailable)
    assert "within 0.1 s" in outcomes[hanging].why
    assert outcomes[after] is outcomes[hanging]
    assert outcomes[quick] == "seen"


def test_an_answer_that_comes_too_late_changes_nothing() -> None:
    late, go_on = threading.Event(), threading.Event()

    def run_late() -> str:
        late.wait(30)
        go_on.set()
        return "late"

    slow = Probe("slow", run_late)

    def run_other(_: Any) -> bool:
        """Carried out after the slow one was given up; lets the late answer arrive meanwhile."""
        late.set()
        return go_on.wait(30)

    other = Probe("other", run_other, after=(slow,))
    outcomes = run_probes([slow, other], timeout=0.2)
    assert isinstance(outcomes[slow], Unavailable)


# --- the report


def _report(*statuses: CheckStatus) -> CheckReport:
    return CheckReport(
        "prod", tuple(CheckResult(f"c{n}", s, "it", "why", "fix") for n, s in enumerate(statuses))
    )


@pytest.mark.parametrize(
    ("statuses", "worst"),
    [
        ((), None),
        ((OK, OK), OK),
        ((OK, WARN), WARN),
        ((WARN, UNKNOWN, OK), UNKNOWN),
        ((UNKNOWN, FAIL, WARN), FAIL),
    ],
)
def test_the_worst_of_a_report(statuses: tuple[CheckStatus, ...], worst: CheckStatus) -> None:
    assert _report(*statuses).worst is worst


def test_only_a_failure_is_a_failure() -> None:
    _report(OK, WARN, UNKNOWN).raise_if_failed()
    with pytest.raises(CheckFailed, match="1 of 2 checks") as caught:
        _report(OK, FAIL).raise_if_failed()
    assert caught.value.exit_code is ExitCode.CHECK_FAILED
    assert caught.value.remedy == "fix"
    assert "c1" in (caught.value.why or "")


def test_the_report_as_json_has_the_same_keys_always() -> None:
    shown = json.loads(json.dumps(_report(OK, FAIL).to_dict()))
    assert shown["worst"] == "fail"
    assert shown["summary"] == {"ok": 1, "warn": 0, "fail": 1, "unknown": 0}
    assert {tuple(result) for result in shown["results"]} == {
        ("id", "status", "subject", "why", "remedy", "docs", "missing_permission", "caveat")
    }
    assert CheckReport("dev").to_dict()["worst"] is None


def test_the_words_of_verdicts() -> None:
    assert [v.status for v in (ok("a"), warn("a", "b"), fail("a", "b"), unknown("a"))] == [
        OK,
        WARN,
        FAIL,
        UNKNOWN,
    ]


# --- letting go


@pytest.mark.parametrize("error", [None, NotFound("gone"), ValueError("a bug")])
def test_what_a_probe_opened_is_closed_once_when_the_run_is_over(error: Exception | None) -> None:
    """Also where it failed itself, or is needed by nothing but the context of another failure."""
    done: list[str] = []

    def opened() -> str:
        if error is not None:
            raise error
        return "session"

    def asked(_: str) -> Any:
        done.append("asked")
        raise Denied("no")

    def caller(_: str) -> str:
        done.append("context")
        return "me"

    session = Probe("session", opened, close=lambda: done.append("closed"))
    question = Probe("question", asked, requires=(session,))
    context = Probe("caller", caller, requires=(session,))
    run_checks([_check(question, context=context), _check(question)])
    assert done == [*(["asked", "context"] if error is None else []), "closed"]


def test_a_probe_that_hangs_holds_up_no_closing() -> None:
    closed, go_on = threading.Event(), threading.Event()
    session = Probe("session", lambda: 1, close=closed.set)
    hanging = Probe("hanging", lambda _: go_on.wait(60), requires=(session,))
    (result,) = run_checks([_check(hanging)], timeout=0.2)
    go_on.set()
    assert (result.status, closed.is_set()) == (UNKNOWN, True)
