"""Stacks that no file describes any more go: those of these files, and nobody else's."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.errors import KitaruError, UsageError
from kitaru_iac.gateway.documents import StackChange, Where
from kitaru_iac.gateway.memory import MemoryGateway, installed
from kitaru_iac.labels import ASIDE_LABEL, BACKEND_LABEL, OWNER_LABEL, SOURCE_LABEL
from kitaru_iac.stacks import operations
from kitaru_iac.stacks.many import apply_all, plan_all, prune_all
from kitaru_iac.stacks.outcomes import Outcome
from kitaru_iac.stacks.prune import Pruning, plan_prune
from kitaru_iac.stacks.source import Source, source_in, source_of_files
from tests.cli.conftest import Kitaru, kitaru  # noqa: F401
from tests.stacks.test_many import described, memory  # noqa: F401

MINE = Source("github.com/acme/stacks", "", ("stacks/",))


def apply(source: Source | None, *names: str) -> list[Outcome]:
    outcomes: list[Outcome] = []
    kept = None if source is None else source.label
    apply_all(described(*names), outcomes=outcomes, kept_source=kept)
    assert all(outcome.error is None for outcome in outcomes), outcomes
    return outcomes


def planned(source: Source, *names: str) -> Pruning:
    plans, _ = plan_all(described(*names), kept_source=source.label)
    return plan_prune(source, names, plans)


def names_of(pruning: Pruning) -> list[str]:
    return [item.name for item in pruning.stacks]


def names_in(gateway: MemoryGateway) -> set[str]:
    return {doc.name for doc in gateway.stacks(Where())} - {"default"}


def label(gateway: MemoryGateway, name: str, **labels: str) -> None:
    (doc,) = gateway.stacks(Where(names=(name,)))
    gateway.update_stack(doc.id, StackChange(labels={**doc.labels, **labels}))


OTHERS = {
    "another repository": Source("github.com/acme/other", "", ("stacks/",)),
    "another folder": Source("github.com/acme/stacks", "", ("more/",)),
    "another name": Source("github.com/acme/stacks", "prod", ("stacks/",)),
    "a run that read more": Source("github.com/acme/stacks", "", ("more/", "stacks/")),
    "nobody knows which": None,
}


@pytest.mark.parametrize("kind", OTHERS)
def test_what_is_not_of_this_source_stays(memory: MemoryGateway, kind: str) -> None:  # noqa: F811
    with installed(memory):
        apply(OTHERS[kind], "theirs")
        apply(MINE, "mine", "gone")
        assert names_of(planned(MINE, "mine")) == ["gone"]


READS = [
    (("stacks/",), ("stacks/a.yaml",), True),  # the folder that a file is in
    (("stacks/",), ("stacks/below/a.yaml",), False),  # which the folder's run does not read
    (("./",), ("a.yaml",), True),
    # What is read only where it is named.
    (("stacks/",), ("stacks/", "stacks/a.json"), False),
    (("stacks/",), ("stacks/.a.yaml",), False),
    (("stacks/",), ("stacks/kitaru.yaml",), False),
    (("stacks/",), ("stacks/a.YAML",), False),
    (("./",), ("a",), False),
    (("stacks/a.json", "stacks/"), ("stacks/", "stacks/a.json"), True),
    (("stacks/",), ("stacks/a.b.yml",), True),
    (("stacks/",), ("stacks/", "more/"), False),
    (("more/", "stacks/"), ("stacks/",), True),
    (("stacks",), ("stacks/",), False),
]


@pytest.mark.parametrize(("now", "before", "expected"), READS)
def test_who_reads_all_that_was_read(
    now: tuple[str, ...], before: tuple[str, ...], expected: bool
) -> None:
    assert replace(MINE, paths=now).reads_all_of(replace(MINE, paths=before)) is expected


def test_it_is_planned_applied_and_the_second_time_nothing(
    memory: MemoryGateway,  # noqa: F811
) -> None:
    with installed(memory):
        apply(MINE, "a", "b")
        pruning = planned(MINE, "a")
        (entry,) = [item.planned.to_dict() for item in pruning.stacks]
        assert entry["stack"] == "b"
        assert {change["address"] for change in entry["changes"]} == {
            "records/stack",
            "records/orchestrator",
            "records/artifact_store",
            "records/container_registry",
            "records/service_connector",
        }
        assert {tuple(change["actions"]) for change in entry["changes"]} == {("delete",)}
        assert {change["reason"]["code"] for change in entry["changes"]} == {"pruned"}
        assert names_in(memory) == {"a", "b"}  # nothing was done
        outcomes: list[Outcome] = []
        prune_all(pruning, MINE, outcomes)
        assert [(one.name, one.status) for one in outcomes] == [("b", "pruned")]
        assert names_in(memory) == {"a"}
        assert {doc.name for doc in memory.components(Where())} == {"a", "default"}
        assert [doc.name for doc in memory.connectors(Where())] == ["a"]
        assert planned(MINE, "a") == Pruning()


STORE, REGISTRY = "artifact_store", "container_registry"
#: Which stack uses which part of which other one; who goes when, and whose part is left.
SHARED: list[tuple[list[tuple[str, str, str]], str, set[str]]] = [
    ([], "bcd", set()),
    ([("c", STORE, "b")], "cbd", set()),
    ([("c", STORE, "b"), ("d", REGISTRY, "c")], "dcb", set()),
    ([("d", STORE, "b"), ("c", STORE, "b")], "cdb", set()),
    ([("c", STORE, "b"), ("b", REGISTRY, "c")], "dbc", {"b"}),  # no order would do
    ([("c", STORE, "b"), ("e", REGISTRY, "c")], "cbd", {"c"}),  # `e` is nobody's to prune
]


@pytest.mark.parametrize(("uses", "order", "left"), SHARED)
def test_one_run_takes_what_pruned_stacks_share(
    memory: MemoryGateway,  # noqa: F811
    uses: list[tuple[str, str, str]],
    order: str,
    left: set[str],
) -> None:
    with installed(memory):
        apply(MINE, "a", "b", "c", "d")
        apply(None, "e")
        for user, kind, owner in uses:
            stacks = {doc.name: doc for doc in memory.stacks(Where())}
            members = {**stacks[user].members, kind: stacks[owner].members[kind]}
            ids = {kind: tuple(part.id for part in parts) for kind, parts in members.items()}
            memory.update_stack(stacks[user].id, StackChange(members=ids))
            memory.delete("component", stacks[user].members[kind][0].id)
        pruning = planned(MINE, "a")
        assert "".join(names_of(pruning)) == order
        outcomes: list[Outcome] = []
        prune_all(pruning, MINE, outcomes)
        assert [one.status for one in outcomes] == ["pruned"] * 3, outcomes
        there = {doc.name for doc in memory.components(Where())} - {"a", "default", "e"}
        assert there == left
        assert {doc.name for doc in memory.connectors(Where())} == {"a", "e", *left}


def test_an_apply_without_a_source_keeps_the_one_there_is(
    memory: MemoryGateway,  # noqa: F811
) -> None:
    with installed(memory):
        apply(MINE, "a", "b")
        assert [one.status for one in apply(None, "b")] == ["unchanged"]
        plans, _ = plan_all(described("a", "b"), kept_source=MINE.label)
        assert [plan.to_dict()["drift"] for plan in plans] == [[], []]
        apply_all(described("b", cluster="two"), outcomes=[])
        assert names_of(planned(MINE, "a")) == ["b"]
        # Who applies it from elsewhere has it from then on; a plan shows that.
        plans, _ = plan_all(described("b", cluster="two"), kept_source=OTHERS["another name"].label)  # type: ignore[union-attr]
        (changed,) = [c for c in plans[0].to_dict()["changes"] if c["actions"] == ["update"]]
        assert [field["path"] for field in changed["changed"]] == [f"labels.{SOURCE_LABEL}"]


REFUSED = {
    "provisioned": ({BACKEND_LABEL: "file:///state"}, "infrastructure_remains"),
    "active": ({}, "stack_protected"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_delete_refuses_is_refused_with_its_words(
    memory: MemoryGateway,  # noqa: F811
    kind: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    labels, code = REFUSED[kind]
    with installed(memory):
        apply(MINE, "a", "b", "c")
        label(memory, "b", **labels)
        if kind == "active":
            monkeypatch.setenv("ZENML_ACTIVE_STACK_ID", "b")
        pruning = planned(MINE, "a")
        assert names_of(pruning) == ["b", "c"]
        assert [entry.planned.to_dict()["applyable"] for entry in pruning.stacks] == [False, True]
        outcomes: list[Outcome] = []
        prune_all(pruning, MINE, outcomes)
        assert [one.status for one in outcomes] == ["failed", "pruned"]
        assert outcomes[0].error is not None
        assert outcomes[0].error.code == code
        assert names_in(memory) == {"a", "b"}


STAYS = {
    "a program's": ({OWNER_LABEL: "urn:pulumi:dev::p::kitaru:index:Stack::b"}, "Pulumi program"),
    "not understood": ({SOURCE_LABEL: "stacks"}, "not understood"),
    "not managed": ({"kitaru.managed": "false"}, "not managed"),
}


@pytest.mark.parametrize("kind", STAYS)
def test_what_may_be_somebody_elses_stays_and_is_told(
    memory: MemoryGateway,  # noqa: F811
    kind: str,
) -> None:
    labels, said = STAYS[kind]
    with installed(memory):
        apply(MINE, "a", "b")
        label(memory, "b", **labels)
        pruning = planned(MINE, "a")
        assert pruning.stacks == ()
        assert said in str(pruning.warnings[0])


def test_a_source_of_the_same_name_elsewhere_is_told_apart(memory: MemoryGateway) -> None:  # noqa: F811
    here, there = (Source(place, "prod", ("s/",)) for place in ("github.com/a/a", "github.com/b/b"))
    with installed(memory):
        apply(there, "theirs")
        apply(here, "mine")
        pruning = planned(here, "mine")
        assert pruning.stacks == ()
        assert "another source of this name" in str(pruning.warnings[0])


def test_nothing_is_pruned_where_something_described_has_no_plan_or_fails(
    memory: MemoryGateway,  # noqa: F811
) -> None:
    with installed(memory):
        apply(MINE, "old")
        apply_all(described("new"), outcomes=[])
        label(memory, "new", **{"kitaru.managed": "false"})  # its name is taken
        pruning = planned(MINE, "new")
        assert names_of(pruning) == ["old"]
        assert pruning.stacks[0].error is not None
        assert pruning.stacks[0].error.code == "prune_refused"
        failed = [Outcome("new", "f", error=KitaruError("no"))]
        prune_all(pruning, MINE, failed)
        assert [one.status for one in failed] == ["failed", "skipped"]
        with pytest.raises(KitaruError, match="No stack is described"):
            plan_prune(MINE, [])
        assert names_in(memory) == {"old", "new"}


def test_a_check_that_is_unknown_hides_no_stack(memory: MemoryGateway) -> None:  # noqa: F811
    """A job that is not the connector never sees all: its sources are pruned like others."""
    checks = [{"id": "aws.cluster.rights", "status": status} for status in ("unknown", "ok")]
    with installed(memory):
        apply(MINE, "a", "old")
        plans, _ = plan_all(described("a"), kept_source=MINE.label)
        seen = [replace(plan, checks=tuple(checks)) for plan in plans]
        assert [plan.to_dict()["complete"] for plan in seen] == [False]
        pruning = plan_prune(MINE, ["a"], seen)
        assert [(item.name, item.error) for item in pruning.stacks] == [("old", None)]
        outcomes: list[Outcome] = []
        prune_all(pruning, MINE, outcomes)
        assert [one.status for one in outcomes] == ["pruned"]


def test_what_was_changed_since_it_was_planned_stays(memory: MemoryGateway) -> None:  # noqa: F811
    with installed(memory):
        apply(MINE, "a", "b", "c")
        pruning = planned(MINE, "a")
        apply(MINE, "b")  # nothing
        label(memory, "b", team="theirs")  # a colleague
        (doc,) = memory.stacks(Where(names=("c",)))
        memory.delete("stack", doc.id)
        outcomes: list[Outcome] = []
        prune_all(pruning, MINE, outcomes)
        assert [one.error and one.error.code for one in outcomes] == ["stack_changed"] * 2
        assert names_in(memory) == {"a", "b"}


def test_what_is_moved_aside_while_it_is_replaced_is_no_stack_of_its_own(
    memory: MemoryGateway,  # noqa: F811
) -> None:
    with installed(memory):
        apply(MINE, "a", "b")
        (doc,) = memory.stacks(Where(names=("b",)))
        labels = {**doc.labels, ASIDE_LABEL: "a"}
        memory.update_stack(doc.id, StackChange(name="a-replaced", labels=labels))
        assert planned(MINE, "a") == Pruning()


def test_what_an_earlier_release_may_have_moved_aside_is_named_and_stays(
    memory: MemoryGateway,  # noqa: F811
) -> None:
    with installed(memory):
        apply(MINE, "a", "b")
        (doc,) = memory.stacks(Where(names=("b",)))
        memory.update_stack(doc.id, StackChange(name="b-replaced"))
        found = planned(MINE, "a")
        assert found.stacks == ()
        (warning,) = found.warnings
        assert f"kitaru stack delete {doc.id} --recursive" in str(warning)


# -- what a source is -----------------------------------------------------------------------------


def repository(folder: Path, url: str | None) -> Path:
    (folder / ".git").mkdir(parents=True)
    remote = f'[remote "origin"]\n\turl = {url}\n' if url else ""
    (folder / ".git" / "config").write_text(
        f"[core]\n\tbare = false\n{remote}[branch]\n\turl = x\n"
    )
    (folder / "stacks").mkdir()
    (folder / "stacks" / "a.yaml").write_text("name: a\n")
    return folder


ADDRESSES = [
    ("git@github.com:acme/stacks.git", "github.com/acme/stacks"),
    ("ssh://git@github.com:22/acme/stacks", "github.com/acme/stacks"),
    ("https://user:secret@GitHub.com/acme/stacks.git/", "github.com/acme/stacks"),
    ("https://git.example.com:8443/acme/stacks", "git.example.com:8443/acme/stacks"),
    ("/srv/git/stacks.git", None),
    ("file:///srv/git/stacks.git", None),
    (None, None),
]


@pytest.mark.parametrize(("url", "place"), ADDRESSES)
def test_a_repository_is_known_by_its_origin(
    tmp_path: Path, url: str | None, place: str | None
) -> None:
    here = repository(tmp_path / "here", url)
    folder = str(here / "stacks")
    if place is None:
        with pytest.raises(UsageError, match="no Git repository"):
            source_of_files([folder])
        named = source_of_files([folder], "prod")
        assert named.place.startswith("folder:")
        elsewhere = repository(tmp_path / "elsewhere", url)
        assert not named.is_same(source_of_files([str(elsewhere / "stacks")], "prod"))
    else:
        assert source_of_files([folder]) == Source(place, "", ("stacks/",))
        file = source_of_files([f"{folder}/a.yaml", f"{folder}/../stacks/a.yaml"], "x")
        assert file == Source(place, "x", ("stacks/a.yaml",))
        assert source_in({SOURCE_LABEL: file.label}) == file


def test_a_working_tree_is_its_repository(tmp_path: Path) -> None:
    main = repository(tmp_path / "main", "git@github.com:acme/stacks.git")
    (main / ".git" / "worktrees" / "two").mkdir(parents=True)
    (main / ".git" / "worktrees" / "two" / "commondir").write_text("../..\n")
    two = tmp_path / "two"
    two.mkdir()
    (two / ".git").write_text(f"gitdir: {main}/.git/worktrees/two\n")
    (two / "s.yaml").write_text("name: s\n")
    assert source_of_files([str(two / "s.yaml")]).place == "github.com/acme/stacks"


def test_what_cannot_be_a_source(tmp_path: Path) -> None:
    one, two = (repository(tmp_path / n, f"git@github.com:acme/{n}.git") for n in ("one", "two"))
    for files, name, said in [
        ([str(one / "stacks"), str(two / "stacks")], None, "several repositories"),
        (["-"], "x", "a pipe"),
        ([str(one / "stacks")], " ", "The name of a source"),
        ([str(one / "stacks")], "a\nb", "The name of a source"),
        ([], "x", "no files"),
    ]:
        with pytest.raises(UsageError, match=said):
            source_of_files(files, name)


# -- the command ----------------------------------------------------------------------------------


def test_the_command_plans_asks_saves_and_prunes(
    memory: MemoryGateway,  # noqa: F811
    kitaru: Kitaru,  # noqa: F811
    tmp_path: Path,
) -> None:
    here = repository(tmp_path / "here", "git@github.com:acme/stacks.git")
    stacks, plan = here / "stacks", str(tmp_path / "plan.json")
    (stacks / "b.yaml").write_text("name: b\n")

    def run(*words: str) -> Any:
        return kitaru("stack", words[0], "-f", str(stacks), "--prune", *words[1:])

    with installed(memory):
        assert run("apply", "--yes").code == 0
        (stacks / "b.yaml").rename(stacks / "moved.yaml")
        assert run("preview", "--detailed-exitcode").code == 0
        (stacks / "moved.yaml").unlink()
        shown = run("preview", "--out", plan, "--detailed-exitcode")
        assert shown.code == 2
        assert "- delete   stack b" in shown.out
        asked = run("apply", "-o", "json")
        assert (asked.code, asked.error["code"]) == (1, "confirmation_needed")
        without = kitaru("stack", "apply", "-f", str(stacks), "--plan", plan, "-o", "json")
        assert without.error["code"] == "plan_moved"
        assert names_in(memory) == {"a", "b"}
        done = run("apply", "--plan", plan, "-o", "json")
        assert [(i["name"], i["status"]) for i in done.document["items"]] == [
            ("a", "unchanged"),
            ("b", "pruned"),
        ]
        assert json.loads(done.out)["items"][1]["result"]["deleted_stack"] == "b"
        assert names_in(memory) == {"a"}
        (stacks / "a.yaml").unlink()  # by mistake
        for wrong in ("", "name: [\n", "other: 1\n"):
            if wrong:
                (stacks / "c.yaml").write_text(wrong)
            assert run("apply", "--yes").code == 64
        (stacks / "c.yaml").write_text("name: c\n---\nname: a\n")
        assert run("apply", "c", "--yes").code == 64
        assert kitaru("stack", "preview", "a", "--prune").code == 64
        assert names_in(memory) == {"a"}


def prune_half(
    gateway: MemoryGateway, monkeypatch: pytest.MonkeyPatch, outcomes: list[Outcome]
) -> None:
    """Prune all but "a", in a store that deletes nothing but stacks."""
    pruning, delete = planned(MINE, "a"), gateway.delete

    def failing(kind: Any, id: str) -> bool:
        if kind != "stack":
            raise KitaruError("The disk is full")
        return delete(kind, id)

    with monkeypatch.context() as patch:
        patch.setattr(gateway, "delete", failing)
        prune_all(pruning, MINE, outcomes)


def test_what_a_prune_did_not_come_to_is_told_until_it_is_gone(
    memory: MemoryGateway,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with installed(memory):
        apply(MINE, "a", "gone")
        outcomes = apply(MINE, "a")
        prune_half(memory, monkeypatch, outcomes)
        assert [one.status for one in outcomes] == ["unchanged", "failed"]
        again = planned(MINE, "a")
        assert again.stacks == ()
        (warning,) = again.warnings
        assert "Stack 'gone' was deleted, and parts of it are still there" in str(warning)
        assert "service connector" in str(warning)
        assert planned(replace(MINE, place="github.com/acme/other"), "a").warnings == ()
        assert "kitaru stack delete gone --recursive" in str(warning)
        operations.delete("gone", recursive=True)
        assert planned(MINE, "a") == Pruning()


def test_what_a_prune_left_is_taken_over_by_a_stack_that_is_described_again(
    memory: MemoryGateway,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with installed(memory):
        apply(MINE, "a", "gone")
        prune_half(memory, monkeypatch, apply(MINE, "a"))
        apply(MINE, "a", "gone")
        assert {SOURCE_LABEL in doc.labels for doc in memory.components(Where())} == {False}
        assert {SOURCE_LABEL in doc.labels for doc in memory.connectors(Where())} == {False}
        assert planned(MINE, "a", "gone") == Pruning()
