"""Run the command in this process, which is fast; `home.kitaru` runs it as a process of its own."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one document on stdout."""
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def error(self) -> dict[str, Any]:
        """The one document on stderr."""
        assert self.out == ""
        found: dict[str, Any] = json.loads(self.err)
        return found["error"]


Kitaru = Callable[..., Result]


@pytest.fixture
def without_zenml(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process of its own: ZenML is not loaded, and so no command writes through it."""
    monkeypatch.delitem(sys.modules, "zenml", raising=False)


@pytest.fixture
def kitaru(monkeypatch: pytest.MonkeyPatch) -> Kitaru:
    """`kitaru("stack", "list")` in this process."""
    from kitaru_iac.cli.main import run

    def call(*arguments: str, input: str = "") -> Result:
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            patch.setattr(sys, "stdin", io.StringIO(input))
            code = run(list(arguments), "kitaru")
            out.flush()
            err.flush()
        return Result(
            code,
            out.buffer.getvalue().decode(),
            err.buffer.getvalue().decode(),  # type: ignore[attr-defined]
        )

    return call
