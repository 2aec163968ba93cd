"""Ctrl-C, and a plugin that dies in the middle: nothing half-made, and the same command resumes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2 as p
from pulumi.runtime.proto import provider_pb2_grpc

from tests.homes import Home
from tests.pulumi import stored
from tests.pulumi.driver import Engine, Killed, Refused, Wanted, killing
from tests.pulumi.programs import local
from tests.pulumi.protocol import URN, struct
from tests.pulumi.room import Failed, Room

_DYING = """
import os, sys
import kitaru_iac.pulumi.plugin.stacks as stacks

made = stacks.made
def die(*arguments):
    made(*arguments)
    os._exit(9)
if not os.path.exists({mark!r}):
    open({mark!r}, "w").close()
    stacks.made = die
"""


def plugin_in(pulumi_home: Path, before: str) -> Path:
    """Let the plugin's process run this first; returns its source."""
    source = next(pulumi_home.glob("plugins/resource-kitaru-*/main.py"))
    source.write_text(f"{before}\n{source.read_text()}")
    return source


def forget_runs() -> None:
    """Let this machine remember nothing of what its programs registered."""
    for tokens in (Path(os.environ["ZENML_CONFIG_PATH"]) / "kitaru" / "pulumi").iterdir():
        tokens.unlink()


@pytest.mark.parametrize("any_home", ["server"], indirect=True)
def test_an_up_that_dies_after_the_registration_is_gone_on_with(
    room: Room, pulumi_home: Path, tmp_path: Path
) -> None:
    plugin_in(pulumi_home, _DYING.format(mark=str(tmp_path / "died")))
    with pytest.raises(Failed):
        room.up(local("dev"))
    assert "dev" in stored.names()
    assert "dev" not in room.resources()
    first = stored.records("dev")
    assert first is not None
    up = room.up(local("dev"))
    assert up.outputs["id"] == first.id
    assert room.up(local("dev")).ops == {"dev": "same"}


def test_another_machine_does_not_take_such_a_stack(home: Home) -> None:
    """It may be a colleague's, whose program is called the same."""
    program = {"dev": Wanted({"name": "dev"})}
    with killing(0, written=True), pytest.raises(Killed):
        Engine().up(program)
    assert "dev" in stored.names()
    forget_runs()
    with pytest.raises(Refused) as refused:
        Engine().up(program)
    assert "pulumi import kitaru:index:Stack dev" in str(refused.value)


#: The first that writes takes its time, be it a change or a deletion.
_SLOW = """
import os, time
import kitaru_iac.records.apply as apply
from kitaru_iac.gateway.in_process import InProcess

def slow(write):
    def slowly(*arguments, **named):
        if not os.path.exists({mark!r}):
            with open({mark!r} + ".new", "w") as mark:
                mark.write(str(os.getpid()))
            os.rename({mark!r} + ".new", {mark!r})
            time.sleep(3)
        return write(*arguments, **named)
    return slowly
apply.execute, InProcess.delete = slow(apply.execute), slow(InProcess.delete)
"""


def interrupted(
    room: Room,
    pulumi_home: Path,
    project: Path,
    presses: int,
    stacks: int = 1,
    *,
    verb: str = "up",
    folder: str | None = None,
) -> tuple[int, str, Callable[[], subprocess.Popen[str]]]:
    """A true program whose engine gets Ctrl-C, or is killed, while the plugin writes.

    Args:
        room: Whose state and backend it has.
        pulumi_home: Where the plugin is.
        project: Where the program is written.
        presses: How many times Ctrl-C is pressed; none: the engine alone is killed.
        stacks: How many the program has.
        verb: What the engine does.
        folder: That of their artifact stores.

    Returns:
        The engine's exit code, what it said, and how to start it once more.
    """
    mark = project / "writing"
    source = plugin_in(pulumi_home, _SLOW.format(mark=str(mark)))
    room.open(local("dev"))
    (project / "Pulumi.yaml").write_text("name: platform\nruntime: python\n")
    (project / "__main__.py").write_text(
        f"import kitaru_iac.pulumi as k\nfor number in range({stacks}):\n"
        f"    k.Stack(f'dev{{number or str()}}', artifact_store={folder!r})\n"
    )
    (project / "requirements.txt").write_text("")

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["pulumi", verb, "--yes", "--stack", "prod", "--skip-preview", "--color", "never"],
            cwd=project,
            env={**os.environ, **room.env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    running = start()
    deadline = time.monotonic() + 90
    while not mark.exists():
        assert running.poll() is None, running.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    if not presses:
        running.kill()
    for _ in range(presses):
        os.killpg(running.pid, signal.SIGINT)
        time.sleep(0.5)
    said, _ = running.communicate(timeout=60)
    # A program that Ctrl-C reached too has one, which Pulumi prints.
    assert "kitaru_iac/pulumi/plugin" not in said
    source.write_text(source.read_text().replace("sleep(3)", "sleep(0)"))
    return running.returncode, said, start


def test_ctrl_c_lets_a_registration_end_and_the_plugin_goes_at_once(
    local_room: Room, pulumi_home: Path, tmp_path: Path
) -> None:
    code, said, _ = interrupted(local_room, pulumi_home, tmp_path, 1)
    assert code != 0, said
    # What was begun was ended, and is known on both sides.
    assert "dev" in stored.names(), said
    assert local_room.resources()["dev"]["id"], said
    local_room.destroy()
    assert stored.names() == {"default"}


def test_ctrl_c_twice_ends_the_engine_at_once_and_the_next_run_resumes(
    local_room: Room, pulumi_home: Path, tmp_path: Path
) -> None:
    """The engine forgets what it was waiting for, and the plugin ends it all the same."""
    everything = {"dev", "dev1", "dev2"}
    code, said, start = interrupted(local_room, pulumi_home, tmp_path, 2, stacks=3)
    assert code != 0, said
    assert "creating (interrupted)" in said
    assert not everything & set(local_room.resources())
    again = start()
    said, _ = again.communicate(timeout=90)
    assert again.returncode == 0, said
    assert "interrupted while creating" in said
    # Those that waited for their turn were not begun: one is what the earlier run made.
    assert len(set(re.findall(r"Stack '(\w+)' is there already", said))) == 1, said
    for name in everything:
        found, held = stored.records(name), local_room.resources()[name]
        assert found is not None
        assert found.labels["kitaru.owner_run"] == held["outputs"]["ownerRun"]
        assert held["id"] == found.id
    assert stored.names() == {"default", *everything}


@pytest.mark.parametrize("presses", [1, 2])
@pytest.mark.parametrize("verb", ["up", "destroy"])
def test_ctrl_c_in_an_update_and_in_a_deletion(
    local_room: Room, pulumi_home: Path, tmp_path: Path, verb: str, presses: int
) -> None:
    """Once: it is ended, and both sides know it. Twice: the same command completes."""
    folder = "/tmp/elsewhere"
    local_room.up(local("dev"))
    before = local_room.resources()["dev"]
    code, said, start = interrupted(
        *(local_room, pulumi_home, tmp_path, presses), verb=verb, folder=folder
    )
    if presses == 2:  # the engine has not waited for it
        assert code != 0, said
        assert local_room.resources()["dev"]["outputs"] == before["outputs"]
        again = start()
        said, _ = again.communicate(timeout=90)
        assert again.returncode == 0, said
    held, found = local_room.resources(), stored.records("dev")
    if verb == "destroy":
        assert "dev" not in held, said
        assert stored.names() == {"default"}
        assert stored.parts("dev") == set()
        return
    assert found is not None
    store = found.component("artifact_store")
    assert store is not None
    assert held["dev"]["id"] == found.id == before["id"]
    assert held["dev"]["outputs"]["artifactStore"] == store.configuration["path"] == folder
    assert local_room.preview(local("dev", artifact_store=folder)).ops == {"dev": "same"}


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_an_engine_that_is_killed_leaves_no_plugin_and_the_next_run_resumes(
    local_room: Room, pulumi_home: Path, tmp_path: Path
) -> None:
    """What is being written is ended before; the lock is Pulumi's, which says how it is taken."""
    code, said, start = interrupted(local_room, pulumi_home, tmp_path, 0)
    assert code == -signal.SIGKILL, said
    plugin = int((tmp_path / "writing").read_text())
    deadline = time.monotonic() + 90
    while is_there(plugin):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    first = stored.records("dev")
    assert first is not None
    assert "dev" not in local_room.resources()
    locked = start()
    said, _ = locked.communicate(timeout=90)
    assert locked.returncode != 0
    assert "pulumi cancel" in said
    assert local_room.pulumi("cancel", "--yes", "--stack", "prod").returncode == 0
    again = start()
    said, _ = again.communicate(timeout=90)
    assert again.returncode == 0, said
    found = stored.records("dev")
    assert found is not None
    assert local_room.resources()["dev"]["id"] == found.id == first.id
    assert local_room.resources()["dev"]["outputs"]["ownerRun"] == found.labels["kitaru.owner_run"]


_ENGINE = """
import concurrent.futures, time
import grpc
server = grpc.server(concurrent.futures.ThreadPoolExecutor(1))
print(server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
time.sleep(600)
"""


def test_a_plugin_ends_when_its_engine_was_killed_and_not_in_the_middle_of_a_write(
    home: Home, tmp_path: Path
) -> None:
    """Nobody sends it a signal then, and it would stay with all that it has loaded."""
    engine = subprocess.Popen([sys.executable, "-c", _ENGINE], stdout=subprocess.PIPE, text=True)
    assert engine.stdout is not None
    mark = tmp_path / "writing"
    # Longer than the engine is given to come back.
    source = _SLOW.format(mark=str(mark)).replace("sleep(3)", "sleep(7)")
    source += "from kitaru_iac.pulumi.plugin.main import main; main()"
    plugin = subprocess.Popen(
        [sys.executable, "-c", source, f"127.0.0.1:{int(engine.stdout.readline())}"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "http_proxy": "http://127.0.0.1:9"},
    )
    try:
        assert plugin.stdout is not None
        port = int(plugin.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = provider_pb2_grpc.ResourceProviderStub(channel)
            new = p.CreateRequest(urn=URN, name="dev", properties=struct(name="dev"))
            called = stub.Create.future(new)
            deadline = time.monotonic() + 90
            while not mark.exists():
                assert plugin.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
            called.cancel()
        engine.kill()
        assert plugin.wait(timeout=90) == 0
    finally:
        plugin.kill()
        engine.kill()
        engine.wait()
        plugin.wait()
    assert stored.names() == {"default", "dev"}


def test_an_idle_plugin_ends_at_once() -> None:
    patient = "import kitaru_iac.pulumi.plugin.main as m; m._GRACE = m._GRACE_ALONE = 600; m.main()"
    running = subprocess.Popen(
        [sys.executable, "-c", patient, "127.0.0.1:9"], stdout=subprocess.PIPE, text=True
    )
    assert running.stdout is not None
    assert running.stdout.readline().strip().isdigit()
    running.send_signal(signal.SIGINT)
    assert running.wait(timeout=60) == 0
