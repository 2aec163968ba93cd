"""`kitaru stack drift` on a local store: what was applied is kept, and reality held against it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.errors import KitaruError, NotAllowedError, StackNotFound
from kitaru_iac.gateway import StackView, Unread
from kitaru_iac.gateway.documents import ComponentChange, StackChange, Where
from kitaru_iac.gateway.quiet import quiet
from kitaru_iac.gateway.reader import BaseReader
from kitaru_iac.infrastructure import provision
from kitaru_iac.labels import APPLIED_LABEL, ASIDE_LABEL, MANAGED_LABEL, STACK_LABEL
from kitaru_iac.plan.model import Action, Layer, Step
from kitaru_iac.records.stored import Store
from kitaru_iac.stacks import health
from tests.cli.conftest import Kitaru
from tests.homes import Home


def relabel(name: str, **labels: str | None) -> None:
    """Change labels of a stack in the store, as another tool might; None takes one off."""
    with quiet():
        gateway = Store.open().gateway
        (doc,) = gateway.stacks(Where(names=(name,)))
        new: dict[str, Any] = {**doc.labels, **labels}
        kept = {key: text for key, text in new.items() if text is not None}
        gateway.update_stack(doc.id, StackChange(labels=kept))


def rename(name: str, new: str, **more: str) -> dict[str, str]:
    """Give a stack another name in the store, and no more than these labels; return what it had."""
    with quiet():
        gateway = Store.open().gateway
        (doc,) = gateway.stacks(Where(names=(name,)))
        gateway.update_stack(doc.id, StackChange(name=new, labels={**doc.labels, **more}))
    return dict(doc.labels)


def take_out(name: str, kind: str, new: str) -> None:
    """Put another component into a stack, as ``zenml stack update`` does."""
    with quiet():
        gateway = Store.open().gateway
        (doc,) = gateway.stacks(Where(names=(name,)))
        (part,) = (d for d in gateway.components(Where(names=(new,))) if d.type == kind)
        members = {key: tuple(one.id for one in parts) for key, parts in doc.members.items()}
        gateway.update_stack(doc.id, StackChange(members={**members, kind: (part.id,)}))


def move_store(name: str, path: str) -> None:
    """Change the path of a stack's artifact store, as somebody at the dashboard might."""
    with quiet():
        gateway = Store.open().gateway
        (doc,) = (d for d in gateway.components(Where(names=(name,))) if d.type == "artifact_store")
        gateway.update_component(doc.id, ComponentChange(configuration={"path": path}))


def test_from_a_creation_to_a_repair(home: Home, kitaru: Kitaru, tmp_path: Path) -> None:
    first, other = str(tmp_path / "first"), str(tmp_path / "other")
    assert kitaru("stack", "create", "dev", "--artifact-store", first).code == 0
    assert kitaru("stack", "create", "still").code == 0

    clean = kitaru("stack", "drift", "--detailed-exitcode", "-o", "json")
    assert clean.code == 0
    assert [(i["stack"], i["finding"]) for i in clean.document["items"]] == [
        ("dev", "none"),
        ("still", "none"),
    ]

    move_store("dev", other)
    before = kitaru("stack", "show", "dev", "-o", "json").document["item"]
    seen = kitaru("stack", "drift", "--detailed-exitcode", "-o", "json")
    assert seen.code == 2
    dev, still = seen.document["items"]
    assert still["finding"] == "none"
    assert dev["finding"] == "drift"
    (item,) = dev["drift"]
    assert item["address"] == "records/artifact_store"
    assert item["actions"] == ["update"]
    assert item["changed"] == [
        {"path": "configuration.path", "op": "change", "before": first, "after": other}
    ]
    assert kitaru("stack", "drift", "dev").code == 0  # only with --detailed-exitcode
    text = kitaru("stack", "drift", "dev").out
    assert f"configuration.path was {first}, is {other}" in text
    assert text.endswith("1 with drift.\n")
    assert f"was {first}" in kitaru("stack", "drift", "-o", "markdown").out
    assert kitaru("stack", "show", "dev", "-o", "json").document["item"] == before

    (plan,) = kitaru("stack", "preview", "dev", "-o", "json").document["item"]["stacks"]
    assert plan["drift"] == dev["drift"]
    text = kitaru("stack", "preview", "dev").out
    assert "Drift, which is what differs from what was applied:" in text
    assert f"configuration.path was {first}, is {other}" in text
    shown = kitaru("stack", "preview", "dev", "-o", "markdown").out
    assert "**Drift**: not as it was applied, 1 of what is stored." in shown
    assert "- `records/artifact_store`: `configuration.path`" in shown
    assert kitaru("stack", "apply", "dev", "--artifact-store", first, "--yes").code == 0
    (plan,) = kitaru("stack", "preview", "dev", "-o", "json").document["item"]["stacks"]
    assert plan["drift"] == []
    assert kitaru("stack", "drift", "--detailed-exitcode").code == 0

    take_out("still", "artifact_store", "default")
    refused = kitaru("stack", "apply", "still", "--yes")
    assert refused.code == 5
    assert "zenml stack update still -a still." in refused.err
    take_out("still", "artifact_store", "still")  # what that does
    assert kitaru("stack", "drift", "still", "--detailed-exitcode").code == 0


def test_what_may_not_be_read_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    error = NotAllowedError("This login may not read service connector x")
    monkeypatch.setattr(health, "views_of", lambda _: [Unread("id", "dev", error)])
    (found,) = health.health(())
    assert (found.stack, found.state.value) == ("dev", "unknown")
    (look,) = found.drift.looks
    assert (look.finding.value, look.why) == ("unknown", found.why)
    assert found.why == "This login may not read service connector x"


def test_a_change_is_kept_as_applied(home: Home, kitaru: Kitaru, tmp_path: Path) -> None:
    assert kitaru("stack", "create", "dev").code == 0
    assert kitaru("stack", "apply", "dev", "--artifact-store", str(tmp_path), "--yes").code == 0
    assert kitaru("stack", "drift", "--detailed-exitcode").code == 0
    again = kitaru("stack", "apply", "dev", "--artifact-store", str(tmp_path), "--yes")
    assert "No changes" in again.out
    exported = kitaru("stack", "export", "dev").out
    assert APPLIED_LABEL not in exported
    assert APPLIED_LABEL not in kitaru("stack", "show", "dev").out


def test_where_nobody_kept_it_it_is_unknown(home: Home, kitaru: Kitaru) -> None:
    kitaru("stack", "create", "old")
    relabel("old", **{APPLIED_LABEL: None})
    unknown = kitaru("stack", "drift", "--detailed-exitcode", "-o", "json")
    assert unknown.code == 1
    (old,) = unknown.document["items"]
    assert old["finding"] == "unknown"
    assert "Nobody kept what was applied" in old["looks"][0]["why"]
    # To record it is a step of its own, which a preview shows and an apply makes.
    (plan,) = kitaru("stack", "preview", "old", "-o", "json").document["item"]["stacks"]
    assert plan["drift"] is None
    (step,) = [change for change in plan["changes"] if change["actions"] != ["no-op"]]
    assert (step["address"], step["actions"]) == ("records/stack", ["update"])
    assert step["reason"]["code"] == "record_of_applied"
    assert [change["path"] for change in step["changed"]] == [f"labels.{APPLIED_LABEL}"]
    assert kitaru("stack", "apply", "old", "--yes").code == 0
    assert kitaru("stack", "drift", "old", "--detailed-exitcode").code == 0
    assert "No changes" in kitaru("stack", "preview", "old").out

    relabel("old", **{APPLIED_LABEL: '{"version": 9}'})
    (old,) = kitaru("stack", "drift", "-o", "json").document["items"]
    assert "does not know" in old["looks"][0]["why"]

    (default,) = kitaru("stack", "drift", "default", "-o", "json").document["items"]
    assert default["finding"] == "unknown"
    assert "Kitaru did not make this stack" in default["looks"][0]["why"]


def test_a_stack_that_was_renamed_through_zenml_is_no_stack_as_applied(
    home: Home, kitaru: Kitaru
) -> None:
    kitaru("stack", "create", "dev")
    labels = rename("dev", "renamed")
    seen = kitaru("stack", "drift", "renamed", "--detailed-exitcode", "-o", "json")
    assert seen.code == 2
    ((item,),) = [found["drift"] for found in seen.document["items"]]
    assert item["address"] == "records/stack"
    (change,) = item["changed"]
    assert (change["path"], change["before"], change["after"]) == ("name", "dev", "renamed")
    # Nor is one that somebody gave the labels of another.
    kitaru("stack", "create", "dev2")
    relabel("dev2", **labels)
    assert kitaru("stack", "drift", "dev2", "--detailed-exitcode").code == 2


def test_no_stack_and_a_wrong_name(home: Home, kitaru: Kitaru) -> None:
    none = kitaru("stack", "drift", "--detailed-exitcode")
    assert (none.code, none.out) == (0, "There is no stack that Kitaru made.\n")
    assert kitaru("stack", "drift", "nothing").code == 4


def test_a_deployment_is_looked_at_too(
    home: Home, kitaru: Kitaru, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine's own preview is tested with the engine, in tests/clouds/aws/test_provision.py."""
    kitaru("stack", "create", "dev")
    relabel("dev", **{STACK_LABEL: "dev"})
    asked: list[dict[str, str]] = []

    def drift(labels: dict[str, str], **_: object) -> tuple[Step, ...]:
        asked.append(labels)
        gone = Step(Action.DELETE, "aws:s3/bucket:Bucket", "data", layer=Layer.INFRASTRUCTURE)
        return (gone, Step(Action.KEEP, "aws:x", "y", layer=Layer.INFRASTRUCTURE))

    monkeypatch.setattr(provision, "drift", drift)
    seen = kitaru("stack", "drift", "--detailed-exitcode", "-o", "json")
    assert seen.code == 2
    (dev,) = seen.document["items"]
    assert asked[0][STACK_LABEL] == "dev"
    assert [look["layer"] for look in dev["looks"]] == ["records", "infrastructure"]
    addresses = [item["address"] for item in dev["drift"] if item["layer"] == "infrastructure"]
    assert addresses == ["infrastructure/aws:s3/bucket:Bucket/data"]

    def refused(labels: dict[str, str], **_: object) -> tuple[Step, ...]:
        raise KitaruError("No credentials", why="Nothing\nlogs in.")

    monkeypatch.setattr(provision, "drift", refused)
    (dev,) = kitaru("stack", "drift", "-o", "json").document["items"]
    infrastructure = dev["looks"][1]
    assert infrastructure["finding"] == "unknown"
    assert "No credentials. Nothing logs in." in infrastructure["why"]


def test_what_a_command_has_moved_aside_is_neither_drift_nor_as_applied(
    home: Home, kitaru: Kitaru
) -> None:
    kitaru("stack", "create", "dev")
    rename("dev", "dev-replaced", **{ASIDE_LABEL: "dev"})
    (item,) = kitaru("stack", "drift", "-o", "json").document["items"]
    assert (item["stack"], item["finding"], item["drift"]) == ("dev-replaced", "unknown", [])
    assert "kitaru stack clean" in item["looks"][0]["why"]


def test_a_stack_that_is_deleted_while_all_are_read_is_passed_over(
    home: Home, kitaru: Kitaru, monkeypatch: pytest.MonkeyPatch
) -> None:
    kitaru("stack", "create", "dev")
    kitaru("stack", "create", "gone")
    read = BaseReader.stack

    def stack(reader: BaseReader, ref: str) -> StackView:
        view = read(reader, ref)
        if view.name == "gone":
            raise StackNotFound("It is gone")
        return view

    monkeypatch.setattr(BaseReader, "stack", stack)
    (item,) = kitaru("stack", "drift", "-o", "json").document["items"]
    assert item["stack"] == "dev"
    assert kitaru("stack", "drift", "dev", "gone").code == 4


def test_a_stack_whose_label_of_kitarus_was_taken_off_is_looked_at_unasked(
    home: Home, kitaru: Kitaru
) -> None:
    assert kitaru("stack", "create", "dev").code == 0
    relabel("dev", **{MANAGED_LABEL: None})
    done = kitaru("stack", "drift", "--detailed-exitcode")
    assert (done.code, "labels.kitaru.managed" in done.out) == (2, True)


def test_without_names_only_what_is_kitarus_is_read_whole(
    home: Home, kitaru: Kitaru, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ours", "unlabelled", "theirs"):
        assert kitaru("stack", "create", name, "--no-activate").code == 0
    relabel("unlabelled", **{MANAGED_LABEL: None})
    relabel("theirs", **{MANAGED_LABEL: None, APPLIED_LABEL: None})
    read: list[str] = []
    whole = BaseReader.stack

    def stack(self: BaseReader, ref: str) -> StackView:
        view = whole(self, ref)
        read.append(view.name)
        return view

    monkeypatch.setattr(BaseReader, "stack", stack)
    found = kitaru("stack", "drift", "-o", "json").document["items"]
    assert [item["stack"] for item in found] == ["ours", "unlabelled"]
    assert read == ["ours", "unlabelled"]
