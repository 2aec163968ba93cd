"""The stacks page, word for word, on the local store and against a real ZenML server."""

from __future__ import annotations

import pytest

from tests.homes import Home

pytestmark = pytest.mark.usefixtures("any_home")


def test_the_default_stack_is_current_from_the_beginning(kitaru):
    found = kitaru("stack", "current")
    assert found.code == 0
    assert found.out.splitlines()[0] == "Active stack: default"


def test_create_says_what_the_page_says(kitaru):
    made = kitaru("stack", "create", "dev")
    assert (made.code, made.out, made.err) == (
        0,
        "Created stack: dev\nActive stack: default → dev\n",
        "",
    )


def test_a_stack_that_is_not_activated_has_no_second_line(kitaru):
    made = kitaru("stack", "create", "dev", "--no-activate")
    assert (made.code, made.out, made.err) == (0, "Created stack: dev\n", "")
    assert kitaru("stack", "current").out.startswith("Active stack: default\n")


def test_create_makes_a_local_orchestrator_and_artifact_store_of_that_name(kitaru):
    made = kitaru("stack", "create", "dev", "--output", "json").document
    item = made["item"]
    assert made["command"] == "stack.create"
    assert item["name"] == "dev"
    assert item["is_active"] is True
    assert item["previous_active_stack"] == "default"
    assert item["stack_type"] == "local"
    assert sorted(item["components_created"]) == ["dev (artifact_store)", "dev (orchestrator)"]
    shown = kitaru("stack", "show", "dev", "--output", "json").document["item"]
    assert {(c["role"], c["name"], c["backend"]) for c in shown["components"]} == {
        ("runner", "dev", "local"),
        ("storage", "dev", "local"),
    }


def test_list_has_the_items_of_the_page(kitaru):
    kitaru("stack", "create", "dev")
    listed = kitaru("stack", "list", "--output", "json").document
    assert listed["command"] == "stack.list"
    assert listed["count"] == 2
    by_name = {item["name"]: item for item in listed["items"]}
    assert set(by_name["dev"]) == {"id", "name", "is_active", "is_managed"}
    assert by_name["dev"]["is_managed"] is True
    assert by_name["dev"]["is_active"] is True
    assert by_name["default"]["is_managed"] is False
    assert by_name["default"]["is_active"] is False


def test_the_table_shows_ids_and_marks_the_active_stack(kitaru):
    uuid = kitaru("stack", "create", "dev", "-o", "json").document["item"]["id"]
    head, *rows = kitaru("stack", "list").out.splitlines()
    assert head.split() == ["ACTIVE", "NAME", "ID", "MANAGED"]
    assert ["*", "dev", uuid, "yes"] in [row.split() for row in rows]
    assert any(row.split()[0] == "default" for row in rows)


@pytest.mark.parametrize("ref", ["name", "id", "prefix"])
def test_use_takes_a_name_an_id_or_its_beginning(kitaru, ref):
    uuid = kitaru("stack", "create", "prod", "--no-activate", "-o", "json").document["item"]["id"]
    used = kitaru("stack", "use", {"name": "prod", "id": uuid, "prefix": uuid[:8]}[ref])
    assert (used.code, used.out) == (0, "Active stack: default → prod\n")
    current = kitaru("stack", "current", "--output", "json").document
    assert current["command"] == "stack.current"
    assert {key: current["item"][key] for key in ("id", "name", "is_active")} == {
        "id": uuid,
        "name": "prod",
        "is_active": True,
    }


def test_the_choice_is_kept_for_other_processes(kitaru, any_home: Home):
    kitaru("stack", "create", "prod", "--no-activate")
    kitaru("stack", "use", "prod")
    assert any_home.kitaru("stack", "current").stdout.startswith("Active stack: prod\n")


def test_use_again_says_what_is_active(kitaru):
    assert kitaru("stack", "use", "default").out == "Active stack: default\n"


def test_delete_keeps_the_components(kitaru):
    kitaru("stack", "create", "dev", "--no-activate")
    gone = kitaru("stack", "delete", "dev", "-o", "json").document["item"]
    assert gone["deleted_stack"] == "dev"
    assert gone["components_deleted"] == []
    assert gone["recursive"] is False
    assert {(k["kind"], k["name"]) for k in gone["kept"]} == {
        ("orchestrator", "dev"),
        ("artifact_store", "dev"),
    }
    assert all(k["reason"] for k in gone["kept"])
    rest = kitaru("stack", "delete", "dev", "--recursive")
    assert sorted(rest.out.splitlines()) == [
        "Deleted component: dev (artifact_store)",
        "Deleted component: dev (orchestrator)",
        "Was gone already: dev (stack)",
    ]


def test_recursive_deletes_the_components_too(kitaru):
    kitaru("stack", "create", "dev", "--no-activate")
    gone = kitaru("stack", "delete", "dev", "--recursive")
    assert gone.code == 0
    assert gone.out.splitlines()[0] == "Deleted stack: dev"
    assert sorted(gone.out.splitlines()[1:]) == [
        "Deleted component: dev (artifact_store)",
        "Deleted component: dev (orchestrator)",
    ]


def test_the_active_stack_is_protected(kitaru):
    kitaru("stack", "create", "dev")
    refused = kitaru("stack", "delete", "dev", "--recursive")
    assert refused.code == 1
    assert "--force" in refused.err
    assert kitaru("stack", "current").out.startswith("Active stack: dev\n")


def test_force_goes_back_to_the_default_stack_first(kitaru):
    kitaru("stack", "create", "dev")
    gone = kitaru("stack", "delete", "dev", "--recursive", "--force")
    assert gone.code == 0
    assert gone.out.splitlines()[-1] == "Active stack: dev → default"
    assert kitaru("stack", "current").out.startswith("Active stack: default\n")


def test_the_default_stack_cannot_be_deleted_and_force_is_not_advised(kitaru):
    for force in ((), ("--force",)):
        refused = kitaru("stack", "delete", "default", *force)
        assert refused.code == 1
        assert "default" in refused.err
        assert "with --force" not in refused.err


def test_a_yaml_file_and_flags_over_it(kitaru, any_home: Home):
    file = any_home.path / "stack.yaml"
    file.write_text("name: from-file\nactivate: false\n")
    assert kitaru("stack", "create", "-f", str(file)).out == "Created stack: from-file\n"
    made = kitaru("stack", "create", "dev", "-f", str(file), "--activate")
    assert made.out == "Created stack: dev\nActive stack: default → dev\n"


def test_a_yaml_file_from_stdin(kitaru):
    made = kitaru("stack", "create", "-f", "-", input="name: piped\nactivate: false\n")
    assert made.out == "Created stack: piped\n"


def test_a_taken_name_shows_the_way(kitaru):
    kitaru("stack", "create", "dev")
    taken = kitaru("stack", "create", "dev")
    assert taken.code == 5
    assert "kitaru stack apply" in taken.err


def test_a_stack_that_is_not_there_is_told_with_the_nearest_name(kitaru):
    kitaru("stack", "create", "prod-k8s", "--no-activate")
    for command in ("show", "use", "delete"):
        missing = kitaru("stack", command, "prod-k8")
        assert missing.code == 4
        assert "prod-k8s" in missing.err
        assert missing.out == ""


def test_apply_creates_then_does_nothing(kitaru):
    first = kitaru("stack", "apply", "dev", "--yes")
    assert (first.code, first.out.splitlines()[0]) == (0, "Applied stack: dev")
    again = kitaru("stack", "apply", "dev", "--yes", "--detailed-exitcode")
    assert (again.code, again.out) == (0, "No changes: stack dev is as described.\n")


def test_preview_writes_nothing_and_can_say_so_by_its_exit_code(kitaru):
    looked = kitaru("stack", "preview", "dev", "--detailed-exitcode")
    assert looked.code == 2
    assert "create" in looked.out
    assert kitaru("stack", "list", "-o", "json").document["count"] == 1
    kitaru("stack", "create", "dev")
    assert kitaru("stack", "preview", "dev", "--detailed-exitcode").code == 0


def test_dry_run_is_a_preview(kitaru):
    assert (
        kitaru("stack", "create", "dev", "--dry-run").out == kitaru("stack", "preview", "dev").out
    )
    assert kitaru("stack", "list", "-o", "json").document["count"] == 1
