from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.clouds.aws.world import World
from tests.doubles.aws import AwsLoopback
from tests.doubles.faults import AwsFaults


@pytest.fixture(scope="session")
def loopback(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsLoopback]:
    with AwsLoopback(tmp_path_factory.mktemp("moto"), managed_policies=True) as aws:
        yield aws


@pytest.fixture(scope="session")
def proxy(loopback: AwsLoopback) -> Iterator[AwsFaults]:
    with AwsFaults(loopback.url) as faults:
        yield faults


@pytest.fixture
def world(loopback: AwsLoopback, proxy: AwsFaults, monkeypatch: pytest.MonkeyPatch) -> World:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in (loopback.env() | proxy.env()).items():
        monkeypatch.setenv(name, value)
    proxy.reset()
    return World(loopback, proxy)
