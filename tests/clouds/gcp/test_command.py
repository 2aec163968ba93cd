"""`kitaru stack verify`, `policy` and `create --infra verify` on Google Cloud, once per type."""

from __future__ import annotations

import json

import pytest
import yaml

from kitaru_iac.gateway.quiet import quiet
from kitaru_iac.records.stored import Store
from tests.cli.conftest import Kitaru, kitaru  # noqa: F401 - the command in this process
from tests.clouds.gcp.world import World
from tests.doubles.gcp_state import PROJECT
from tests.homes import Home
from tests.records.snapshots import everything

TYPES = ("vertex", "kubernetes", "local")


def described(world: World, kind: str) -> list[str]:
    registry = f"{world.gcp.location}-docker.pkg.dev/{PROJECT}/{world.repository}"
    words = ["prod", "--type", kind, "--artifact-store", f"gs://{world.bucket}/prefix"]
    words += ["--region", world.gcp.location]
    words += ["--credentials", f"gcp-service-account:{world.gcp.credentials_file}"]
    if kind == "local":
        words += ["--project", PROJECT]
    else:
        words += ["--container-registry", registry]
    if kind == "kubernetes":
        words += ["--cluster", world.cluster, "--namespace", "ml"]
    if kind == "vertex":
        words += ["--extra", f"orchestrator.workload_service_account={world.workload}"]
    return words


@pytest.mark.parametrize("kind", TYPES)
def test_a_fit_stack_is_verified_and_made(
    world: World, kind: str, home: Home, kitaru: Kitaru  # noqa: F811
) -> None:  # fmt: skip
    world.fit()
    shown = kitaru("stack", "verify", *described(world, kind), "--strict", "-o", "json")
    assert shown.code == 0, shown.out + shown.err
    report = shown.document["item"]
    assert report["worst"] == "ok"
    secret = json.loads(world.gcp.credentials_file.read_text())["private_key"].split("\n")[1]
    assert secret not in shown.out
    made = kitaru("stack", "create", *described(world, kind), "--infra", "verify", "-o", "json")
    assert made.code == 0, made.err
    assert {check["status"] for check in made.document["item"]["checks"]} == {"ok"}


@pytest.mark.parametrize("kind", TYPES)
def test_what_is_not_there_stops_a_creation_before_anything_is_written(
    world: World, kind: str, home: Home, kitaru: Kitaru  # noqa: F811
) -> None:  # fmt: skip
    with quiet():
        before = everything(Store.open())
    done = kitaru("stack", "create", *described(world, kind), "--infra", "verify", "-o", "json")
    assert done.code == 3, done.err
    assert "gcp.bucket.exists" in done.err
    with quiet():
        assert everything(Store.open()) == before


@pytest.mark.parametrize("kind", TYPES)
def test_its_roles_and_bindings_are_printed(world: World, kind: str, kitaru: Kitaru) -> None:  # noqa: F811
    shown = kitaru("stack", "policy", *described(world, kind), "--output", "yaml")
    assert shown.code == 0, shown.err
    found = yaml.safe_load(shown.out)["item"]
    wanted = {"connector", "verify"} if kind == "local" else (
        {"connector", "runtime", "pull", "verify"}
    )  # fmt: skip
    assert set(found["policies"]) == wanted
    assert ("cluster" in found["policies"]["connector"]) is (kind == "kubernetes")


def test_what_was_denied_counts_with_strict(world: World, kitaru: Kitaru) -> None:  # noqa: F811
    world.fit()
    world.gcp.deny("storage.buckets.get", "storage.buckets.getIamPolicy")
    words = ("stack", "verify", *described(world, "vertex"))
    assert kitaru(*words, "--strict").code == 3
    shown = kitaru(*words)
    assert "storage.buckets.get" in shown.out
