"""Whether somebody else has written to a stack since it was read, or since it was written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from kitaru_iac.errors import StackChanged
from kitaru_iac.labels import APPLIED_LABEL
from kitaru_iac.records.model import Records
from kitaru_iac.records.read_back import (
    differences,
    differences_of_new,
    new_since,
    require_as_read,
)
from tests.records.shelf import Shelf, id_of
from tests.records.snapshots import MANAGED

COLLEAGUE = {**MANAGED, "team": "theirs"}


def stored() -> Shelf:
    shelf = Shelf().link("link", "s").component("store", "s", connector="link")
    shelf.component("runner", "s", type="orchestrator").component("free", "s", type="log_store")
    shelf.component("images", "s", type="container_registry")
    return shelf.stack("s", "s", "store", "runner").stack("t", "t", "images")


def read(shelf: Shelf) -> Records:
    shelf.forget()
    found = shelf.read("s", secrets=True)
    assert found is not None
    return found


def relabel_part(shelf: Shelf) -> None:
    doc = shelf.components[id_of("store")]
    shelf.components[id_of("store")] = replace(doc, labels=COLLEAGUE)


def relabel_link(shelf: Shelf) -> None:
    doc = shelf.connectors[id_of("link")]
    shelf.connectors[id_of("link")] = replace(doc, labels=COLLEAGUE)


def change_link(shelf: Shelf) -> None:
    doc = shelf.connectors[id_of("link")]
    shelf.connectors[id_of("link")] = replace(doc, auth_method="secret-key")


def delete_link(shelf: Shelf) -> None:
    del shelf.connectors[id_of("link")]


def exchange_part(shelf: Shelf) -> None:
    shelf.stack("s", "s", "runner", "images")


def add_part(shelf: Shelf) -> None:
    shelf.stack("s", "s", "store", "runner", "images")


def change_elsewhere(shelf: Shelf) -> None:
    doc = shelf.components[id_of("images")]
    shelf.components[id_of("images")] = replace(doc, labels=COLLEAGUE)


@pytest.mark.parametrize(
    ("meanwhile", "connector", "differs"),
    [
        (lambda shelf: None, True, None),
        (change_elsewhere, True, None),
        (relabel_part, True, ["artifact store s"]),
        (relabel_part, False, ["artifact store s"]),
        (exchange_part, False, ["artifact store s", "container registry s"]),
        (add_part, False, ["container registry s"]),
        # The connector counts where it is to be written too.
        (relabel_link, True, ["service connector s"]),
        (relabel_link, False, None),
        (change_link, True, ["service connector s"]),
        (delete_link, True, ["service connector s"]),
    ],
)
def test_nothing_is_written_over_what_somebody_else_wrote(
    meanwhile: Callable[[Shelf], None], differs: list[str] | None, *, connector: bool
) -> None:
    shelf = stored()
    current = read(shelf)
    meanwhile(shelf)
    if differs is None:
        require_as_read(shelf, current, connector=connector)
        return
    with pytest.raises(StackChanged) as refused:
        require_as_read(shelf, current, connector=connector)
    assert refused.value.what == "Stack 's' was changed by somebody else meanwhile"
    assert list(refused.value.differs) == differs
    assert shelf.written == []


def test_a_stack_without_a_connector_has_none_that_could_change() -> None:
    shelf = Shelf().component("store", "s").stack("s", "s", "store")
    require_as_read(shelf, read(shelf), connector=True)


def test_a_part_that_is_to_be_taken_over_is_as_it_was_read() -> None:
    shelf = stored()
    current = read(shelf)
    parts = {part.type: part for part in current.components}
    assert new_since(current, dict(parts)) == []
    relabel_part(shelf)
    later = {part.type: part for part in read(shelf).components}
    assert new_since(current, later) == ["artifact store s"]
    assert new_since(current, {}) == [
        f"{part.type.replace('_', ' ')} s" for part in current.components
    ]


def rename(shelf: Shelf) -> None:
    shelf.stacks[id_of("s")] = replace(shelf.stacks[id_of("s")], name="mine")


def remove(shelf: Shelf) -> None:
    del shelf.stacks[id_of("s")]


def apply_another(shelf: Shelf) -> None:
    labels = {**shelf.stacks[id_of("s")].labels, APPLIED_LABEL: "b"}
    shelf.stacks[id_of("s")] = replace(shelf.stacks[id_of("s")], labels=labels)


def relink(shelf: Shelf) -> None:
    shelf.link("other", "other")
    doc = shelf.components[id_of("store")]
    shelf.components[id_of("store")] = replace(doc, connector_id=id_of("other"))


@pytest.mark.parametrize(
    ("meanwhile", "lines"),
    [
        (lambda shelf: None, []),
        (change_elsewhere, []),
        (remove, ["stack s: it is gone"]),
        (rename, ["stack s: it is called mine"]),
        (apply_another, [f"stack s: labels.{APPLIED_LABEL}"]),
        (relink, ["artifact store s: connector", "artifact_store s: its connector"]),
    ],
)
def test_what_was_changed_in_place_is_compared_with_what_was_asked_for(
    meanwhile: Callable[[Shelf], None], lines: list[str]
) -> None:
    shelf = stored()
    desired = read(shelf)
    desired = replace(desired, labels={**desired.labels, APPLIED_LABEL: "a"})
    labels = {**shelf.stacks[id_of("s")].labels, APPLIED_LABEL: "a"}
    shelf.stacks[id_of("s")] = replace(shelf.stacks[id_of("s")], labels=labels)
    meanwhile(shelf)
    assert differences(shelf, desired, id_of("s"), id_of("link")) == lines
    if meanwhile not in (remove, rename, apply_another):
        stack = shelf.stacks[id_of("s")]
        assert differences_of_new(shelf, desired, stack, id_of("link")) == lines


def test_a_connector_that_is_gone_or_has_changed_is_a_difference() -> None:
    for change in (delete_link, change_link):
        shelf = stored()
        desired = read(shelf)
        change(shelf)
        found = differences(shelf, desired, id_of("s"), id_of("link"))
        assert found != []
        assert any(line.startswith(("service connector s", "connector s")) for line in found), found
