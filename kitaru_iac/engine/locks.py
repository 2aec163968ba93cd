"""Whether the holder of a lock still lives."""

from __future__ import annotations

import os
import socket
import subprocess

from kitaru_iac.engine.errors import Lock

__all__ = ["is_dead", "is_here"]


def is_here(lock: Lock) -> bool:
    """Whether the lock was taken on this machine."""
    return lock.host == socket.gethostname()


def is_dead(lock: Lock) -> bool:
    """Whether the lock was taken on this machine, by a process that has ended.

    False where it cannot be told: on another machine nobody knows, and unlocking the state under a
    running update would lose what it does.
    """
    if not is_here(lock):
        return False
    try:
        os.kill(lock.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    # The number lives, but it may have been given to another program since, or to a zombie.
    try:
        answer = subprocess.run(
            ["ps", "-p", str(lock.pid), "-o", "state=,comm="],
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    state, _, program = answer.stdout.strip().partition(" ")
    return bool(state) and (state.startswith("Z") or "pulumi" not in program)
