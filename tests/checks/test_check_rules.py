"""The engine of checks, rule by rule: what follows from which outcome, and both sides of limits."""

from __future__ import annotations

import itertools
import threading
from functools import partial
from typing import Any

import pytest

from kitaru_iac.checks.model import (
    Check,
    CheckInfo,
    CheckReport,
    CheckResult,
    CheckStatus,
    Verdict,
    catalog,
    fail,
    ok,
    run_checks,
    unknown,
    warn,
)
from kitaru_iac.checks.probes import (
    Denied,
    NoCredentials,
    NotFound,
    Probe,
    ProbeError,
    Skipped,
    Unavailable,
    all_of,
    in_parallel,
    outcomes_of,
    run_probes,
)
from kitaru_iac.errors import CheckFailed, ExitCode

OK, WARN, FAIL, UNKNOWN = CheckStatus
BEST_FIRST = (OK, WARN, UNKNOWN, FAIL)
DENIED = Denied("not you", "ask", permission="a:B", resource="arn:x")


def seeing(value: Any, name: str = "probe") -> Probe[Any]:
    return Probe(name, lambda *_: value)


def raising(error: BaseException, **more: Any) -> Probe[Any]:
    def run(*_: Any) -> Any:
        raise error

    return Probe("probe", run, **more)


def check(probe: Probe[Any], evaluate: Any = ok, **more: Any) -> Check:
    return Check(
        CheckInfo("x.y", "title", "text", "https://docs"), "thing", probe, evaluate, **more
    )


def checked(*checks: Check) -> CheckResult:
    (result,) = run_checks(checks)
    return result


# --- reports


def report(*statuses: CheckStatus) -> CheckReport:
    results = [
        CheckResult(f"c{n}", status, f"s{n}", f"why {n}", None if status is OK else f"mend {n}")
        for n, status in enumerate(statuses)
    ]
    return CheckReport("prod", tuple(results))


@pytest.mark.parametrize(("one", "other"), list(itertools.product(CheckStatus, repeat=2)))
def test_of_two_the_worse_is_the_worst_in_either_order(
    one: CheckStatus, other: CheckStatus
) -> None:
    assert report(one, other).worst is max(one, other, key=BEST_FIRST.index)


def test_the_worst_of_all_is_a_failure_and_of_none_is_none() -> None:
    for statuses in itertools.permutations(CheckStatus):
        assert report(*statuses).worst is FAIL
    assert report().worst is None


@pytest.mark.parametrize(
    ("statuses", "failed"),
    [
        ((), False),
        ((OK, WARN, UNKNOWN), False),
        ((FAIL,), True),
        ((OK, FAIL, FAIL), True),
    ],
)
def test_only_fail_is_a_failure(statuses: tuple[CheckStatus, ...], failed: bool) -> None:
    made = report(*statuses)
    assert made.failed is failed
    if failed:
        with pytest.raises(CheckFailed):
            made.raise_if_failed()
    else:
        made.raise_if_failed()


@pytest.mark.parametrize(
    ("statuses", "what", "why", "remedy"),
    [
        (
            (OK, FAIL, UNKNOWN),
            "1 of 3 checks of the infrastructure failed",
            "c1: s1: why 1",
            "mend 1",
        ),
        (
            (FAIL, WARN, FAIL),
            "2 of 3 checks of the infrastructure failed",
            "c0: s0: why 0\nc2: s2: why 2",
            "mend 0",
        ),
        ((FAIL,), "1 of 1 checks of the infrastructure failed", "c0: s0: why 0", "mend 0"),
    ],
)
def test_what_failed_is_named_and_the_first_remedy_given(
    statuses: tuple[CheckStatus, ...], what: str, why: str, remedy: str
) -> None:
    with pytest.raises(CheckFailed) as caught:
        report(*statuses).raise_if_failed()
    error = caught.value
    assert (error.what, error.where, error.why, error.remedy) == (what, "prod", why, remedy)
    assert error.exit_code is ExitCode.CHECK_FAILED


def test_results_are_counted_and_chosen_by_status_in_their_order() -> None:
    made = report(WARN, OK, WARN, FAIL)
    assert [made.count(status) for status in (OK, WARN, FAIL, UNKNOWN)] == [1, 2, 1, 0]
    assert [r.id for r in made.with_status(FAIL, WARN)] == ["c0", "c2", "c3"]
    assert made.with_status() == ()
    assert made.with_status(UNKNOWN) == ()


def test_the_report_as_data() -> None:
    result = CheckResult("x.y", UNKNOWN, "thing", "why", "mend", "https://docs", "a:B")
    assert CheckReport("prod", (result,)).to_dict() == {
        "stack": "prod",
        "worst": "unknown",
        "summary": {"ok": 0, "warn": 0, "fail": 0, "unknown": 1},
        "results": [
            {
                "id": "x.y",
                "status": "unknown",
                "subject": "thing",
                "why": "why",
                "remedy": "mend",
                "docs": "https://docs",
                "missing_permission": "a:B",
                "caveat": None,
            }
        ],
    }
    assert CheckReport("prod").to_dict()["worst"] is None


@pytest.mark.parametrize(
    ("made", "verdict"),
    [
        (ok("why"), Verdict(OK, "why", None, None)),
        (warn("why", "mend"), Verdict(WARN, "why", "mend", None)),
        (fail("why", "mend"), Verdict(FAIL, "why", "mend", None)),
        (unknown("why"), Verdict(UNKNOWN, "why", None, None)),
        (unknown("why", "mend", "a:B"), Verdict(UNKNOWN, "why", "mend", "a:B")),
    ],
)
def test_the_words_of_a_verdict(made: Verdict, verdict: Verdict) -> None:
    assert made == verdict


def test_a_check_can_end_in_any_status_unless_its_line_says_less() -> None:
    assert CheckInfo("x", "t", "t").can == set(CheckStatus)


# --- from an outcome to a result


@pytest.mark.parametrize(
    "verdict", [ok("a"), warn("a", "b"), fail("a", "b"), unknown("a", "b", "c:D"), unknown("a")]
)
def test_what_was_seen_is_judged_and_nothing_of_it_is_lost(verdict: Verdict) -> None:
    def on_error(_: ProbeError, __: object) -> Verdict:
        raise AssertionError("nothing was missed")

    found = checked(
        check(seeing(7), lambda seen: verdict if seen == 7 else ok("?"), on_error=on_error)
    )
    assert found == CheckResult(
        "x.y",
        verdict.status,
        "thing",
        verdict.why,
        verdict.remedy,
        "https://docs",
        verdict.missing_permission,
    )


@pytest.mark.parametrize(
    "error",
    [
        DENIED,
        NotFound("gone"),
        NoCredentials("expired", "log in"),
        Unavailable("silence", "again"),
        Skipped("unseen"),
        ProbeError("what"),
    ],
)
@pytest.mark.parametrize("on_error", [None, lambda *_: None])
def test_what_nobody_judges_is_unknown_for_the_reason_of_the_probe(
    error: ProbeError, on_error: Any
) -> None:
    found = checked(check(raising(error), on_error=on_error))
    assert (found.status, found.why) == (UNKNOWN, f"Not looked at: {error.why}")
    assert (found.remedy, found.missing_permission) == (error.remedy, error.permission)


@pytest.mark.parametrize("verdict", [warn("a", "b"), fail("a", "b"), unknown("a", "b", "c:D")])
def test_what_was_missed_may_be_judged_in_any_way_but_one(verdict: Verdict) -> None:
    found = checked(check(raising(DENIED), on_error=lambda *_: verdict))
    assert (found.status, found.why, found.remedy, found.missing_permission) == (
        verdict.status,
        verdict.why,
        verdict.remedy,
        verdict.missing_permission,
    )
    refused = checked(check(raising(DENIED), on_error=lambda *_: ok("fine")))
    assert refused.status is UNKNOWN
    assert refused.why == (
        "The evaluation itself failed: AssertionError: a check cannot be ok without an observation"
    )


@pytest.mark.parametrize("outcome", ["me", None, NoCredentials("expired")])
def test_who_is_consulted_is_told_whatever_came_of_it(outcome: Any) -> None:
    who = raising(outcome) if isinstance(outcome, ProbeError) else seeing(outcome)
    heard: list[tuple[Any, ...]] = []
    checked(check(raising(DENIED), on_error=lambda *told: heard.append(told), context=who))
    assert heard == [(DENIED, outcome)]


def test_nobody_is_consulted_for_what_was_seen_or_without_need() -> None:
    asked: list[str] = []

    def ask() -> str:
        asked.append("who")
        return "me"

    who = Probe("who", ask)
    other = Probe("other", lambda: asked.append("other"))
    heard: list[tuple[Any, ...]] = []
    run_checks(
        [
            check(seeing(1), context=other),
            check(raising(DENIED), on_error=lambda *told: heard.append(told)),
            check(raising(DENIED), on_error=lambda *told: heard.append(told), context=who),
        ]
    )
    assert asked == ["who"]
    assert heard == [(DENIED, None), (DENIED, "me")]


def test_a_probe_that_was_consulted_and_looked_at_is_asked_once() -> None:
    asked: list[int] = []

    def ask() -> str:
        asked.append(1)
        return "me"

    who = Probe("who", ask)
    first, second = run_checks(
        [
            check(who, lambda seen: ok(f"they are {seen}")),
            check(raising(DENIED), on_error=lambda _, me: fail(f"{me}", "mend"), context=who),
        ]
    )
    assert (first.why, second.why, asked) == ("they are me", "me", [1])


@pytest.mark.parametrize("where", ["probe", "inline", "context", "evaluate", "on_error"])
def test_the_text_of_a_bug_shows_no_secret(where: str) -> None:
    key = "unmarked-key-of-somebody"
    bug = RuntimeError(f"cannot log in with {key} at https://me:hunter2@host/x?sig=abc")

    def broken(*_: Any) -> Any:
        raise bug

    wrong = {
        "probe": lambda: check(raising(bug)),
        "inline": lambda: check(raising(bug, inline=True)),
        "context": lambda: check(
            raising(DENIED), on_error=lambda _, me: fail(me.why, "mend"), context=raising(bug)
        ),
        "evaluate": lambda: check(seeing(1), broken),
        "on_error": lambda: check(raising(DENIED), on_error=broken),
    }
    (found,) = run_checks([wrong[where]()], secrets=[key])
    assert "RuntimeError: cannot log in with (secret) at https://host/x" in found.why
    assert not any(text in str(found) for text in (key, "hunter2", "abc"))


@pytest.mark.parametrize("where", ["evaluate", "on_error"])
def test_a_bug_of_a_judgement_is_unknown_and_named(where: str) -> None:
    def broken(*_: Any) -> Any:
        raise KeyError("status")

    probe = seeing(1) if where == "evaluate" else raising(DENIED)
    found = checked(check(probe, broken, on_error=broken))
    assert found == CheckResult(
        "x.y",
        UNKNOWN,
        "thing",
        "The evaluation itself failed: KeyError: 'status'",
        docs="https://docs",
    )


def test_results_come_in_the_order_of_the_checks_whatever_ends_first() -> None:
    first_may_end = threading.Event()
    slow = Probe("slow", lambda: first_may_end.wait(30))
    quick = Probe("quick", first_may_end.set)
    results = run_checks([check(slow, lambda _: ok("slow")), check(quick, lambda _: ok("quick"))])
    assert [result.why for result in results] == ["slow", "quick"]
    assert run_checks([]) == ()


def test_what_a_probe_holds_open_is_closed_even_where_its_look_failed() -> None:
    closed: list[str] = []
    seen = Probe("seen", lambda: 1, close=lambda: closed.append("seen"))
    denied = raising(DENIED, close=lambda: closed.append("denied"))
    unused = Probe("unused", lambda: 1, close=lambda: closed.append("unused"))
    found = run_checks([check(seen), check(denied), check(seeing(1))])
    assert [result.status for result in found] == [OK, UNKNOWN, OK]
    assert sorted(closed) == ["denied", "seen"]
    run_checks([check(seen, context=unused)])
    assert "unused" not in closed


@pytest.mark.parametrize(
    ("made", "statuses"),
    [
        (raising(NotFound("not yet")), [OK]),
        (seeing(1, "there"), [OK, OK]),
        # Nobody knows whether it is there: what was seen of it counts.
        (raising(DENIED), [OK, OK]),
        (raising(Unavailable("503")), [OK, OK]),
    ],
)
def test_what_is_yet_to_be_made_has_no_result(made: Any, statuses: list[CheckStatus]) -> None:
    found = run_checks([check(seeing(1)), check(seeing(2), made=made)])
    assert [result.status for result in found] == statuses


def test_each_check_of_a_catalog_has_the_key_of_what_it_looks_at() -> None:
    ids = ("x.bucket.there", "x.cluster.there", "x.other.bucket")
    found = catalog([CheckInfo(one, "title", "text") for one in ids], {"bucket": "artifact_store"})
    assert list(found) == list(ids)
    assert [info.id for info in found.values()] == list(ids)
    assert [info.key for info in found.values()] == ["artifact_store", "name", "name"]


@pytest.mark.parametrize(
    ("statuses", "undecided"),
    [((), False), ((OK, WARN, FAIL), False), ((UNKNOWN,), True), ((OK, UNKNOWN, UNKNOWN), True)],
)
def test_only_unknown_is_undecided(statuses: tuple[CheckStatus, ...], undecided: bool) -> None:
    assert report(*statuses).undecided is undecided


# --- probes


def test_an_error_of_a_probe_carries_its_fields() -> None:
    assert (DENIED.why, DENIED.remedy, DENIED.permission, DENIED.resource) == (
        *("not you", "ask", "a:B", "arn:x"),
    )
    assert str(DENIED) == "not you"
    plain = ProbeError("why")
    assert (plain.remedy, plain.permission, plain.resource) == (None, None, None)


def test_a_probe_is_given_what_it_needs_and_then_what_it_asks_for() -> None:
    one, two, no = seeing(1), seeing(2), raising(DENIED)
    probe = Probe("probe", lambda *seen: seen, requires=(two, one), after=(no, one))
    outcomes = run_probes([probe])
    assert outcomes[probe] == (2, 1, DENIED, 1)
    assert set(outcomes) == {probe, one, two, no}


@pytest.mark.parametrize("inline", [True, False])
def test_the_first_need_that_failed_is_what_failed(inline: bool) -> None:
    def run(*_: Any) -> None:
        raise AssertionError("looked without what it needs")

    absent, denied, fine = raising(NotFound("gone")), raising(DENIED), seeing(1)
    probe = Probe("probe", run, requires=(fine, absent, denied), inline=inline)
    outcomes = run_probes([absent, denied, probe])
    assert outcomes[probe] is outcomes[absent]
    after = Probe("after", run, requires=(probe,), inline=inline)
    assert isinstance(run_probes([after])[after], NotFound)


@pytest.mark.parametrize("inline", [True, False])
@pytest.mark.parametrize(
    ("error", "kind", "why"),
    [
        (DENIED, Denied, "not you"),
        (Skipped("unseen"), Skipped, "unseen"),
        (KeyError("x"), Unavailable, "probe itself failed: KeyError: 'x'"),
        (OSError("no route"), Unavailable, "probe itself failed: OSError: no route"),
    ],
)
def test_whatever_a_probe_raises_is_its_outcome(
    inline: bool, error: Exception, kind: type[ProbeError], why: str
) -> None:
    probe = raising(error, inline=inline)
    outcome = run_probes([probe])[probe]
    assert type(outcome) is kind
    assert outcome.why == why


def test_what_is_known_is_not_asked_again() -> None:
    asked: list[str] = []
    seen, failed = Probe("seen", lambda: asked.append("seen")), raising(AssertionError())
    more = Probe(
        "more", lambda *told: (asked.append("more"), told)[1], requires=(seen,), after=(failed,)
    )
    known = {seen: "before", failed: DENIED}
    outcomes = run_probes([more, seen, failed], known=known)
    assert outcomes == {**known, more: ("before", DENIED)}
    assert asked == ["more"]
    assert set(known) == {seen, failed}, "what was handed over is left alone"


def test_an_inline_probe_is_carried_out_here_and_another_in_a_thread_that_holds_nobody() -> None:
    def run(*_: Any) -> tuple[bool, bool, str]:
        me = threading.current_thread()
        return me is threading.main_thread(), me.daemon, me.name

    before = seeing(0)
    here, there = Probe("here", run, requires=(before,), inline=True), Probe("there", run)
    outcomes = run_probes([here, there])
    assert outcomes[here] == (True, outcomes[here][1], outcomes[here][2])  # type: ignore[index]
    assert outcomes[there] == (False, True, "probe there")


def test_inline_probe_follow_each_other_however_they_are_ordered() -> None:
    first = Probe("first", lambda: 1, inline=True)
    second = Probe("second", lambda n: n + 1, requires=(first,), inline=True)
    third = Probe("third", lambda n: n + 1, after=(second,), inline=True)
    for order in itertools.permutations([first, second, third]):
        assert run_probes(order) == {first: 1, second: 2, third: 3}
    assert run_probes([third]) == {first: 1, second: 2, third: 3}


def test_probe_put_together_are_named_and_wait_for_each_other() -> None:
    one, two = seeing(1, "one"), seeing(2, "two")
    both = all_of(one, after=(two,))
    assert (both.name, both.requires, both.after, both.inline) == (
        "one + two",
        (one,),
        (two,),
        True,
    )
    assert run_probes([both])[both] == (1, 2)
    alone = all_of(one)
    assert (alone.name, alone.after, run_probes([alone])[alone]) == ("one", (), (1,))


@pytest.mark.parametrize(("workers", "fine"), [(-1, False), (0, False), (1, True), (2, True)])
def test_at_least_one_probe_has_to_be_under_way(workers: int, fine: bool) -> None:
    probes = [seeing(n) for n in range(3)]
    if fine:
        assert list(run_probes(probes, max_workers=workers).values()) == [0, 1, 2]
    else:
        with pytest.raises(ValueError, match="at least 1"):
            run_probes(probes, max_workers=workers)


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_as_many_probe_are_under_way_as_allowed_and_no_more(workers: int) -> None:
    """So many meet at a barrier, which they could not otherwise; and one more never starts."""
    barrier = threading.Barrier(workers, timeout=30)
    busy, most, lock = 0, 0, threading.Lock()

    def run() -> None:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        barrier.wait()
        with lock:
            busy -= 1

    probes = [Probe(str(n), run) for n in range(workers * 3)]
    outcomes = run_probes(probes, timeout=60, max_workers=workers)
    assert set(outcomes.values()) == {None}
    assert most == workers


def test_a_probe_may_take_its_time_and_no_longer() -> None:
    go_on = threading.Event()
    hanging = Probe("hanging", lambda: go_on.wait(60))
    quick, after = seeing("seen"), Probe("after", lambda: "seen after")
    try:
        outcomes = run_probes([hanging, quick, after], timeout=0.05, max_workers=1)
        given_up = outcomes[hanging]
        assert type(given_up) is Unavailable
        assert given_up.why == "hanging gave no answer within 0.05 s"
        assert given_up.remedy == "Look again, with a longer time limit."
        assert (outcomes[quick], outcomes[after]) == ("seen", "seen after")
    finally:
        go_on.set()
    # the same probe, now that it answers
    assert run_probes([hanging], timeout=30)[hanging] is True


def test_every_probe_that_hangs_is_given_up_and_no_other() -> None:
    go_on = threading.Event()
    hanging = [Probe(f"h{n}", lambda: go_on.wait(60)) for n in range(3)]
    asking = Probe("asking", lambda *seen: [type(one) for one in seen], after=tuple(hanging))
    needing = Probe("needing", lambda _: "no", requires=(hanging[1],))
    try:
        outcomes = run_probes([*hanging, asking, needing], timeout=0.05)
    finally:
        go_on.set()
    assert outcomes[asking] == [Unavailable] * 3
    assert outcomes[needing] is outcomes[hanging[1]]
    assert [outcomes[probe].why[:2] for probe in hanging] == ["h0", "h1", "h2"]


def test_the_patience_with_a_probe_is_counted_from_its_own_start() -> None:
    """One is given up while another, which began later, is waited for."""
    given_up, over = threading.Event(), threading.Event()
    hanging = Probe("hanging", lambda: over.wait(60))
    noticing = Probe("noticing", lambda _: given_up.set(), after=(hanging,), inline=True)
    before = Probe("before", lambda: over.wait(0.3))
    later = Probe("later", lambda _: given_up.wait(60), requires=(before,))
    try:
        outcomes = run_probes([hanging, noticing, later], timeout=0.6)
    finally:
        over.set()
    assert isinstance(outcomes[hanging], Unavailable)
    assert outcomes[later] is True


def test_a_probe_that_many_need_is_asked_once() -> None:
    asked: list[int] = []
    shared = Probe("shared", lambda: asked.append(1))
    needing = [Probe(str(n), lambda _: 1, requires=(shared,)) for n in range(3)]
    run_probes([shared, *needing, shared, all_of(shared, after=(shared,))])
    assert asked == [1]


# --- several calls inside one probe


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_the_results_of_calls_come_in_their_order(count: int) -> None:
    assert in_parallel([partial(int, n) for n in range(count)]) == list(range(count))


@pytest.mark.parametrize("count", [1, 2, 5])
def test_an_error_that_is_an_answer_is_not_raised(count: int) -> None:
    assert in_parallel([lambda: DENIED] * count) == [DENIED] * count
    asked: Any = outcomes_of(lambda n: failing(DENIED)() if n % 2 else n, range(count))
    assert asked == {n: DENIED if n % 2 else n for n in range(count)}


@pytest.mark.parametrize(("count", "here"), [(1, True), (2, False)])
def test_one_call_alone_needs_no_thread(count: int, here: bool) -> None:
    def me() -> tuple[bool, bool]:
        thread = threading.current_thread()
        return thread is threading.main_thread(), thread.daemon

    # a call that hangs must not hold up the end of the process
    expected = (True, False) if here else (False, True)
    assert in_parallel([me] * count) == [expected] * count


def test_several_calls_are_under_way_at_the_same_time() -> None:
    barrier = threading.Barrier(4, timeout=30)
    assert sorted(in_parallel([barrier.wait] * 4)) == [0, 1, 2, 3]


def failing(error: Exception) -> Any:
    def call() -> None:
        raise error

    return call


def test_the_first_failure_in_order_is_raised_when_all_have_ended() -> None:
    second_failed, ended = threading.Event(), []

    def first() -> None:
        assert second_failed.wait(30)
        raise DENIED

    def second() -> None:
        second_failed.set()
        raise NotFound("gone")

    def third() -> None:
        ended.append("third")

    with pytest.raises(Denied) as caught:
        in_parallel([third, first, second, third])
    assert caught.value is DENIED
    assert ended == ["third", "third"]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_failure_is_raised_as_it_is(jobs: int) -> None:
    with pytest.raises(ZeroDivisionError, match="x"):
        in_parallel([failing(ZeroDivisionError("x"))] * jobs)


def test_a_call_that_ends_without_a_result_is_no_result() -> None:
    def ends() -> None:
        raise SystemExit

    with pytest.raises(LookupError):
        in_parallel([lambda: None, ends])
