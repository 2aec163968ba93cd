"""A server that stops answering at any request of a command: exit code 6, or what is left."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from kitaru_iac.errors import ExitCode, KitaruError, NotConnectedError
from kitaru_iac.gateway.http import AnswerLost
from kitaru_iac.gateway.memory import installed
from kitaru_iac.stacks import operations
from tests.stacks.interrupts import WRITES, contents
from tests.stacks.test_interrupts import CASES, ends

ASKED = (
    *("stacks", "components", "connectors", "connector_with_secrets", "flavors", "connector_types"),
    *("field_errors", "verify_connector"),
)


class Stopping:
    """A gateway that gives no answer to one request, or to that one and all later ones."""

    def __init__(self, inner: Any, at: int | None = None, *, for_good: bool = False) -> None:
        self.inner = inner
        self.at = at
        self.for_good = for_good
        self.count = 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        if name not in (*ASKED, *WRITES):
            return found

        def ask(*arguments: Any, **more: Any) -> Any:
            number, self.count = self.count, self.count + 1
            if self.at is not None and (number == self.at or (self.for_good and number > self.at)):
                raise AnswerLost("No answer") if name in WRITES else NotConnectedError("No answer")
            return found(*arguments, **more)

        return ask


@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for good"])
@pytest.mark.parametrize("case", CASES)
def test_a_request_without_an_answer_ends_as_not_connected(case: str, for_good: bool) -> None:
    found = ends(CASES[case], is_local=False)
    counted = Stopping(copy.deepcopy(found.store))
    with installed(counted):  # type: ignore[arg-type]
        CASES[case].work()
    for at in range(counted.count):
        store = copy.deepcopy(found.store)
        error: KitaruError | None = None
        try:
            with installed(Stopping(store, at, for_good=for_good)):  # type: ignore[arg-type]
                CASES[case].work()
        except KitaruError as raised:
            error = raised
        where = f"request {at} of {counted.count}: {type(error).__name__} {error}"
        holds = contents(store)
        if error is None:
            assert holds == found.after, where
            continue
        assert error.exit_code in {ExitCode.NOT_CONNECTED, ExitCode.FAILED}, where
        assert error.exit_code == ExitCode.NOT_CONNECTED or error.left, where
        if holds not in (found.before, found.after):
            assert error.left, where
        with installed(store):
            operations.clean()
