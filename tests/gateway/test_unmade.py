"""A local store is made by the first write, and by nothing that looks and then refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from kitaru_iac.gateway.documents import NewComponent, NewConnector, NewStack, ResourceRef, Where
from kitaru_iac.gateway.in_process import InProcess
from kitaru_iac.gateway.opening import open_gateway
from kitaru_iac.gateway.unmade import UnmadeGateway
from kitaru_iac.gateway.unmade_reader import UnmadeReader
from kitaru_iac.machine.active_scope import Named
from kitaru_iac.machine.unreadable import UnreadableError
from tests.homes import Home

_SAGEMAKER = (
    *("--type", "sagemaker", "--region", "eu-west-1", "--artifact-store", "s3://team-data"),
    *("--container-registry", "123456789012.dkr.ecr.eu-west-1.amazonaws.com"),
    *("--execution-role", "arn:aws:iam::123456789012:role/run"),
)
#: A command on a machine without a store, and how it ends.
_REFUSED = {
    "checks that fail": (("create", "prod", *_SAGEMAKER, "--infra", "verify"), 3),
    "a preview that sees no cloud": (("preview", "prod", *_SAGEMAKER, "--infra", "verify"), 0),
    "a connector that reaches nothing": (("create", "prod", *_SAGEMAKER), 3),
    "an unknown field": (("create", "dev", "--extra", "orchestrator.nonsense=1"), 64),
    "no such stack to show": (("show", "nosuch"), 4),
    "no such stack to use": (("use", "nosuch"), 4),
    "no such stack to export": (("export", "nosuch"), 4),
    "no such stack to delete": (("delete", "nosuch", "--yes"), 4),
    "an id of no stack": (("delete", "3e5f0a1b", "--yes"), 4),
}


#: Keys that no cloud takes, and no network.
_NOWHERE = {
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_MAX_ATTEMPTS": "1",
}


@pytest.mark.parametrize("case", _REFUSED)
def test_what_refuses_or_looks_leaves_no_store(bare_home: Home, case: str) -> None:
    argv, code = _REFUSED[case]
    done = bare_home.kitaru("stack", *argv, **_NOWHERE)
    assert done.returncode == code, done.stderr
    assert not bare_home.database.exists(), done.stderr
    assert not list(bare_home.path.rglob("*.db")), "a store elsewhere"


def test_what_looks_says_the_same_as_in_a_new_store(home: Home, tmp_path: Path) -> None:
    made, unmade = InProcess.open(), UnmadeGateway(tmp_path / "none" / "zenml.db")
    names = {"s3", "local", "sagemaker", "kubernetes", "aws", "nosuch"}
    by_key = {(f.type, f.name): f for f in made.flavors(names)}
    assert {(f.type, f.name): f for f in unmade.flavors(names)} == by_key
    assert unmade.connector_types() == made.connector_types()
    assert unmade.version == made.version
    for given in ({"nosuch": 1}, {"synchronous": "perhaps"}, {}):
        flavor = by_key["orchestrator", "sagemaker"]
        assert unmade.field_errors(flavor, given) == made.field_errors(flavor, given)
    for where in (Where(names=("dev",)), Where(id_prefix="3e5f")):
        assert unmade.stacks(where) == made.stacks(where) == []
        assert unmade.components(where) == made.components(where) == []
    assert unmade.connectors(Where()) == made.connectors(Where()) == []
    assert unmade.orphaned_secrets() == made.orphaned_secrets() == []
    assert unmade.connector_with_secrets("3e5f0a1b-0000-4000-8000-000000000000") is None
    assert not unmade.delete("stack", "3e5f0a1b-0000-4000-8000-000000000000")
    wrong = NewConnector("c", "aws", "secret-key", {"region": "eu-west-1"})
    said = unmade.verify_connector(wrong, ResourceRef("s3-bucket", "b"))
    assert said == made.verify_connector(wrong, ResourceRef("s3-bucket", "b"))
    assert said.error


def test_the_first_write_makes_it(home: Home) -> None:
    home.database.unlink()
    gateway = open_gateway()
    assert gateway.stacks(Where(names=("dev",))) == []
    assert gateway.place.url == f"sqlite:///{home.database}"
    assert not home.database.exists()
    members = {
        kind: (NewComponent(kind, "dev", "local"),) for kind in ("orchestrator", "artifact_store")
    }
    made = gateway.create_stack(NewStack("dev", {}, members))
    assert home.database.exists()
    assert gateway.stacks(Where(names=("dev",))) == [made]
    assert open_gateway().stacks(Where(names=("dev",))) == [made]


def test_a_store_that_somebody_makes_meanwhile_counts(home: Home, tmp_path: Path) -> None:
    aside = home.database.rename(tmp_path / "aside.db")
    gateway = open_gateway()
    assert gateway.stacks(Where(names=("dev",))) == []
    aside.rename(home.database)
    assert {stack.name for stack in gateway.stacks(Where())} == {"default"}


def test_what_zenml_makes_with_a_store_is_left_to_it() -> None:
    reader = UnmadeReader(Named(None, "default", "nothing"))
    assert (reader.names(), reader.names("d"), reader.names("x")) == (["default"], ["default"], [])
    for ask in (
        reader.active,
        reader.count,
        lambda: reader.page(1, 10),
        lambda: list(reader.stacks()),
        lambda: reader.stack("default"),
    ):
        with pytest.raises(UnreadableError):
            ask()
