"""What goes with a stack, what stays and why, and what refuses to go: on a store in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from kitaru_iac.errors import (
    InfrastructureRemains,
    KitaruError,
    NotFoundError,
    ProtectedStackError,
    RegistrationFailed,
)
from kitaru_iac.gateway.errors import translate_errors
from kitaru_iac.gateway.views import DEFAULT_STACK
from kitaru_iac.labels import (
    BACKEND_LABEL,
    DEPLOYMENT_LABELS,
    MANAGED_LABEL,
    ORPHANED_LABEL,
    OWNER_LABEL,
    PROJECT_LABEL,
    STACK_LABEL,
)
from kitaru_iac.records.owner import Owner
from kitaru_iac.stacks import delete as module
from kitaru_iac.stacks.delete import require_deletable
from kitaru_iac.stacks.deployed import require_none
from kitaru_iac.stacks.removed_parts import DEPLOYMENT
from kitaru_iac.stacks.results import Deleted
from tests.records.shelf import Shelf, Words, id_of
from tests.records.snapshots import MANAGED, delete

URN = "urn:pulumi:prod::platform::kitaru:index:Stack::s"
DEPLOYED = {PROJECT_LABEL: "kitaru-s", STACK_LABEL: "s", BACKEND_LABEL: "s3://state"}
ONLY_RECURSIVE = "deleted with --recursive only"
NOT_OURS = "not made with this stack"


@pytest.fixture(autouse=True)
def scopes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Where the stack is active; a test adds to it."""
    found: list[str] = []
    monkeypatch.setattr(module, "scopes_of", lambda stack: list(found))
    monkeypatch.setattr(module, "leave", lambda store, where: f"default for {' '.join(where)}")
    return found


def a_stack(
    *,
    labels: Mapping[str, str] = MANAGED,
    store: Mapping[str, str] = MANAGED,
    link: Mapping[str, str] = MANAGED,
    **shelf: Any,
) -> Shelf:
    """Stack `s` with its own connector, two parts of its own and one added by hand."""
    return (
        Shelf(**shelf)
        .link("link", "s", link)
        .component("runner", "s", type="orchestrator", connector="link")
        .component("store", "s", store, connector="link")
        .component("builder", "mine", {}, type="image_builder")
        .stack("stack", "s", "runner", "store", "builder", labels=labels)
    )


def reasons(done: Deleted) -> dict[str, str]:
    """Why each part stays."""
    return {part.kind: part.reason for part in done.kept}


def removed(shelf: Shelf) -> list[str]:
    """What was deleted, in its order."""
    return [line.removeprefix("delete ") for line in shelf.written if line.startswith("delete ")]


def labelled(shelf: Shelf) -> set[str]:
    """What was given labels."""
    return {line.removeprefix("label ") for line in shelf.written if line.startswith("label ")}


# -- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "force", "refused"),
    [
        ([], False, None),
        ([], True, None),
        (["global"], False, "is the active stack"),
        (["repository"], False, "is the active stack"),
        (["repository", "global"], False, "is the active stack"),
        (["global"], True, None),
        (["repository"], True, None),
        (["repository", "global"], True, None),
        (["environment"], False, "ZENML_ACTIVE_STACK_ID"),
        (["environment"], True, "ZENML_ACTIVE_STACK_ID"),
        (["environment", "global"], True, "ZENML_ACTIVE_STACK_ID"),
    ],
)
def test_an_active_stack_is_not_deleted_unless_that_can_be_forced(
    scopes: list[str], where: list[str], force: bool, refused: str | None
) -> None:
    scopes.extend(where)
    shelf = a_stack()
    if refused is None:
        done = delete(shelf, "s", recursive=False, force=force)
        assert done.new_active_stack == (f"default for {' '.join(where)}" if where else None)
        assert removed(shelf) == ["stack"]
    else:
        with pytest.raises(ProtectedStackError, match=refused):
            delete(shelf, "s", recursive=True, force=force)
        assert shelf.written == []


def test_a_stack_that_becomes_active_while_it_is_deleted_leaves_the_default_one(
    scopes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Words.delete

    def late(self: Words, kind: Any, id: str) -> bool:
        scopes.extend(["global"] if kind == "stack" else [])
        return real(self, kind, id)

    monkeypatch.setattr(Words, "delete", late)
    done = delete(a_stack(), "s", recursive=True, force=False)
    assert done.new_active_stack == "default for global"


@pytest.mark.parametrize(
    ("where", "why"),
    [
        (["global"], "Runs that name no stack would have none."),
        (["repository"], "It is the active stack of this directory."),
        (["repository", "global"], "Runs that name no stack would have none."),
        (["environment"], "No command can change the environment of the shell"),
    ],
)
def test_a_refusal_says_for_whom_the_stack_is_active(
    scopes: list[str], where: list[str], why: str
) -> None:
    scopes.extend(where)
    with pytest.raises(ProtectedStackError) as refused:
        delete(a_stack(), "s", recursive=False, force=False)
    assert str(refused.value.why).startswith(why)
    wanted = "unset ZENML_ACTIVE_STACK_ID" if where == ["environment"] else "--force"
    assert wanted in str(refused.value.remedy)


@pytest.mark.parametrize("force", [False, True])
def test_the_default_stack_is_never_deleted(scopes: list[str], force: bool) -> None:
    shelf = Shelf().stack("stack", DEFAULT_STACK)
    with pytest.raises(ProtectedStackError, match="default stack cannot be deleted"):
        delete(shelf, DEFAULT_STACK, recursive=True, force=force)
    assert shelf.written == []


@pytest.mark.parametrize(
    ("owner", "force", "infrastructure", "refused"),
    [
        (None, False, False, True),
        (None, True, False, False),
        (None, True, True, True),
        (Owner(URN.replace("prod", "test")), True, False, True),
        (Owner(URN), False, False, False),
        (Owner(URN), False, True, False),
    ],
)
@pytest.mark.parametrize("labels", [{OWNER_LABEL: URN}, None], ids=["Pulumi's", "nobody's"])
def test_a_stack_of_pulumis_goes_only_by_its_program_or_by_force(
    labels: dict[str, str] | None,
    owner: Owner | None,
    force: bool,
    infrastructure: bool,
    refused: bool,
) -> None:
    shelf = Shelf().stack("stack", "s", labels=labels)
    stack = shelf.find("s")
    if refused and labels:
        with pytest.raises(ProtectedStackError, match="belongs to Pulumi"):
            require_deletable(stack, force=force, owner=owner, infrastructure=infrastructure)
    else:
        where = require_deletable(stack, force=force, owner=owner, infrastructure=infrastructure)
        assert where == []


@pytest.mark.parametrize(
    ("given", "deployed", "advised"),
    [
        ([], False, "--force"),
        (["--recursive"], False, "--recursive --force"),
        (["--recursive", "--unmanaged"], False, "--recursive --unmanaged --force"),
        (
            ["--recursive", "--infra", "--delete-data"],
            True,
            "--recursive --infra --delete-data --force",
        ),
    ],
)
@pytest.mark.parametrize("why", ["active", "Pulumi's"])
def test_a_refusal_advises_no_less_than_was_asked(
    scopes: list[str], why: str, given: list[str], deployed: bool, advised: str
) -> None:
    labels = {**MANAGED, **(DEPLOYED if deployed else {})}
    if why == "active":
        scopes.append("global")
    else:
        labels[OWNER_LABEL] = URN
    stack = a_stack(labels=labels).find("s")
    assert stack is not None
    infra = "--infra" in given
    with pytest.raises(ProtectedStackError) as refused:
        require_deletable(stack, force=False, infrastructure=infra, flags=given)
    assert str(refused.value.remedy).endswith(f"kitaru stack delete {stack.id} {advised}")


def test_what_pulumi_provisioned_is_not_advised_to_be_taken_down() -> None:
    stack = a_stack(labels={**MANAGED, OWNER_LABEL: URN}).find("s")
    assert stack is not None
    given = ["--recursive", "--force", "--infra", "--include-protected"]
    with pytest.raises(ProtectedStackError, match="provisioned nothing") as refused:
        require_deletable(stack, force=True, infrastructure=True, flags=given)
    last = str(refused.value.remedy).splitlines()[-1]
    assert last.endswith(f"kitaru stack delete {stack.id} --recursive --force")


@pytest.mark.parametrize(
    ("given", "both", "record"),
    [
        ([], "--recursive --infra", "--keep-infra"),
        (["--recursive"], "--recursive --infra", "--recursive --keep-infra"),
        (["--force"], "--recursive --force --infra", "--force --keep-infra"),
    ],
)
def test_both_ways_for_what_was_provisioned_go_on_with_what_was_asked(
    given: list[str], both: str, record: str
) -> None:
    stack = a_stack(labels={**MANAGED, **DEPLOYED}).find("s")
    assert stack is not None
    with pytest.raises(InfrastructureRemains) as refused:
        require_none(stack, given)
    lines = str(refused.value.remedy).splitlines()
    assert [line.partition(f"{stack.id} ")[2] for line in lines] == [both, record]


@pytest.mark.parametrize(("owner", "warned"), [(None, True), (Owner(URN), False)])
def test_only_a_forced_deletion_is_warned_of(owner: Owner | None, warned: bool) -> None:
    shelf = a_stack(labels={**MANAGED, OWNER_LABEL: URN})
    done = delete(shelf, "s", recursive=False, force=True, owner=owner)
    assert bool(done.warnings) is warned


def test_a_refusal_comes_before_anything_is_written(scopes: list[str]) -> None:
    shelf = a_stack(labels={**MANAGED, OWNER_LABEL: URN})
    with pytest.raises(ProtectedStackError):
        delete(shelf, "s", recursive=True, force=False)
    assert shelf.written == []


# -- what goes and what stays ----------------------------------------------------------------------


def test_with_recursive_its_own_parts_go_after_the_stack_and_the_connector_last() -> None:
    shelf = a_stack()
    done = delete(shelf, "s", recursive=True, force=False)
    assert removed(shelf) == ["stack", "store", "runner", "link"]
    assert done.components_deleted == ("s (artifact_store)", "s (orchestrator)")
    assert done.connectors_deleted == ("s",)
    assert reasons(done) == {"image_builder": NOT_OURS}
    assert (done.deleted_stack, done.recursive, done.new_active_stack) == ("s", True, None)


def test_without_recursive_the_stack_goes_alone() -> None:
    shelf = a_stack()
    done = delete(shelf, "s", recursive=False, force=False)
    assert removed(shelf) == ["stack"]
    assert (done.components_deleted, done.connectors_deleted, done.recursive) == ((), (), False)
    assert reasons(done) == {
        "orchestrator": ONLY_RECURSIVE,
        "artifact_store": ONLY_RECURSIVE,
        "image_builder": NOT_OURS,
        "service_connector": ONLY_RECURSIVE,
    }


def test_without_recursive_parts_that_are_not_its_own_are_said_to_be_so() -> None:
    done = delete(a_stack(store={}, link={}), "s", recursive=False, force=False)
    assert reasons(done) == {
        "orchestrator": ONLY_RECURSIVE,
        "artifact_store": NOT_OURS,
        "image_builder": NOT_OURS,
        "service_connector": NOT_OURS,
    }


@pytest.mark.parametrize("recursive", [False, True])
def test_what_stays_of_its_own_is_marked_and_nothing_else(recursive: bool) -> None:
    shelf = a_stack(store={**MANAGED, "team": "ml"}, link={**MANAGED, "team": "ml"})
    delete(shelf, "s", recursive=recursive, force=False)
    assert labelled(shelf) == {"runner", "store", "link"}
    if not recursive:
        marked = {**MANAGED, ORPHANED_LABEL: "true", "team": "ml"}
        assert shelf.components[id_of("store")].labels == marked
        assert shelf.connectors[id_of("link")].labels == marked
        assert shelf.components[id_of("builder")].labels == {}


def test_the_marks_are_written_before_the_stack_goes() -> None:
    shelf = a_stack()
    delete(shelf, "s", recursive=True, force=False)
    first = shelf.written.index("delete stack")
    assert shelf.written[:first] == ["label store", "label runner", "label link"]


@pytest.mark.parametrize("recursive", [False, True])
def test_a_stack_without_a_connector_goes_too(recursive: bool) -> None:
    shelf = Shelf().component("store", "s").stack("stack", "s", "store")
    done = delete(shelf, "s", recursive=recursive, force=False)
    assert removed(shelf) == (["stack", "store"] if recursive else ["stack"])
    assert reasons(done) == ({} if recursive else {"artifact_store": ONLY_RECURSIVE})


@pytest.mark.parametrize("recursive", [False, True])
def test_a_part_that_another_stack_uses_is_neither_deleted_nor_marked(recursive: bool) -> None:
    shelf = a_stack().stack("theirs", "theirs", "store")
    done = delete(shelf, "s", recursive=recursive, force=False)
    assert removed(shelf) == (["stack", "runner"] if recursive else ["stack"])
    assert "store" not in labelled(shelf)
    assert shelf.components[id_of("store")].labels == MANAGED
    if recursive:
        assert reasons(done)["artifact_store"] == "used by stack theirs"
        used = "used by component s (artifact_store)"
        assert reasons(done)["service_connector"] == used
    assert id_of("link") in shelf.connectors


@pytest.mark.parametrize(
    ("names", "listing"),
    [
        (["a"], "stack a"),
        (["a", "b"], "stacks a, b"),
        (["a", "b", "c"], "stacks a, b, c"),
        (["a", "b", "c", "d"], "stacks a, b, c and 1 more"),
    ],
)
def test_who_uses_a_part_is_said_up_to_three(names: list[str], listing: str) -> None:
    shelf = a_stack()
    for name in names:
        shelf.stack(name, name, "store")
    done = delete(shelf, "s", recursive=True, force=False)
    assert reasons(done)["artifact_store"] == f"used by {listing}"


def test_a_connector_that_others_use_stays() -> None:
    shelf = a_stack().component("their store", "theirs", {}, connector="link")
    done = delete(shelf, "s", recursive=True, force=False)
    assert removed(shelf) == ["stack", "store", "runner"]
    assert reasons(done)["service_connector"] == "used by component theirs (artifact_store)"
    assert done.connectors_deleted == ()


def test_a_connector_that_was_there_before_the_stack_stays_unmarked() -> None:
    shelf = a_stack(link={})
    done = delete(shelf, "s", recursive=True, force=False)
    assert removed(shelf) == ["stack", "store", "runner"]
    assert reasons(done)["service_connector"] == "it was there before the stack"
    assert labelled(shelf) == {"runner", "store"}


def test_a_part_of_its_name_that_kitaru_did_not_make_stays_unmarked() -> None:
    shelf = a_stack(store={})
    done = delete(shelf, "s", recursive=True, force=False)
    assert removed(shelf) == ["stack", "runner"]
    assert reasons(done)["artifact_store"] == NOT_OURS
    assert labelled(shelf) == {"runner", "link"}


@pytest.mark.parametrize("labels", [{}, {MANAGED_LABEL: "false"}], ids=str)
def test_of_a_stack_that_kitaru_did_not_make_no_part_goes(labels: dict[str, str]) -> None:
    shelf = a_stack(labels=labels)
    done = delete(shelf, "s", recursive=True, force=False)
    assert removed(shelf) == ["stack"]
    assert set(reasons(done).values()) == {"the stack was not created by Kitaru"}
    assert set(reasons(done)) == {
        "orchestrator",
        "artifact_store",
        "image_builder",
        "service_connector",
    }


@pytest.mark.parametrize("recursive", [False, True])
@pytest.mark.parametrize(
    ("labels", "name", "backend"),
    [
        (DEPLOYED, "kitaru-s/s", "s3://state"),
        ({f"{DEPLOYMENT_LABELS}stack": "x"}, "/x", ""),
        ({}, None, None),
        ({"pulumi.stack": "x"}, None, None),
    ],
)
def test_a_deployment_is_said_to_stay(
    labels: dict[str, str], name: str | None, backend: str | None, recursive: bool
) -> None:
    done = delete(a_stack(labels={**MANAGED, **labels}), "s", recursive=recursive, force=False)
    kept = [part for part in done.kept if part.kind == DEPLOYMENT]
    if name is None:
        assert kept == []
    else:
        (part,) = kept
        assert part.name == name
        assert part.reason == f"deleted with --infra only; state in {backend}"


# -- what was left ---------------------------------------------------------------------------------


@pytest.mark.parametrize("ref", ["s", "elsewhere"])
@pytest.mark.parametrize("recursive", [False, True])
def test_a_name_that_nothing_carries_is_not_found(ref: str, recursive: bool) -> None:
    shelf = Shelf().component("store", "s", {}).link("link", "s", {})
    with pytest.raises(NotFoundError):
        delete(shelf, ref, recursive=recursive, force=True)
    assert shelf.written == []


@pytest.mark.parametrize(
    ("store", "link", "gone"),
    [
        (True, False, ["store"]),
        (False, True, ["link"]),
        (True, True, ["store", "link"]),
    ],
)
def test_parts_that_a_deletion_left_go_with_recursive_only(
    store: bool, link: bool, gone: list[str]
) -> None:
    def left() -> Shelf:
        shelf = Shelf()
        if link:
            shelf.link("link", "s")
        return shelf.component("store", "s") if store else shelf

    done = delete(shelf := left(), "s", recursive=True, force=False)
    assert removed(shelf) == gone
    assert len(done.components_deleted) == int(store)
    assert len(done.connectors_deleted) == int(link)
    assert (done.deleted_stack, done.new_active_stack, done.recursive) == ("s", None, True)
    with pytest.raises(NotFoundError):
        delete(shelf := left(), "s", recursive=False, force=True)
    assert shelf.written == []


@pytest.mark.parametrize("word", ["store", "link"])
def test_what_a_registration_may_be_making_at_this_moment_is_not_taken_for_left(word: str) -> None:
    shelf = Shelf(fresh=[word])
    shelf.component("store", "s") if word == "store" else shelf.link("link", "s")
    with pytest.raises(NotFoundError):
        delete(shelf, "s", recursive=True, force=True)
    assert shelf.written == []


def test_a_part_of_that_name_in_another_stack_was_not_left() -> None:
    shelf = Shelf().link("link", "s").component("store", "s", connector="link")
    shelf.stack("theirs", "theirs", "store")
    with pytest.raises(NotFoundError):
        delete(shelf, "s", recursive=True, force=True)
    assert shelf.written == []


# -- a failure half-way ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fails", "left"),
    [
        ("stack", ["stack s", "artifact_store s", "orchestrator s", "service connector s"]),
        ("store", ["artifact_store s", "orchestrator s", "service connector s"]),
        ("runner", ["orchestrator s", "service connector s"]),
        ("link", ["service connector s"]),
    ],
)
@pytest.mark.parametrize(
    ("error", "why"),
    [
        (RuntimeError("the disk is full"), "ZenML failed. RuntimeError: the disk is full"),
        (KitaruError("no", why="because"), "no. because"),
        (KitaruError("no"), "no"),
    ],
    ids=["ZenML's", "ours", "ours without a reason"],
)
def test_a_failure_half_way_names_all_that_is_left(
    monkeypatch: pytest.MonkeyPatch, fails: str, left: list[str], error: Exception, why: str
) -> None:
    real = Words.delete

    def broken(self: Words, kind: Any, id: str) -> bool:
        with translate_errors():
            if self.words[id] == fails:
                raise error
        return real(self, kind, id)

    monkeypatch.setattr(Words, "delete", broken)
    shelf = a_stack()
    with pytest.raises(RegistrationFailed) as failed:
        delete(shelf, "s", recursive=True, force=False)
    assert failed.value.left == tuple(left)
    assert failed.value.what == "Deleting stack 's' stopped half-way"
    assert failed.value.why == why
    # When the stack is gone, its name may be somebody else's next.
    assert failed.value.remedy == (
        f"Go on with: kitaru stack delete {id_of('stack')} --recursive"
        if fails == "stack"
        else "Delete the rest with: kitaru stack clean"
    )
    monkeypatch.undo()
    assert fails not in removed(shelf)


# -- gone already ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("stack", "stack"),
        ("store", "artifact_store"),
        ("runner", "orchestrator"),
        ("link", "service_connector"),
    ],
)
def test_what_was_gone_already_is_not_said_to_be_deleted(
    monkeypatch: pytest.MonkeyPatch, word: str, kind: str
) -> None:
    real = Words.delete

    def late(self: Words, kind: Any, id: str) -> bool:
        """Somebody else is faster with one of them."""
        there = real(self, kind, id)
        return there and self.words[id] != word

    monkeypatch.setattr(Words, "delete", late)
    done = delete(a_stack(), "s", recursive=True, force=False)
    assert [(part.kind, part.name) for part in done.already_gone] == [(kind, "s")]
    item = done.to_dict()
    assert item["already_gone"] == [{"kind": kind, "name": "s"}]
    assert item["deleted_stack"] == (None if word == "stack" else "s")
    assert item["components_deleted"] == [
        f"s ({of})" for of in ("artifact_store", "orchestrator") if of != kind
    ]
    assert item["service_connectors_deleted"] == (["s"] if word != "link" else [])


def test_of_a_deletion_that_is_resumed_the_stack_was_gone_already() -> None:
    done = delete(Shelf().component("store", "s"), "s", recursive=True, force=False)
    assert done.to_dict()["deleted_stack"] is None
    assert [str(part) for part in done.already_gone] == ["stack s"]
    assert delete(a_stack(), "s", recursive=True, force=False).already_gone == ()
