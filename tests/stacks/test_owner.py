"""Whose a stack is: Pulumi's programs and the command leave each other's alone, and say so."""

from __future__ import annotations

import re
from typing import Any

import pytest

from kitaru_iac.errors import AlreadyExistsError, ProtectedStackError, StackTakenOver
from kitaru_iac.gateway.quiet import quiet
from kitaru_iac.labels import OWNER_LABEL, OWNER_RUN_LABEL
from kitaru_iac.plan.model import Action, Plan
from kitaru_iac.records.model import Records
from kitaru_iac.records.owner import Owner, owner_of
from kitaru_iac.records.stored import Store
from kitaru_iac.spec import from_mapping
from kitaru_iac.stacks import operations
from tests.homes import Home

URN = "urn:pulumi:prod::platform::kitaru:index:Stack::dev"
OTHER = "urn:pulumi:test::platform::kitaru:index:Stack::dev"
OURS, LATER, THEIRS = Owner(URN, "run-1"), Owner(URN, "run-2"), Owner(OTHER, "run-9")
#: What a local stack can be changed to.
ELSEWHERE = "/tmp/elsewhere"
KEYS = "aws-access-keys:AKIAFIRST00000000001:first-secret"


def spec(**more: Any):
    return from_mapping({"name": "dev", "activate": False, **more})


def stored() -> Records:
    with quiet():
        found = Store.open().read("dev")
    assert found is not None
    return found


def exists() -> bool:
    with quiet():
        return Store.open().read("dev") is not None


def changes(plan: Plan) -> dict[str, list[str]]:
    return {
        step.kind: [change.field for change in step.changes]
        for step in plan.steps
        if step.action is not Action.KEEP
    }


def test_an_urn_tells_project_stack_and_resource():
    owner = Owner("urn:pulumi:prod::platform::my:index:Team$kitaru:index:Stack::a::b")
    assert (owner.stack, owner.project, owner.name) == ("prod", "platform", "a::b")
    assert str(owner) == "resource 'a::b' of project 'platform', stack 'prod'"
    assert owner.labels == {OWNER_LABEL: owner.urn}


@pytest.mark.parametrize("text", ["", "somebody", "urn:pulumi:", "urn:pulumi:a::b"])
def test_a_label_that_is_no_urn_is_still_an_owner(text: str):
    owner = Owner(text)
    assert (owner.stack, owner.project, owner.name) == ("", "", "")
    assert str(owner) == text
    assert owner_of({OWNER_LABEL: text}) == (owner if text else None)


@pytest.mark.usefixtures("any_home")
class TestOnAStore:
    def test_the_stack_alone_says_whose_it_is(self):
        made = operations.create(spec(), owner=OURS)
        records = stored()
        assert owner_of(records.labels) == OURS
        assert [dict(c.labels) for c in records.components] == [{}, {}]
        assert not operations.preview(spec(), owner=OURS).has_changes
        assert not operations.apply(spec(), owner=OURS).changed
        assert stored().id == made.id

    def test_another_run_of_the_owner_changes_nothing_on_the_labels(self):
        operations.create(spec(), owner=OURS)
        assert not operations.preview(spec(), owner=LATER).has_changes
        done = operations.apply(spec(artifact_store=ELSEWHERE), owner=LATER)
        assert done.changed
        assert owner_of(stored().labels) == OURS

    @pytest.mark.parametrize("owner", [None, THEIRS], ids=["the command", "another program"])
    def test_others_may_not_change_it(self, owner: Owner | None):
        operations.create(spec(), owner=OURS)
        before = stored()
        for operation in (operations.preview, operations.apply):
            with pytest.raises(ProtectedStackError) as refused:
                operation(spec(artifact_store=ELSEWHERE), owner=owner)
            assert refused.value.what == "Stack 'dev' belongs to Pulumi"
            assert refused.value.why == "It is resource 'dev' of project 'platform', stack 'prod'."
            assert "project 'platform'" in str(refused.value.remedy)
            assert "pulumi up --stack prod" in str(refused.value.remedy)
        assert stored() == before

    def test_others_may_not_take_its_name(self):
        operations.create(spec(), owner=OURS)
        with pytest.raises(AlreadyExistsError) as taken:
            operations.create(spec())
        assert taken.value.what == "A stack named 'dev' already exists, and belongs to Pulumi"
        assert "pulumi up --stack prod" in str(taken.value.remedy)
        with pytest.raises(ProtectedStackError):
            operations.create(spec(), owner=THEIRS)

    @pytest.mark.parametrize("owner", [None, THEIRS], ids=["the command", "another program"])
    def test_others_may_not_delete_it(self, owner: Owner | None):
        operations.create(spec(), owner=OURS)
        with pytest.raises(ProtectedStackError) as refused:
            operations.delete("dev", recursive=True, owner=owner)
        remedy = str(refused.value.remedy)
        assert f"pulumi destroy --stack prod --target {URN}" in remedy
        assert re.search(r"kitaru stack delete [0-9a-f-]{36} --recursive --force", remedy)
        with pytest.raises(ProtectedStackError, match="provisioned nothing"):
            operations.delete("dev", force=True, infrastructure=True, owner=owner)
        assert exists()

    def test_the_command_can_be_forced_and_another_program_cannot(self):
        operations.create(spec(), owner=OURS)
        with pytest.raises(ProtectedStackError):
            operations.delete("dev", recursive=True, force=True, owner=THEIRS)
        done = operations.delete("dev", recursive=True, force=True)
        assert not exists()
        (warning,) = done.warnings
        assert "resource 'dev' of project 'platform', stack 'prod'" in str(warning)
        assert done.to_dict()["warnings"] == [{"code": "owned_by_pulumi", "message": str(warning)}]

    def test_a_resource_that_moved_is_known_by_its_run(self):
        operations.create(spec(), owner=OURS)
        moved = Owner(OTHER, OURS.run)
        assert changes(operations.preview(spec(), owner=moved)) == {
            "stack": [f"labels.{OWNER_LABEL}"]
        }
        operations.apply(spec(), owner=moved)
        assert owner_of(stored().labels) == moved
        operations.delete("dev", recursive=True, owner=moved)
        assert not exists()

    def test_its_owner_deletes_it(self):
        operations.create(spec(), owner=OURS)
        done = operations.delete("dev", recursive=True, owner=OURS)
        assert done.warnings == ()
        assert not exists()

    def test_what_was_cut_off_is_taken_over_and_no_more_deleted_as_it_was(self):
        first = operations.create(spec(), owner=OURS)
        taker = Owner(URN, LATER.run, frozenset({"run-0", OURS.run}))
        again = operations.create(spec(artifact_store=ELSEWHERE), owner=taker)
        assert again.id == first.id
        assert stored().component("artifact_store").configuration["path"] == ELSEWHERE
        assert owner_of(stored().labels) == LATER
        with pytest.raises(StackTakenOver, match="left as it is"):
            operations.delete(first.id, recursive=True, force=True, owner=OURS)
        assert exists()
        operations.delete(first.id, recursive=True, owner=LATER)
        assert not exists()

    @pytest.mark.parametrize("run", ["run-2", ""])
    def test_another_run_is_told_to_import_it(self, run: str):
        made = operations.create(spec(), owner=Owner(URN, "run-1" if run else ""))
        with pytest.raises(AlreadyExistsError) as taken:
            operations.create(spec(), owner=Owner(URN, run))
        assert f"pulumi import kitaru:index:Stack dev {made.id}" in str(taken.value.remedy)
        assert "earlier run" in str(taken.value.why)

    def test_a_stack_of_the_command_is_imported_or_taken_over(self):
        made = operations.create(spec())
        with pytest.raises(AlreadyExistsError) as taken:
            operations.create(spec(), owner=OURS)
        assert f"pulumi import kitaru:index:Stack dev {made.id}" in str(taken.value.remedy)

        labels = [f"labels.{OWNER_LABEL}", f"labels.{OWNER_RUN_LABEL}"]
        assert changes(operations.preview(spec(), owner=OURS)) == {"stack": labels}
        done = operations.apply(spec(), owner=OURS)

        assert (done.id, done.changed) == (made.id, True)
        assert owner_of(stored().labels) == OURS
        assert not operations.apply(spec(), owner=OURS).changed
        with pytest.raises(ProtectedStackError):
            operations.apply(spec())

    def test_an_owner_deletes_what_the_command_made(self):
        operations.create(spec())
        operations.delete("dev", recursive=True, owner=OURS)
        assert not exists()

    def test_a_replaced_stack_stays_its_owners(self):
        remote = {
            "artifact_store": "s3://data/a",
            "region": "eu-west-1",
            "credentials": KEYS,
            "verify": False,
        }
        first = operations.create(spec(**remote), owner=OURS)
        managed = {"kitaru.managed": "true"}
        records = stored()
        assert records.connector.labels == managed
        assert [dict(c.labels) for c in records.components] == [managed, managed]
        token = remote | {"credentials": "aws-session-token:AKIAFIRST00000000001:secret:token"}
        done = operations.apply(spec(**token), owner=LATER)
        assert done.id != first.id
        assert owner_of(stored().labels) == OURS


@pytest.mark.usefixtures("any_home")
class TestTheCommand:
    @pytest.fixture(autouse=True)
    def of_pulumi(self, any_home: Home):
        operations.create(spec(), owner=OURS)

    def test_changing_it_is_refused(self, kitaru):
        for words in (("apply", "dev", "--yes"), ("preview", "dev")):
            done = kitaru("stack", *words, "--artifact-store", ELSEWHERE)
            assert (done.code, done.out) == (1, "")
            assert done.err == (
                "Error: Stack 'dev' belongs to Pulumi\n"
                "  It is resource 'dev' of project 'platform', stack 'prod'.\n"
                "  Change it in its program, then, in the folder of project 'platform': "
                "pulumi up --stack prod\n"
            )

    def test_its_name_is_taken(self, kitaru):
        error = kitaru("stack", "create", "dev", "-o", "json")
        assert error.code == 5
        assert error.error["type"] == "AlreadyExistsError"
        assert "belongs to Pulumi" in error.error["message"]

    def test_show_says_whose_it_is_and_list_keeps_its_shape(self, kitaru):
        item = kitaru("stack", "show", "dev", "-o", "json").document["item"]
        assert item["owner"] == {
            "tool": "pulumi",
            "project": "platform",
            "stack": "prod",
            "urn": URN,
        }
        assert item["is_managed"] is True
        shown = " ".join(kitaru("stack", "show", "dev").out.split())
        assert "owner: Pulumi, project platform, stack prod" in shown
        assert "owner" not in kitaru("stack", "show", "default", "-o", "json").document["item"]
        rows = kitaru("stack", "list", "-o", "json").document["items"]
        row = next(row for row in rows if row["name"] == "dev")
        assert set(row) == {"id", "name", "is_active", "is_managed"}
        assert row["is_managed"] is True

    def test_verify_and_use_work(self, kitaru):
        assert kitaru("stack", "verify", "dev").code == 0
        assert kitaru("stack", "use", "dev").code == 0

    def test_deleting_it_takes_force(self, kitaru):
        done = kitaru("stack", "delete", "dev", "--recursive")
        assert done.code == 1
        assert "belongs to Pulumi" in done.err
        assert re.search(r"kitaru stack delete [0-9a-f-]{36} --recursive --force", done.err)
        forced = kitaru("stack", "delete", "dev", "--recursive", "--force", "-o", "json")
        assert forced.code == 0
        (warning,) = forced.document["item"]["warnings"]
        assert warning["code"] == "owned_by_pulumi"
        assert "belonged to Pulumi" in warning["message"]
        assert not exists()

    def test_python_is_warned_too(self):
        import kitaru_iac

        with pytest.raises(ProtectedStackError):
            kitaru_iac.delete_stack("dev")
        with pytest.warns(UserWarning, match="belonged to Pulumi"):
            kitaru_iac.delete_stack("dev", recursive=True, force=True)
