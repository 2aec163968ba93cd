from __future__ import annotations

from typing import Any

import pytest
from alembic.script import ScriptDirectory

from tests.conftest import _forget_zenml
from tests.homes import Home


def test_the_second_store_reads_no_migration_anew(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tenth of the time of tests with a store hangs on it; nothing else would show it gone."""
    from zenml.client import Client

    first = Client().active_stack_model.id
    read: list[object] = []
    load = ScriptDirectory._load_revisions

    def noted(self: ScriptDirectory) -> Any:
        read.append(self)
        return load(self)

    monkeypatch.setattr(ScriptDirectory, "_load_revisions", noted)
    _forget_zenml()
    assert Client().active_stack_model.id == first
    assert read == []
