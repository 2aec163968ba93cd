"""Whole verdicts as text: status, words, remedy, missing permission and caveat, in one table.

A table is a text file beside the test: for each case its name in brackets, then what is said.
Where a verdict differs, the test shows the lines as they would have to stand there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from kitaru_iac.checks.model import Check, CheckResult, Verdict, run_checks
from kitaru_iac.checks.probes import Denied, NotFound, Probe, ProbeError

__all__ = ["FakeProbes", "Table", "each", "lines", "texts", "ways"]

T = TypeVar("T")
V = TypeVar("V")


def lines(said: Verdict | CheckResult) -> str:
    """A verdict in words, whole."""
    parts = {
        said.status.value: said.why,
        "remedy": said.remedy,
        "permission": said.missing_permission,
        "caveat": said.caveat,
    }
    return "\n".join(f"{name}: {value}" for name, value in parts.items() if value is not None)


def texts(judges: Mapping[str, Callable[[], Verdict]]) -> dict[str, Callable[[], str]]:
    """The same cases, each verdict in words."""
    return {name: partial(_in_words, judge) for name, judge in judges.items()}


def _in_words(judge: Callable[[], Verdict]) -> str:
    return lines(judge())


def each(name: str, values: Iterable[V], judge: Callable[[V], T]) -> dict[str, Callable[[], T]]:
    """One case for each value, named after it."""
    return {name.format(value): partial(judge, value) for value in values}


def _plain(text: str) -> str:
    """A text in which a sighting is told without what it does not say."""
    return re.sub(r", (?:foreign|locked|removal|origin)=None|, hidden=False", "", text)


class Table:
    """The verdicts of some cases, as they should be.

    Args:
        file: Where they stand.
        cases: For each name what judges.
    """

    def __init__(self, file: Path, cases: Mapping[str, Callable[[], str]]) -> None:
        self.cases = cases
        self._file = file
        self._wanted: dict[str, str] = {}
        for block in file.read_text(encoding="utf-8").split("\n\n") if file.exists() else ():
            name, _, said = block.strip().partition("\n")
            self._wanted[name.removeprefix("[").removesuffix("]")] = said

    def judge(self, name: str) -> None:
        """Hold one case against the table."""
        found = _plain(self.cases[name]())
        assert found == self._wanted.get(name), f"In {self._file.name}:\n[{name}]\n{found}"

    def insist_on_all(self) -> None:
        """Every line of the table has its case, and they stand in one order."""
        assert list(self._wanted) == list(self.cases)


class FakeProbes:
    """Probes of a cloud whose answers are data.

    Args:
        seen: What each answers, or the error that it raises, by the attribute's name.
        methods: Those that are called to get a probe. What they are called with is told by it.
    """

    def __init__(self, seen: Mapping[str, Any], methods: Iterable[str] = ()) -> None:
        self._seen = seen
        self._methods = set(methods)
        self._made: dict[str, Probe[Any]] = {}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in self._methods:
            return lambda *given: self._probe(name, given)
        if name not in self._made:
            self._made[name] = self._probe(name)
        return self._made[name]

    def _probe(self, name: str, given: tuple[Any, ...] = ()) -> Probe[Any]:
        requires = tuple(one for one in given if isinstance(one, Probe))
        words = tuple(one for one in given if not isinstance(one, Probe))

        def run(*outcomes: Any) -> Any:
            answer = self._seen[name]
            if isinstance(answer, ProbeError):
                raise answer
            return answer(*words, *outcomes) if callable(answer) else answer

        return Probe(" ".join(map(str, (name, *words))), run, requires=requires, inline=True)


def ways(make: Callable[[Any], list[Check[object]]], methods: Iterable[str], seen: Mapping[str, Any]
         ) -> str:  # fmt: skip
    """What checks say of answers, of things that are not there, and of refusals."""
    kept = {name: seen[name] for name in ("session", "caller") if name in seen}
    refused = Denied("403 said", permission="some.permission", resource="the thing")
    told = [
        f"- {result.id} of {result.subject}\n{lines(result)}"
        for result in run_checks(make(FakeProbes(seen, methods)), 30.0)
    ]
    for way, error in (("absent", NotFound("404 said")), ("refused", refused)):
        alike: dict[str, list[str]] = {}
        answers = {**dict.fromkeys(seen, error), **kept}
        for result in run_checks(make(FakeProbes(answers, methods)), 30.0):
            alike.setdefault(lines(result), []).append(result.id)
        told += [f"- {way}: {', '.join(ids)}\n{said}" for said, ids in alike.items()]
    return "\n".join(told)
