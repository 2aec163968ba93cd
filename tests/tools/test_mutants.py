"""The faults that tools/mutants makes are those it says, and its table fits the tree. Runs none."""

from __future__ import annotations

import ast
import json
import textwrap
from pathlib import Path

import pytest

import kitaru_iac
from tools.mutants.__main__ import arguments, chosen, in_turns
from tools.mutants.mutations import Mutant, mutants, sample
from tools.mutants.report import EQUIVALENT, Equivalents, Result, document, judged, rate
from tools.mutants.running import KILLED, SURVIVED, Ran, Task
from tools.mutants.schedule import Schedule
from tools.mutants.targets import TARGETS, TableError, Target, chosen_tests, modules

ROOT = Path(__file__).parents[2]
#: Elsewhere than the tests where those run on the wheel.
PACKAGE = Path(kitaru_iac.__file__).parent


def made(text: str) -> dict[str, str]:
    """The mutants by what they say, each with the source that it makes."""
    source = textwrap.dedent(text).encode()
    return {m.description: m.applied(source).decode() for m in mutants(source, "a.py")}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "x = a and not b",
            {
                "dropped `a` from `and`": "x = (not b)",
                "dropped `not b` from `and`": "x = (a)",
                "`and` -> `or` in `a and not b`": "x = ((a) or (not b))",
                "dropped `not` from `not b`": "x = a and (b)",
            },
        ),
        (
            "x = (a or b) and c and d",
            {
                "dropped `a or b` from `and`": "x = (c) and (d)",
                "dropped `c` from `and`": "x = (a or b) and (d)",
                "dropped `d` from `and`": "x = (a or b) and (c)",
                "`and` -> `or` in `(a or b) and c and d`": "x = (a or b) or (c) or (d)",
                "dropped `a` from `or`": "x = b and c and d",
                "dropped `b` from `or`": "x = a and c and d",
                "`or` -> `and` in `a or b`": "x = (a and b) and c and d",
            },
        ),
        (
            "x = a < b",
            {"`<` -> `<=` in `a < b`": "x = a <= b", "`<` -> `>=` in `a < b`": "x = a >= b"},
        ),
        ("x = a is not b", {"`is not` -> `is` in `a is not b`": "x = a is b"}),
        (
            "x = 'ä' in seen",
            {
                "`in` -> `not in` in `'ä' in seen`": "x = 'ä' not in seen",
                "'ä' -> 'ä~'": "x = 'ä~' in seen",
            },
        ),
        (
            "CODES = {'Gone', *('Denied',)}",
            {
                "'Gone' -> 'Gone~'": "CODES = {'Gone~', *('Denied',)}",
                "'Denied' -> 'Denied~'": "CODES = {'Gone', *('Denied~',)}",
            },
        ),
        (
            "if ready: go()",
            {
                "condition `ready` -> True": "if True: go()",
                "condition `ready` -> False": "if False: go()",
                "deleted `go()`": "if ready: pass",
            },
        ),
        ("x = [-1, True, 'a']", {"1 -> 2": "x = [-2, True, 'a']"}),
        ("def f(): return True", {"returned False": "def f(): return False"}),
        (
            "def f() -> bool: return any(a)",
            {"returned the opposite of `any(a)`": "def f() -> bool: return not any(a)"},
        ),
        ("raise Wrong(text)", {"deleted `raise Wrong(text)`": "pass"}),
        (
            "while a: break",
            {"`break` -> `continue`": "while a: continue", "deleted `break`": "while a: pass"},
        ),
        (
            "x = f(a, *b, one=c, **d)",
            {"dropped `one=c` from the call of `f`": "x = f(a, *b, **d)"},
        ),
    ],
)
def test_each_fault_is_what_it_says(source: str, expected: dict[str, str]):
    found = made(source)
    assert set(found) == set(expected)
    for said, text in expected.items():
        # Parentheses are put around whatever is moved.
        assert ast.dump(ast.parse(found[said])) == ast.dump(ast.parse(text)), said


@pytest.mark.parametrize(
    "source",
    [
        '"""Documentation of 3 things."""',
        "def f(a: Literal[1]) -> Literal[2]:\n    'One and two.'",
        "a: Annotated[int, Ge(1)]",
        "if TYPE_CHECKING:\n    import a\n    b = not a",
        "if __name__ == '__main__':\n    main(1)",
        "__all__ = ['a', 'b']",
        "Names: TypeAlias = Literal[1]",
        "_log.debug('%s', not a, extra=b)",
        "logging.getLogger('x').warning('text', stacklevel=2)",
        "progress('Looking', step=1)",
        "@dataclass(frozen=True)\nclass A:\n    b: list = field(default_factory=list)",
        "assert a is not None and b",
        "x = f'{a and b}'",
    ],
)
def test_what_no_test_should_see_is_left_alone(source: str):
    assert made(source) == {}


def test_only_its_own_place_is_changed():
    source = (PACKAGE / "records" / "owner.py").read_bytes()
    before = ast.dump(ast.parse(source))
    found = mutants(source, "owner.py")
    assert len(found) > 50
    for mutant in found[::7]:
        text = mutant.applied(source)
        assert ast.dump(ast.parse(text)) != before, mutant
        assert text.startswith(source[: mutant.start])
        assert text.endswith(source[mutant.end :])
        assert mutant.source in source.decode().splitlines()[mutant.line - 1]


GUARDED = b"""
def shown(a, b):
    if a and b:
        tell(a, 1)
    return not a

def require_changeable(a, b):
    if a == b:
        raise Refused
"""


def test_a_sample_is_the_same_each_time_and_guards_come_first():
    found = mutants(GUARDED, "a.py")
    assert {m.guards for m in found if m.line < 6} == {False}
    assert {m.guards for m in found if m.line > 6} == {True}
    three = sample(found, 3, "0:a.py")
    assert three == sample(found, 3, "0:a.py")
    assert sum(m.guards for m in three) == 2
    assert len({m.line for m in three}) == 3
    assert len({tuple(sample(found, 3, str(seed))) for seed in range(9)}) > 1
    assert sorted(map(repr, sample(found, 99, "0"))) == sorted(map(repr, found))


def test_a_sample_of_all_rooms_gives_each_its_share(tmp_path: Path):
    names = ("a.py", "b.py", "c.py")
    for name in names:
        (tmp_path / name).write_text("x = a and not b\ny = c or d\nz = e < f\n")
    paths = {Target("one", (), ()): ["a.py"], Target("two", (), ()): ["b.py", "c.py"]}

    def found(*options: str) -> list[str]:
        given = arguments(["--sample", "6", *options])
        todo, known = chosen(tmp_path, paths, given, Equivalents(""))
        assert known == []
        return [f"{target.room} {mutant.path} {mutant.description}" for target, mutant in todo]

    mine = found()
    assert mine == found()
    assert mine != found("--seed", "7")
    assert [one.split()[0] for one in mine] == ["one", "two"] * 3
    # Of a room's modules each has its turn, too.
    assert {one.split()[1] for one in mine} == set(names)


def test_what_survived_is_run_again_and_nothing_else(tmp_path: Path):
    source = "x = a and not b\n"
    (tmp_path / "a.py").write_text(source)
    first, second, *_ = mutants(source.encode(), "a.py")
    results = [Result(first, "one", "survived"), Result(second, "one", "killed")]
    file = tmp_path / "mutants.json"
    file.write_text(json.dumps(document(results, {}, {})))
    # It is found by its text, wherever the line is by then.
    (tmp_path / "a.py").write_text(f"y = c or d\n{source}")
    given = arguments(["--again", str(file), "--per-module", "1"])
    todo, _ = chosen(tmp_path, {Target("one", (), ()): ["a.py"]}, given, Equivalents(""))
    assert [(m.line, m.description) for _, m in todo] == [(2, first.description)]


def test_where_one_room_is_short_the_others_have_its_share():
    assert in_turns([[1], [2, 3, 4], [5, 6]]) == [1, 2, 5, 3, 6, 4]


@pytest.mark.parametrize("wrong", ["--sample 0", "--sample -1", "--minutes 0", "--jobs 0"])
def test_a_bound_that_is_none_is_refused(wrong: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        arguments(wrong.split())
    assert "are positive numbers" in capsys.readouterr().err


def test_the_table_fits_the_tree():
    found = modules(PACKAGE.parent)
    assert set(found) == set(TARGETS)
    assert all(chosen_tests(ROOT, target) for target in TARGETS)
    (one,) = modules(PACKAGE.parent, ["records/owner.py"]).values()
    assert one == ["kitaru_iac/records/owner.py"]
    both = modules(PACKAGE.parent, ["records/owner.py", "kitaru_iac/engine/events.py"]).values()
    assert list(both) == [one, ["kitaru_iac/engine/events.py"]]


def test_a_table_that_fits_no_more_is_refused(tmp_path: Path):
    with pytest.raises(TableError, match="matches no module"):
        modules(tmp_path)
    with pytest.raises(TableError, match="matches no test"):
        chosen_tests(tmp_path, TARGETS[0])
    with pytest.raises(TableError, match="--only"):
        modules(PACKAGE.parent, ["records/owner.py", "nothing.py"])


def one(text: str = "x = a | b and c") -> Mutant:
    return mutants(text.encode(), "a.py")[0]


def test_a_mutant_judged_equivalent_is_known_by_its_text():
    mutant = one()
    good = f"a.py | x = a | b and c | {mutant.description} | because"
    known = Equivalents(f"# a comment\n\n{good}\nb.py | x | y | moved\n")
    assert known.holds(mutant)
    assert not known.holds(one("x = a and c"))
    assert known.unused(["a.py"], all_paths=False) == []
    assert known.unused(["a.py"], all_paths=True) == ["b.py | x | y | moved"]


def test_a_time_out_counts_only_where_the_tests_are_far_quicker():
    results = [
        judged(one(), "room", "killed", 1, 1),
        judged(one(), "room", "survived", 1, 1),
        judged(one(), "room", "timed out", 30, 1),
        judged(one(), "room", "timed out", 30, 20),
        Result(one(), "room", EQUIVALENT),
    ]
    assert [result.counts for result in results] == [True, True, True, False, True]
    assert rate(results) == pytest.approx(2 / 3)
    assert rate(results[3:]) is None


ONE, TWO = Target("one", (), ()), Target("two", (), ())


def ended(task: Task | None, seconds: float, outcome: str = SURVIVED) -> Ran:
    assert task is not None
    return Ran(task, outcome, seconds, 0, frozenset({"a"}), "1 passed")


def test_the_time_of_a_room_is_taken_when_its_first_fault_is_due():
    schedule = Schedule([(ONE, one()), (TWO, one()), (ONE, one())], 100)
    begun = schedule.next()
    assert begun == Task(ONE, 1000)
    schedule.timed(ended(begun, 4), ["a.py"])
    assert schedule.next() == Task(ONE, 40, one())  # ten times what they need
    begun = schedule.next()
    assert begun == Task(TWO, 1000)
    # A second copy has nothing to wait for: the next fault of a room whose time is known.
    assert schedule.next() == Task(ONE, 40, one())
    assert schedule.next() is None
    schedule.timed(ended(begun, 1), ["a.py"])
    assert schedule.next() == Task(TWO, 30, one())
    assert schedule.next() is None
    assert schedule.seconds == {"one": 4, "two": 1}


def test_a_limit_is_never_longer_than_the_longest():
    schedule = Schedule([(ONE, one())], 100)
    schedule.timed(ended(schedule.next(), 30), ["a.py"])
    assert schedule.next() == Task(ONE, 100, one())


def test_a_room_whose_tests_fail_is_left_out_and_its_faults_are_not_counted():
    schedule = Schedule([(ONE, one()), (TWO, one()), (ONE, one())], 100)
    schedule.timed(ended(schedule.next(), 4, KILLED), ["a.py"])
    assert (schedule.failed, schedule.faults, schedule.seconds) == ({"one"}, 1, {})
    assert schedule.next() == Task(TWO, 1000)
    assert schedule.next() is None


@pytest.mark.slow
def test_only_the_time_is_taken_where_no_fault_is_asked_for():
    schedule = Schedule([], 100, [ONE, TWO])
    begun = [schedule.next(), schedule.next()]
    assert begun == [Task(ONE, 1000), Task(TWO, 1000)]
    for task in begun:
        schedule.timed(ended(task, 2), [])
    assert schedule.next() is None
    assert schedule.seconds == {"one": 2, "two": 2}
