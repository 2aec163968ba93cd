"""The guide for platform teams, word for word: true `pulumi` commands on a written repository.

The environment of the tests stands for the one that `uv sync` would make; it is first on PATH,
because the language host that can be built from a module does not know `runtime.options`.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT, blocks, fits, session
from tests.doubles.standin.fixtures import EngineRoom, aws, engine_room, loopback_aws  # noqa: F401
from tests.homes import Home
from tests.pulumi import stored
from tests.pulumi.room import PASSPHRASE, plugin_source
from tests.pulumi.tracebacks import failed_badly
from tests.stacks.conftest import workshop  # noqa: F401
from tests.warm.client import commands, executable

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(900)]

GUIDE = ROOT / "docs" / "guides" / "platform-teams.md"
FAILING = ("kitaru stack apply", "kitaru stack delete")


def stand_for_uv_sync(place: Path) -> None:
    """The environment of the tests under another path, with a plugin that is forked."""
    there = Path(sys.prefix)
    (place / "bin").mkdir(parents=True)
    for name in ("lib", "pyvenv.cfg"):
        (place / name).symlink_to(there / name)
    for program in (there / "bin").iterdir():
        if program.name != "pulumi-resource-kitaru":
            (place / "bin" / program.name).symlink_to(program)
    executable(place / "bin" / "pulumi-resource-kitaru", plugin_source(place))


def play(name: str, home: Home, work: Path, **more: str) -> None:
    """Run the blocks of a session, and compare what they print."""
    if not shutil.which("pulumi"):
        pytest.fail("no Pulumi engine on PATH", pytrace=False)
    state, place = work / "state", work / "place"
    state.mkdir()
    environment = {
        "PATH": f"{commands()}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PULUMI_HOME": os.environ.get("PULUMI_HOME", str(work / "pulumi")),
        "PULUMI_BACKEND_URL": state.as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "NO_COLOR": "1",
        **more,
    }
    folder = home.path
    ran = 0
    for block in blocks(GUIDE):
        if block.words[:2] != ("console", name):
            continue
        for step in session(block.text):
            line = f"exec 2>&1\n{step.command}\ncode=$?\npwd > {place}\nexit $code"
            done = home.run("bash", "-c", line, cwd=folder, **environment)
            said = f"{block}: {step.command}\n{done.stdout}"
            assert not failed_badly(done.stdout), said
            assert "from $PATH" not in done.stdout, said
            if step.output:
                got = [text for text in done.stdout.splitlines() if text.strip()]
                assert fits(step.output, got), said
            elif not step.command.startswith(FAILING):
                assert done.returncode == 0, said
            folder = Path(place.read_text().strip())
            if (folder / "Pulumi.yaml").exists() and not (folder / ".venv").exists():
                stand_for_uv_sync(folder / ".venv")
            ran += 1
    assert ran


def test_on_a_server(server_home: Home, tmp_path: Path) -> None:
    play("team", server_home, tmp_path)
    assert stored.names() == {"default"}
    assert stored.parts("dev") | stored.parts("staging") == set()


def test_with_infrastructure_on_aws(
    workshop: EngineRoom,  # noqa: F811
    home: Home,
    tmp_path: Path,
) -> None:
    from tests.doubles.standin.install import install

    install(Path(os.environ["PULUMI_HOME"]))
    faults = {"STANDIN_FAULTS": str(workshop.faults_file)}
    play("aws", home, tmp_path, **workshop.aws.env(), **faults)
    assert stored.names() == {"default"}
    assert workshop.aws.client("ecr").describe_repositories()["repositories"] == []
    assert workshop.aws.client("iam").list_roles()["Roles"] == []
    # The data stay, and nobody but their owner deletes them.
    assert len(workshop.aws.client("s3").list_buckets()["Buckets"]) == 1
