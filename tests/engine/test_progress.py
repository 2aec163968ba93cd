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
    assert said == [
        "bucket stack-bucket: created (0 s)",
        "bucket stack-bucket: updating failed (0 s)",
    ]


def named(kind: str, id: str | None = None) -> EngineEvent:
    one = event(kind, "create")
    metadata = (one.resource_pre_event or one.res_outputs_event or one.res_op_failed_event).metadata  # type: ignore[union-attr]
    metadata.new.id = id  # type: ignore[union-attr]
    return one


@pytest.mark.parametrize(
    ("names", "id", "called"),
    [
        ({"stack-bucket": "team-data-3f2a"}, None, "team-data-3f2a"),
        ({"stack-bucket": "team-data-3f2a"}, "other", "team-data-3f2a"),
        ({}, "team-data-3f2a", "team-data-3f2a"),
        ({"another": "x"}, None, "stack-bucket"),
    ],
)
def test_a_line_has_the_clouds_name_and_how_long_it_took(
    names: dict[str, str], id: str | None, called: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    view = as_view(said.append)
    view.names = names
    clock = iter([100.0, 112.4, 200.0, 263.0])
    monkeypatch.setattr("kitaru_iac.engine.progress.time.monotonic", lambda: next(clock))
    for kind in ("resourcePreEvent", "resOutputsEvent", "resourcePreEvent", "resOpFailedEvent"):
        view.take(named(kind, id))
    assert said == [
        f"bucket {called}: created (12 s)",
        f"bucket {called}: creating failed (63 s)",
    ]


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        ("aws:eks/nodeGroup:NodeGroup", "node group"),
        ("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "role policy attachment"),
        ("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
         "bucket server side encryption configuration"),
        ("aws:ec2/vpc:Vpc", "vpc"),
        ("x:y:HTTPRoute", "http route"),
    ],
)  # fmt: skip
def test_a_kind_is_said_in_words(token: str, kind: str) -> None:
    said: list[str] = []
    urn = f"urn:pulumi:s::p::{token}::it"
    one = event("resOutputsEvent", "create", urn)
    one.res_outputs_event.metadata.new.custom = True  # type: ignore[union-attr]
    as_view(said.append).take(one)
    assert said == [f"{kind} it: created (0 s)"]


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
        assert "bucket stack-bucket: creating" in written.getvalue()
        view.take(event("resOutputsEvent", "create"))
        view("a line")
    text = written.getvalue()
    assert "bucket stack-bucket: created" in text
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
