"""A provisioning run that is killed at a chosen moment, with its engine and its plugins."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tests.warm.client import begin

__all__ = ["kill_after"]

_PROGRAM = """
import json, sys
from kitaru_iac.infrastructure import provision
from kitaru_iac.spec import from_mapping
spec = from_mapping(json.loads(sys.argv[1]))
provision.provision(spec, progress=lambda line: print(line, file=sys.stderr, flush=True))
"""


def kill_after(token: str, folder: Path, description: Mapping[str, object]) -> None:
    """Run until Google has made what the state does not know of; then kill run and engine.

    Args:
        token: The type of the resource.
        folder: Of the test.
        description: What is provisioned.
    """
    begun, log = folder / "begun", folder / "log"
    begun.unlink(missing_ok=True)
    faults = Path(os.environ["STANDIN_FAULTS"])
    faults.write_text(json.dumps({f"after {token}": {"touch": str(begun), "sleep": 300}}))
    process = begin([sys.executable, "-c", _PROGRAM, json.dumps(description)], log=log)
    until = time.monotonic() + 240
    while not begun.exists():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.1)
    (lock,) = (folder / "config" / "kitaru" / "state").rglob("locks/**/*.json")
    engine = json.loads(lock.read_text())["pid"]
    found = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(engine)], capture_output=True, text=True, check=False
    )
    for pid in (process.pid, engine, *map(int, found.stdout.split())):
        os.kill(pid, signal.SIGKILL)
    process.wait()
    faults.unlink()
