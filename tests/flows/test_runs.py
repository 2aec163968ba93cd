"""Flows really run: on the stack that the highest layer names, and the active one stays.

A program costs about 1 s of CPU for each run in it: it is forked, but for the one that Ctrl-C ends.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import kitaru_iac as kitaru
from tests.homes import Home

PROGRAM = Path(__file__).with_name("program.py")


@pytest.fixture
def stacks(home: Home) -> Home:
    """A home with the stacks `a` to `e`, of which none is active, and the program in it."""
    for name in "abcde":
        kitaru.create_stack(name, activate=False)
    (home.path / "program.py").write_text(PROGRAM.read_text())
    return home


def run(home: Home, *argv: str) -> dict[str, Any]:
    """Run the program, and see that it leaves ZenML's settings as they are, byte by byte."""
    before = (home.config / "config.yaml").read_bytes()
    done = home.run(sys.executable, "program.py", *argv)
    line = next((x for x in done.stdout.splitlines() if x.startswith("RESULT ")), None)
    assert line is not None, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(line.removeprefix("RESULT "))
    assert "Exception in thread" not in done.stderr, done.stderr[-4000:]
    assert (home.config / "config.yaml").read_bytes() == before
    assert (found.pop("left"), found.pop("active")) == (None, "default")
    return found


def test_a_run_is_on_the_stack_that_the_highest_layer_names(stacks: Home) -> None:
    seen = run(stacks, "layers")
    expected = {
        "active stack": ("default", "active stack"),
        "project": ("e", "[tool.kitaru].stack"),
        "variable": ("d", "KITARU_STACK"),
        "configure": ("c", "configure(stack=)"),
        "flow": ("b", "@flow(stack=)"),
        "run": ("a", ".run(stack=)"),
    }
    for layer, (stack, source) in expected.items():
        assert seen[layer]["stack"] == stack, layer
        assert seen[layer]["said"] == [stack, source]
        assert seen[layer]["tags"] == [f"kitaru.stack={stack}", f"kitaru.stack_source={source}"]
        assert seen[layer]["status"] == "completed"
    assert seen["active stack"]["result"] == {"topic": "t", "n": 2}
    assert seen["project"]["result"] == {"topic": "t", "n": 3}
    assert (seen["flow"]["result"], seen["run"]["result"]) == (2, 5)


def test_what_a_flow_returns_and_how_it_fails(stacks: Home) -> None:
    seen = run(stacks, "results")
    assert seen["pair"] == [2, "x"]
    assert seen["nothing"] is None
    assert seen["second_time"] == "done"
    assert seen["fails"] == "ValueError: it broke"
    assert seen["inside"].startswith("UsageError: A flow is started inside of another flow's run")
    assert seen["called"].startswith("UsageError: The flow 'agent' cannot be called")
    assert seen["unknown"].startswith("StackNotFound: .run(stack=): No stack has the name or id")
    assert seen["arguments"].startswith("UsageError: agent.run(): missing a required argument")
    assert seen["image"].startswith("UsageError: The image has no setting 'base_imag'")
    assert seen["get"] == ["flow fails is failed", "ValueError: it broke"]


def test_threads_and_blocks_run_where_they_say(stacks: Home) -> None:
    seen = run(stacks, "threads")
    assert len(seen["threads"]) == 4
    assert all(wanted == got for wanted, got in seen["threads"]), seen
    assert seen["block"] == ["d", "d", "d", "stack()"]
    assert seen["after"] == "c"


def test_a_run_uses_the_stack_as_it_is_by_then(stacks: Home) -> None:
    """And the saved active stack stays, which `run` looks at: ZenML saves what it hears news of."""
    seen = run(stacks, "changed")
    folders = ["first", "second", "third"]

    def places(way: str) -> list[str]:
        return [next((name for name in folders if f"/{name}/" in uri), "") for uri in seen[way]]

    assert places("apply") == ["", "first"]
    assert places("block") == ["first", "second"]
    assert places("zenml") == ["third"]


def test_a_run_is_in_the_store_that_another_process_has_chosen_meanwhile(stacks: Home) -> None:
    other = stacks.database.with_name("other.db")
    shutil.copyfile(stacks.database, other)
    done = stacks.run(sys.executable, "program.py", "moved")
    line = next((x for x in done.stdout.splitlines() if x.startswith("RESULT ")), None)
    assert line is not None, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(line.removeprefix("RESULT "))
    assert found["active"] == "default"
    for database, run_id in zip((stacks.database, other), found["runs"], strict=True):
        with closing(sqlite3.connect(database)) as opened:
            rows = [row[0] for row in opened.execute("SELECT id FROM pipeline_run")]
        assert rows == [run_id.replace("-", "")]
    assert "/other.db" in (stacks.config / "config.yaml").read_text()


def test_a_program_that_is_ended_leaves_the_active_stack(stacks: Home) -> None:
    """With Ctrl-C; `test_cloud_runs` kills runs at ten moments."""
    before = (stacks.config / "config.yaml").read_bytes()
    process = subprocess.Popen(
        [sys.executable, "program.py", "sleeps"],
        env=stacks.environment(),
        cwd=stacks.path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    end = time.monotonic() + 120
    while not (stacks.path / "running").exists():
        assert time.monotonic() < end
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) != 0
    assert (stacks.config / "config.yaml").read_bytes() == before
    assert kitaru.current_stack().name == "default"
    assert "ZENML_ACTIVE_STACK_ID" not in os.environ


@kitaru.flow
def agent() -> None:
    """Do nothing."""


def test_a_stack_that_cannot_run_from_here_is_refused_before_there_is_a_run(home: Home) -> None:
    """ZenML makes the run first. A runner on a cluster, with the local store and its files."""
    from zenml.client import Client
    from zenml.enums import StackComponentType

    client = Client()
    made = client.create_stack_component(
        "cluster", "kubernetes", StackComponentType.ORCHESTRATOR, {"kubernetes_context": "x"}
    )
    parts = {
        StackComponentType.ORCHESTRATOR: made.name,
        StackComponentType.ARTIFACT_STORE: "default",
    }
    client.create_stack("far", parts)
    with pytest.raises(kitaru.KitaruError) as refused:
        agent.run(stack="far")
    assert refused.value.what == "Stack 'far' cannot run flows from the local store"
    assert client.list_pipeline_runs().total == 0
