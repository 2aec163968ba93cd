"""For tests of your own: a local store and an AWS that are thrown away; nothing of yours is seen.

pytest_plugins = ["kitaru_iac.testing.plugin"]  # in conftest.py


def test_our_stack(kitaru_store, kitaru_aws):
    kitaru_aws.create(Path("stack.yaml"))
    assert kitaru.apply(Path("stack.yaml")).changed
"""

from __future__ import annotations

from kitaru_iac.testing.aws import LocalAws, local_aws
from kitaru_iac.testing.store import LocalStore, local_store

__all__ = ["LocalAws", "LocalStore", "local_aws", "local_store"]
