"""Two writers of one backend: the second is told who holds it, and nothing is written twice."""

from __future__ import annotations

import getpass
import json
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from kitaru_iac.engine.deployment import Deployment
from kitaru_iac.engine.errors import StateLocked
from kitaru_iac.engine.find import find_engine
from kitaru_iac.engine.workspace import Backend
from tests.doubles.aws import AwsLoopback
from tests.homes import Home
from tests.pulumi import stored
from tests.pulumi.programs import local
from tests.pulumi.room import PASSPHRASE, Failed, Room
from tests.pulumi.test_interrupts import plugin_in

#: Registers nothing before it is told to.
_HELD = """
import os, time
import kitaru_iac.records.apply as apply

write = apply.execute
def held(*arguments, **named):
    open({mark!r}, "w").close()
    while os.path.exists({mark!r}):
        time.sleep(0.05)
    return write(*arguments, **named)
apply.execute = held
"""
ME = f"{getpass.getuser()}@{socket.gethostname()}"


@pytest.fixture(params=["file", "s3"])
def shared(request: pytest.FixtureRequest, home: Home, pulumi_home: Path, tmp_path: Path) -> Room:
    """A project whose state is in a folder, and in a bucket of the cloud on loopback."""
    del home, pulumi_home
    if request.param == "file":
        return Room(tmp_path / "project")
    return Room(tmp_path / "project", backend=_bucket(request.getfixturevalue("aws")))


def _bucket(aws: AwsLoopback) -> str:
    """A backend in a bucket of its own."""
    aws.client("s3").create_bucket(
        Bucket="states", CreateBucketConfiguration={"LocationConstraint": aws.region}
    )
    query = f"region={aws.region}&endpoint={aws.url}&s3ForcePathStyle=true"
    return f"s3://states?{query}"


def test_the_second_is_told_who_holds_it(
    shared: Room, pulumi_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "writing"
    shared.open(local("dev"))
    plugin_in(pulumi_home, _HELD.format(mark=str(mark)))
    first = threading.Thread(target=lambda: shared.up(local("dev")))
    first.start()
    while not mark.exists():
        assert first.is_alive()
        time.sleep(0.05)
    # Whoever uses Pulumi is told by it, and whoever uses our command by us.
    second = shared.pulumi("destroy", "--yes", "--skip-preview", "--stack", "prod")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE)
    backend = Backend.at(shared.backend)
    ours = Deployment(
        *(shared.project, "prod", lambda: None),
        backend=backend,
        engine=find_engine(),
        lock_wait=0,
    )
    with ours, pytest.raises(StateLocked) as locked:
        ours.up()
    mark.unlink()
    first.join()
    assert second.returncode != 0
    assert f"created by {ME} (pid" in second.stderr + second.stdout
    (lock,) = locked.value.locks
    assert f"{lock.user}@{lock.host}" == ME
    assert str(lock) in str(locked.value)
    assert stored.names() == {"default", "dev"}
    assert shared.up(local("dev")).ops == {"dev": "same"}
    assert shared.destroy().ops == {"dev": "delete"}


def test_the_remedy_for_a_dead_holder_works_as_it_is_written(
    shared: Room, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """In a shell, in a folder that is no project's; for a name of a user that has spaces."""
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE)
    backend = Backend.at(shared.backend)
    key = ".pulumi/locks/organization/infra/test/3f3f3f3f-0000-4000-8000-000000000000.json"
    holder = {"pid": 4711, "username": "EXAMPLE\\Eve Doe", "hostname": "elsewhere"}
    text = json.dumps({**holder, "timestamp": "2026-01-01T00:00:00Z"})
    with Deployment("infra", "test", lambda: None, backend=backend, engine=find_engine()) as it:
        it.up()
        if backend.folder is not None:
            file = backend.folder / key
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        else:
            client = request.getfixturevalue("aws").client("s3")
            client.put_object(Bucket="states", Key=key, Body=text.encode())
        with pytest.raises(StateLocked) as locked:
            it.up()
    assert "process 4711 of EXAMPLE\\Eve Doe on elsewhere since 2026" in str(locked.value)
    remedy = str(locked.value.remedy).rpartition("If it died: ")[2]
    done = subprocess.run(
        ["sh", "-c", remedy],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (remedy, done.stderr)
    with Deployment("infra", "test", lambda: None, backend=backend, engine=find_engine()) as it:
        it.up()


def test_a_bucket_and_a_folder_are_two_owners(local_room: Room, aws: AwsLoopback) -> None:
    """Project, Pulumi stack and resource are called the same in both, on one machine."""
    folder, bucket = local_room, Room(local_room.folder / "second", backend=_bucket(aws))
    folder.up(local("dev"))
    before = stored.records("dev")
    for run in (bucket.preview, bucket.up):
        with pytest.raises(Failed, match="for another state"):
            run(local("dev"))
    assert stored.records("dev") == before
    folder.destroy()
    assert bucket.up(local("dev")).ops == {"dev": "create"}
