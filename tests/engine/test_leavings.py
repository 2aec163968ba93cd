"""What dead runs leave: locks and pending operations, without an engine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from kitaru_iac.engine.errors import Lock
from kitaru_iac.engine.locks import is_dead, is_here
from kitaru_iac.engine.pending import settled


def lock(pid: int, host: str | None = None) -> Lock:
    return Lock("me", host or socket.gethostname(), pid)


def test_a_holder_is_dead_only_if_it_is_known_to_be() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert is_dead(lock(ended.pid))
    assert not is_dead(lock(ended.pid, "another-host"))
    assert not is_here(lock(1, "another-host"))


def test_a_number_that_another_program_has_by_now_is_dead() -> None:
    assert is_dead(lock(os.getpid()))  # this is Python, and no engine


def test_an_engine_that_runs_is_not_dead(tmp_path: Any) -> None:
    engine = tmp_path / "pulumi"
    engine.symlink_to("/bin/sleep")
    running = subprocess.Popen([engine, "60"])
    try:
        assert not is_dead(lock(running.pid))
    finally:
        running.kill()
        running.wait()


def operation(kind: str, urn: str, **inputs: Any) -> dict[str, Any]:
    return {"type": kind, "resource": {"urn": urn, "type": "t", "inputs": inputs, "protect": True}}


def identify(type: str, inputs: Mapping[str, Any]) -> str | None:
    del type
    return str(inputs["name"]) if inputs.get("exists") else None


def test_what_was_created_is_taken_over_and_the_rest_forgotten() -> None:
    state = {
        "manifest": 1,
        "resources": [{"urn": "known"}],
        "pending_operations": [
            operation("creating", "made", name="a", exists=True),
            operation("creating", "not-made", name="b"),
            operation("creating", "known", name="c", exists=True),
            operation("updating", "known", name="d", exists=True),
            operation("deleting", "known", name="e", exists=True),
        ],
    }
    after = settled(state, identify)
    assert after["pending_operations"] == []
    assert after["manifest"] == 1
    assert [r["urn"] for r in after["resources"]] == ["known", "made"]
    assert after["resources"][1]["id"] == "a"
    assert after["resources"][1]["protect"] is True
    assert state["resources"] == [{"urn": "known"}]
    assert [r["urn"] for r in settled(state, None)["resources"]] == ["known"]
