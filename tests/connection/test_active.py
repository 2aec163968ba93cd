"""Switching writes one key of one file, as ZenML does."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from kitaru_iac.connection import active as module
from kitaru_iac.errors import NotConnectedError, SettingsDamaged, StackNotFound, UsageError
from kitaru_iac.gateway.reader import BaseReader
from kitaru_iac.gateway.views import StackRow
from tests.homes import Home

OTHER = "abcdabcd-0000-4000-8000-000000000001"

SWITCH = """
import json, sys
from kitaru_iac.connection.active import switch
done = switch(sys.argv[1])
print(json.dumps([done.id, done.name, done.previous, done.place.scope, done.place.source,
                  done.place.overridden_by, "zenml" in sys.modules]))
"""
ASK_ZENML = """
from zenml.client import Client
print("active:", Client().active_stack_model.id)
"""


@pytest.fixture
def home_with_two(home: Home) -> Home:
    """A local store with the default stack and one named `dev`."""
    with closing(sqlite3.connect(home.database)) as db, db:
        db.execute(
            "INSERT INTO stack SELECT ?, created, updated, 'dev', description, stack_spec_path, "
            "labels, environment, user_id FROM stack",
            [OTHER.replace("-", "")],
        )
        db.execute(
            "INSERT INTO stack_composition SELECT ?, component_id, default_for_type "
            "FROM stack_composition",
            [OTHER.replace("-", "")],
        )
    return home


def switch(home: Home, ref: str, cwd: Path | None = None, **env: str) -> list[object]:
    done = home.run(sys.executable, "-c", SWITCH, ref, cwd=cwd, **env)
    assert done.returncode == 0, done.stderr
    answer: list[object] = json.loads(done.stdout)
    return answer


def zenml_sees(home: Home, cwd: Path | None = None) -> str:
    done = home.run(sys.executable, "-c", ASK_ZENML, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout.rsplit("active: ", 1)[1].strip()


def zenml_switches(home: Home, name: str, cwd: Path | None = None) -> None:
    code = f"from zenml.client import Client; Client().activate_stack({name!r})"
    done = home.run(sys.executable, "-c", code, cwd=cwd)
    assert done.returncode == 0, done.stderr


class TestAsZenML:
    def test_globally(self, home_with_two: Home) -> None:
        home = home_with_two
        config = home.config / "config.yaml"
        answer = switch(home, "dev")
        assert answer == [OTHER, "dev", "default", "global", str(config), None, False]
        assert zenml_sees(home) == OTHER
        ours = config.read_bytes()
        switch(home, "default")
        zenml_switches(home, "dev")
        assert config.read_bytes() == ours

    def test_in_a_repository(self, home_with_two: Home, tmp_path: Path) -> None:
        home, root = home_with_two, tmp_path / "repository"
        (root / "deep").mkdir(parents=True)
        done = home.run(
            sys.executable, "-c", "from zenml.client import Client; Client.initialize()", cwd=root
        )
        assert done.returncode == 0, done.stderr
        before = (home.config / "config.yaml").read_bytes()
        answer = switch(home, "dev", cwd=root / "deep")
        assert answer == [OTHER, "dev", "default", "repository", str(root), None, False]
        assert zenml_sees(home, cwd=root) == OTHER
        ours = (root / ".zen" / "config.yaml").read_bytes()
        switch(home, "default", cwd=root)
        zenml_switches(home, "dev", cwd=root)
        assert (root / ".zen" / "config.yaml").read_bytes() == ours
        assert (home.config / "config.yaml").read_bytes() == before

    def test_the_variable_goes_before_it(self, home_with_two: Home) -> None:
        answer = switch(home_with_two, "dev", ZENML_ACTIVE_STACK_ID=OTHER)
        assert answer[2] is None  # it was active already, by the variable
        assert answer[5] is None  # nor does anything name another one
        assert zenml_sees(home_with_two) == OTHER

    def test_from_a_stack_that_is_gone(self, home_with_two: Home) -> None:
        gone = "00000000-0000-4000-8000-00000000dead"
        answer = switch(home_with_two, OTHER[:8], ZENML_ACTIVE_STACK_ID=gone)
        assert answer[:3] == [OTHER, "dev", None]

    def test_in_a_process_that_has_zenml_its_objects_are_told(self, home_with_two: Home) -> None:
        from zenml.client import Client

        assert Client().active_stack_model.name == "default"
        assert module.switch("dev").previous == "default"
        assert Client().active_stack_model.name == "dev"
        assert zenml_sees(home_with_two) == OTHER

    @pytest.mark.parametrize(
        ("variable", "value", "told"),
        [
            ("ZENML_ACTIVE_STACK_ID", "dev", "stack 'dev' is active"),
            ("ZENML_ACTIVE_STACK_ID", OTHER.replace("-", ""), "stack 'dev' is active"),
            (
                "ZENML_ACTIVE_STACK_ID",
                "default",
                "stack 'dev' is chosen, and will be active when ZENML_ACTIVE_STACK_ID is unset",
            ),
            ("KITARU_STACK", f" {OTHER}\n", "stack 'dev' is active"),
            ("KITARU_STACK", " ", "stack 'dev' is active"),
            (
                "KITARU_STACK",
                "prod",
                "stack 'dev' is active, but runs use the one that KITARU_STACK names",
            ),
        ],
    )
    def test_what_takes_precedence_is_said(
        self,
        home_with_two: Home,
        monkeypatch: pytest.MonkeyPatch,
        variable: str,
        value: str,
        told: str,
    ) -> None:
        from kitaru_iac.connection.activation import is_chosen

        monkeypatch.setenv(variable, value)
        done = module.switch("dev")
        assert module.in_words(done.name, done.place.overridden_by) == told
        assert done.place.is_active == told.startswith("stack 'dev' is active")
        assert is_chosen(OTHER, "dev")  # so that the next `apply` has nothing to do
        if not done.place.is_active:
            assert done.previous is None  # which is the active one still

    @pytest.mark.parametrize("place", ["global", "repository"])
    def test_the_one_before_is_another_one(self, home_with_two: Home, place: str) -> None:
        """By name, id and the beginning of an id; however often; where the one before is gone."""
        from kitaru_iac.connection.activation import activate
        from kitaru_iac.connection.active import switch as switch_here

        if place == "repository":
            folder = home_with_two.path / ".zen"
            folder.mkdir()
            (folder / "config.yaml").write_text("active_project_id: null\nactive_stack_id: null\n")
        steps = [("dev", "default"), ("dev", None), (OTHER, None), (OTHER[:8], None)]
        steps += [("default", "dev"), ("default", None)]
        for ref, previous in steps:
            done = switch_here(ref)
            assert (done.previous, done.place.scope) == (previous, place), ref
        assert activate(OTHER, "dev").previous == "default"
        assert activate(OTHER, "dev").previous is None
        with closing(sqlite3.connect(home_with_two.database)) as db, db:
            db.execute("DELETE FROM stack WHERE name = 'dev'")
        assert switch_here("default").previous is None  # what was named is gone

    def test_before_zenml_has_chosen_a_store_it_is_left_to_zenml(self, home_with_two: Home) -> None:
        config = home_with_two.config / "config.yaml"
        content = yaml.safe_load(config.read_text())
        config.write_text(yaml.safe_dump({"user_id": content["user_id"]}))
        assert switch(home_with_two, "dev")[-1] is True
        assert zenml_sees(home_with_two) == OTHER


class TestTheFile:
    @pytest.fixture
    def config(self, home_with_two: Home, monkeypatch: pytest.MonkeyPatch) -> Path:
        """The configuration file of a process that does not have ZenML, whatever ran before."""
        for name in [name for name in sys.modules if name.partition(".")[0] == "zenml"]:
            monkeypatch.delitem(sys.modules, name)

        def refuse(stack_id: str, reason: Exception) -> None:
            raise reason

        monkeypatch.setattr(module, "_set_by_zenml", refuse)
        return home_with_two.config / "config.yaml"

    def test_everything_else_stays(self, config: Path) -> None:
        before = yaml.safe_load(config.read_text()) | {"unknown": {"ü": [1, None, True]}}
        config.write_text(yaml.safe_dump(before))
        config.chmod(0o640)
        module.set_active(OTHER, "dev")
        assert yaml.safe_load(config.read_text()) == before | {"active_stack_id": OTHER}
        assert config.stat().st_mode & 0o777 == 0o640
        assert [p.name for p in config.parent.iterdir() if p.name.startswith(".")] == []

    def test_a_link_stays_a_link(self, config: Path, tmp_path: Path) -> None:
        target = tmp_path / "elsewhere" / "real.yaml"
        target.parent.mkdir()
        shutil.move(config, target)
        config.symlink_to(target)
        module.set_active(OTHER, "dev")
        assert config.is_symlink()
        assert yaml.safe_load(target.read_text())["active_stack_id"] == OTHER

    def test_the_same_again_writes_nothing(self, config: Path) -> None:
        module.set_active(OTHER, "dev")
        before = config.stat()
        module.set_active(OTHER, "dev")
        assert (config.stat().st_ino, config.stat().st_mtime_ns) == (
            before.st_ino,
            before.st_mtime_ns,
        )

    def test_a_change_in_between_is_not_lost(
        self, config: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real, times = os.fsync, []

        def meddle(handle: int) -> None:
            real(handle)
            if not times:
                times.append(1)
                content = yaml.safe_load(config.read_text()) | {"analytics_opt_in": False}
                config.write_text(yaml.safe_dump(content) + "# longer\n")

        monkeypatch.setattr(os, "fsync", meddle)
        before = yaml.safe_load(config.read_text())
        module.set_active(OTHER, "dev")
        expected = before | {"analytics_opt_in": False, "active_stack_id": OTHER}
        assert yaml.safe_load(config.read_text()) == expected

    @pytest.mark.parametrize("text", ["", "active_stack_id: x\n", "{", "- a\n"])
    def test_what_is_no_whole_configuration_is_not_touched(self, config: Path, text: str) -> None:
        config.write_text(text)
        with pytest.raises(SettingsDamaged):
            module.set_active(OTHER, "dev")
        assert config.read_text() == text

    def test_no_file_is_left_to_zenml(self, config: Path) -> None:
        config.unlink()
        with pytest.raises(OSError, match="No such file"):
            module.set_active(OTHER, "dev")
        assert not config.exists()

    def test_an_unknown_stack_writes_nothing(self, config: Path) -> None:
        before = config.read_bytes()
        with pytest.raises(StackNotFound, match="dex"):
            module.switch("dex")
        assert config.read_bytes() == before

    def test_an_ambiguous_prefix_writes_nothing(self, config: Path, home_with_two: Home) -> None:
        import sqlite3
        from contextlib import closing

        with closing(sqlite3.connect(home_with_two.database)) as db, db:
            db.execute(
                "INSERT INTO stack SELECT 'abcdabcd000040008000000000000002', created, updated, "
                "'dev2', description, stack_spec_path, labels, environment, user_id FROM stack "
                "WHERE name = 'dev'"
            )
        before = config.read_bytes()
        with pytest.raises(UsageError, match="several"):
            module.switch("abcdabcd")
        assert config.read_bytes() == before


def test_zenml_is_not_quoted_about_a_stack_that_is_gone(home_with_two: Home) -> None:
    with pytest.raises(StackNotFound, match="any more") as gone:
        module._set_by_zenml("00000000-0000-4000-8000-0000000000ff", OSError())
    assert gone.value.remedy == "See which stacks there are: kitaru stack list"


def test_many_at_the_same_moment(home_with_two: Home) -> None:
    """The file is whole whenever somebody looks, and at the end one of them has won."""
    home = home_with_two
    config = home.config / "config.yaml"
    before = yaml.safe_load(config.read_text())
    loop = (
        "import sys\nfrom kitaru_iac.connection.active import set_active\n"
        "for _ in range(40):\n    set_active(sys.argv[1], '')\n    set_active(sys.argv[2], '')\n"
        "assert 'zenml' not in sys.modules\n"
    )
    ids = [before["active_stack_id"], OTHER]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", loop, *ids[:: 1 if n % 2 else -1]],
            env=home.environment(),
            cwd=home.path,
            stderr=subprocess.PIPE,
        )
        for n in range(4)
    ]
    seen = set()
    while any(process.poll() is None for process in running):
        content = yaml.safe_load(config.read_text())
        seen.add(content.pop("active_stack_id"))
        assert content == {k: v for k, v in before.items() if k != "active_stack_id"}
    for process in running:
        assert process.returncode == 0, process.communicate()[1].decode()[-2000:]
    assert seen <= set(ids)


def test_a_stack_that_is_deleted_during_the_switch_does_not_become_active(
    home_with_two: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert home_with_two.kitaru("stack", "use", "default").returncode == 0
    real, switched = module.set_active, []

    def then_deleted(stack_id: str, name: str) -> module.Place:
        switched.append(stack_id)
        place = real(stack_id, name)
        with closing(sqlite3.connect(home_with_two.database)) as db, db:
            db.execute("DELETE FROM stack WHERE name = 'dev'")
        return place

    monkeypatch.setattr(module, "set_active", then_deleted)
    with pytest.raises(StackNotFound):
        module.switch("dev")
    assert switched[0] == OTHER
    assert home_with_two.kitaru("stack", "current", "-o", "json").stdout.count('"default"') == 1
    config = yaml.safe_load((home_with_two.config / "config.yaml").read_text())
    assert config["active_stack_id"] == switched[1] != OTHER


def test_a_server_that_goes_away_after_the_switch_does_not_hide_it(
    home_with_two: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = BaseReader.find

    def gone(self: BaseReader, ref: str) -> StackRow:
        if ref == OTHER:
            raise NotConnectedError("The ZenML server does not answer", why="Asleep")
        return real(self, ref)

    monkeypatch.setattr(BaseReader, "find", gone)
    with pytest.raises(NotConnectedError) as failed:
        module.switch("dev")
    assert str(failed.value.why).startswith("Asleep. Stack 'dev' is active; whether")
    config = yaml.safe_load((home_with_two.config / "config.yaml").read_text())
    assert config["active_stack_id"] == OTHER
