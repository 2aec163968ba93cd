"""What is shown while the engine works."""

from __future__ import annotations

import io
from typing import Any

import pytest
from pulumi.automation import EngineEvent
from rich.console import Console

from kitaru_iac.engine.progress import LinesView, LiveView, View, as_view, terminal_view

BUCKET = "urn:pulumi:s::p::kitaru:aws:Infrastructure$aws:s3/bucket:Bucket::stack-bucket"
STACK = "urn:pulumi:s::p::pulumi:pulumi:Stack::p-s"


def event(kind: str, op: str, urn: str = BUCKET, *, planning: bool = False) -> EngineEvent:
    token = urn.split("::")[2].rsplit("$", 1)[-1]
    state = {"type": token, "urn": urn, "custom": urn == BUCKET,
             "inputs": {"word": "hush"}, "outputs": {"word": "hush"}}  # fmt: skip
    metadata = {"op": op, "urn": urn, "type": token, "new": state}
    return EngineEvent.from_json({kind: {"metadata": metadata, "planning": planning}})


def all_events() -> list[EngineEvent]:
    return [
        event("resourcePreEvent", "create", STACK),
        event("resourcePreEvent", "create"),
        event("resOutputsEvent", "create"),
        event("resourcePreEvent", "update"),
        event("resOpFailedEvent", "update"),
        event("resourcePreEvent", "same"),
        event("resOutputsEvent", "same"),
        event("resOutputsEvent", "refresh"),
        event("resOutputsEvent", "create", planning=True),
        event("resOutputsEvent", "create", STACK),
    ]


def test_lines_say_what_is_done() -> None:
    said: list[str] = []
    view = as_view(said.append)
    with view:
        for one in all_events():
            view.take(one)
    assert said == ["created Bucket stack-bucket", "failed to update Bucket stack-bucket"]


def test_nobody_is_told_without_a_listener() -> None:
    view = as_view(None)
    with view:
        for one in all_events():
            view.take(one)
        view("a line")
    assert type(view) is View


def test_a_live_view_shows_what_is_under_way_and_then_what_is_done() -> None:
    written = io.StringIO()
    view = LiveView(Console(file=written, force_terminal=True, width=80))
    with view:
        view.take(event("resourcePreEvent", "create"))
        view._live.refresh()
        assert "creating Bucket stack-bucket" in written.getvalue()
        view.take(event("resOutputsEvent", "create"))
        view("a line")
    text = written.getvalue()
    assert "created Bucket stack-bucket" in text
    assert "a line" in text
    assert "hush" not in text


def test_a_view_is_its_own_callable() -> None:
    view = LinesView(lambda _: None)
    assert as_view(view) is view


def test_only_a_terminal_gets_a_live_view(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def say(line: str) -> None:
        del line

    assert terminal_view(say) is say

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(terminal_view(say), LiveView)
    monkeypatch.setenv("TERM", "dumb")
    shown: Any = terminal_view(say)
    assert shown is say
