"""For tests of your own: a local store that is thrown away, where nothing of yours is seen.

pytest_plugins = ["kitaru_iac.testing.plugin"]  # in conftest.py


def test_our_stack(kitaru_store):
planned = kitaru.preview(Path("stack.yaml"))
assert planned.plan.has_changes
"""

from __future__ import annotations

from kitaru_iac.testing.store import LocalStore, local_store

__all__ = ["LocalStore", "local_store"]
