"""The service accounts of docs/guides/ci.md are made as it says, and the commands work with them.

The server is an open-source one. What ZenML Pro's roles allow is told it by a class below, through
the server's own interface for that.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Result, kitaru  # noqa: F401 - the command in this process
from tests.cli.test_ci import HOSTS
from tests.docs.markdown import ROOT, blocks, session
from tests.homes import Home, empty_home
from tests.servers.releases import INSTALLED
from tests.servers.zenml import _PASSWORD, _USER, ZenMLServer

GUIDE = ROOT / "docs" / "guides" / "ci.md"
MADE, TAKEN_AWAY = (block for block in blocks(GUIDE) if block.words[:2] == ("console", "accounts"))

#: As the guide's table says it: two accounts may this and nothing else, and all others everything.
ROLES = """
from zenml.zen_server.rbac.models import Action
from zenml.zen_server.rbac.rbac_interface import RBACInterface

PARTS = {"stack", "stack_component", "service_connector"}
WRITES = {Action.CREATE, Action.READ, Action.UPDATE, Action.DELETE}
ROLES = {
    "stacks-preview": {(part, Action.READ) for part in PARTS},
    "stacks-apply": {(part, action) for part in PARTS for action in WRITES}
    | {("service_connector", Action.READ_SECRET_VALUE)},
}


class Roles(RBACInterface):
    def _may(self, user, resource, action):
        return user.name not in ROLES or (resource.type, action) in ROLES[user.name]

    def check_permissions(self, user, resources, action):
        return {resource: self._may(user, resource, action) for resource in resources}

    def list_allowed_resource_ids(self, user, resource, action):
        return self._may(user, resource, action), []

    def update_resource_membership(self, *_, **__):
        pass

    def delete_resources(self, resources):
        pass
"""
KEY = "aws-access-keys:AKIAFIRST00000000001:first-secret"
STACK = f"""
name: prod
type: kubernetes
artifact_store: s3://data/a
container_registry: 123456789012.dkr.ecr.eu-west-1.amazonaws.com
cluster: one
region: eu-west-1
credentials: {KEY}
verify: false
"""
OTHER_REGION = STACK.replace("eu-west-1", "us-east-1")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ZenMLServer]:
    """A server with the roles."""
    program = tmp_path / "server" / "program"
    program.mkdir(parents=True)
    (program / "roles_of_tests.py").write_text(ROLES)
    roles = {"ZENML_SERVER_RBAC_IMPLEMENTATION_SOURCE": "roles_of_tests.Roles"}
    with ZenMLServer.of_release(INSTALLED, tmp_path / "server", roles) as running:
        yield running


def follow(text: str, home: Home) -> None:
    """Run a block of the guide as the server's administrator."""
    for step in session(text):
        path = f"PATH={Path(sys.executable).parent}:$PATH"
        done = home.run("bash", "-c", f"{path}\nexec 2>&1\n{step.command}")
        assert done.returncode == 0, done.stdout


@pytest.mark.server
def test_they_may_what_the_guide_says(
    server: ZenMLServer,
    bare_home: Home,
    kitaru: Callable[..., Result],  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    login = {"ZENML_STORE_USERNAME": _USER, "ZENML_STORE_PASSWORD": _PASSWORD}
    admin = empty_home(tmp_path / "admin", ZENML_STORE_URL=server.url, **login)
    follow(MADE.text, admin)
    keys = {name: (admin.path / f"{name}.key").read_text() for name in ("preview", "apply")}
    keys["somebody"] = server.api_key

    for name in HOSTS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(bare_home.config))
    monkeypatch.setenv("KITARU_SERVER_URL", server.url)
    (tmp_path / "job" / "stacks").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "job")
    file = Path("stacks", "prod.yaml")

    def ci(who: str, *words: str) -> Result:
        monkeypatch.setenv("KITARU_AUTH_TOKEN", keys[who])
        return kitaru("ci", *words, "-f", "stacks")

    file.write_text(STACK)
    done = ci("somebody", "apply", "--unreviewed")
    assert done.code == 0, done.err
    file.write_text(OTHER_REGION)
    done = ci("preview", "preview")
    assert done.code == 0, done.err
    assert "us-east-1" in done.out
    assert "first-secret" not in done.out + done.err
    reviewed = ("--plan", "kitaru-plan.json")
    refused = ci("preview", "apply", *reviewed)
    assert refused.code == 6, refused.err
    assert "READ_SECRET_VALUE" in refused.out + refused.err

    def left() -> int:
        done = ci("somebody", "preview", "-o", "json")
        return int(done.document["item"]["summary"]["with_changes"])

    assert left() == 1
    done = ci("apply", "apply", *reviewed)
    assert done.code == 0, done.err
    assert left() == 0

    follow(TAKEN_AWAY.text, admin)
    assert ci("preview", "preview").code == 6
    assert ci("apply", "apply").code == 0  # nothing is left to do
