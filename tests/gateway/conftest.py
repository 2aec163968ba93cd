from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway.stores import Filler, add_odd_flavors, forget_zenml
from tests.homes import Home


@pytest.fixture(autouse=True)
def fresh_zenml(isolated: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test sees the store that another one opened, nor a repository around it."""
    monkeypatch.chdir(tmp_path)
    forget_zenml()
    yield
    forget_zenml()


@pytest.fixture
def filled_home(home: Home) -> Home:
    """A local store with a handful of generated stacks; the process is in it."""
    from zenml.client import Client

    store = Client().zen_store
    add_odd_flavors(store)
    Filler(store, random.Random(7)).fill(8)
    forget_zenml()
    return home
