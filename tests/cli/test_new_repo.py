"""`kitaru stack new-repo`: all files or none, nothing overwritten, and what is in them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
import yaml

from kitaru_iac.errors import KitaruError
from kitaru_iac.repository import write as new_repo
from kitaru_iac.spec import from_mapping

ROOT = Path(__file__).parents[2]
FILES = {
    "Pulumi.yaml",
    "Pulumi.dev.yaml",
    "programs/__main__.py",
    "stack.yaml",
    "pyproject.toml",
    "README.md",
    ".gitignore",
    ".github/workflows/stacks.yml",
}


def found(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def test_it_writes_a_repository_and_says_what_comes_next(kitaru, tmp_path: Path):
    folder = tmp_path / "team" / "platform"
    done = kitaru("stack", "new-repo", str(folder))
    assert done.code == 0
    assert done.out.splitlines()[0] == f"Wrote 8 files into {folder}"
    assert done.err.splitlines() == [
        "Next:",
        f"  cd {folder}",
        "  uv sync",
        "  pulumi stack init dev",
        "  pulumi up",
    ]
    assert found(folder) == FILES
    assert [entry.name for entry in folder.parent.iterdir()] == ["platform"]


def test_as_a_document(kitaru, tmp_path: Path):
    done = kitaru("stack", "new-repo", str(tmp_path / "a"), "--name", "ml", "-o", "json")
    assert done.err == ""
    item = done.document["item"]
    assert (item["path"], item["project"], set(item["files"])) == (
        str(tmp_path / "a"),
        "ml",
        FILES,
    )


def test_the_project_is_the_one_at_the_root_of_this_repository(tmp_path: Path):
    written = new_repo.files()
    for name in ("Pulumi.yaml", "programs/__main__.py"):
        assert written[name] == (ROOT / name).read_text()


def test_the_name_and_the_cloud_go_where_they_belong():
    written = new_repo.files("ml", "aws")
    project = yaml.safe_load(written["Pulumi.yaml"])
    assert project["name"] == "ml"
    assert project["main"] == "programs"
    package = tomllib.loads(written["pyproject.toml"])
    assert package["project"]["name"] == "ml"
    assert package["project"]["dependencies"] == [f"kitaru-iac[aws]~={new_repo.__version__}"]
    assert not any("kitaru-stacks" in text for text in written.values())


@pytest.mark.parametrize("name", ["", "a b", "-a", "kitaru-iac", "Kitaru_IAC", "a" * 101, "é"])
def test_a_name_that_no_project_can_have(kitaru, tmp_path: Path, name: str):
    done = kitaru("stack", "new-repo", str(tmp_path / "x"), "--name", name)
    assert done.code == 64
    assert list(tmp_path.iterdir()) == []


def test_the_stack_is_local_and_every_example_in_it_is_right():
    text = new_repo.files()["stack.yaml"]
    assert yaml.safe_load(text) == {"type": "local"}
    examples = [yaml.safe_load(text)]
    for block in text.split("\n\n")[2:]:
        head, *lines = block.splitlines()
        assert head.startswith("# ")
        examples.append(yaml.safe_load("\n".join(line.removeprefix("# ") for line in lines)))
    assert len(examples) == 5
    for example in examples:
        from_mapping({"name": "prod", **example})


def test_the_workflow_has_few_rights_and_pinned_actions():
    text = new_repo.files()[".github/workflows/stacks.yml"]
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read"}
    uses = re.findall(r"uses: (\S+)( # v[\d.]+)?", text)
    assert len(uses) == 4
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action) for action, _ in uses)
    assert all(version for _, version in uses)
    (job,) = workflow["jobs"].values()
    assert job["permissions"] == {"contents": "read"}


class TestWhatIsThereAlready:
    def test_nothing_is_overwritten_and_all_that_is_in_the_way_is_told(
        self, kitaru, tmp_path: Path
    ):
        for name in ("README.md", "programs/__main__.py"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text("mine")
        for force in ((), ("--force",)):
            done = kitaru("stack", "new-repo", str(tmp_path), *force, "-o", "json")
            assert done.code == 5
            assert "README.md, programs/__main__.py" in done.error["message"]
        assert found(tmp_path) == {"README.md", "programs/__main__.py"}
        assert (tmp_path / "README.md").read_text() == "mine"

    def test_a_file_where_a_folder_should_be(self, kitaru, tmp_path: Path):
        (tmp_path / "programs").write_text("mine")
        done = kitaru("stack", "new-repo", str(tmp_path), "--force")
        assert done.code == 5
        assert "programs" in done.err

    def test_other_files_take_force(self, kitaru, tmp_path: Path):
        (tmp_path / "LICENSE").write_text("mine")
        refused = kitaru("stack", "new-repo", str(tmp_path))
        assert refused.code == 5
        assert "LICENSE" in refused.err
        assert "--force" in refused.err
        assert kitaru("stack", "new-repo", str(tmp_path), "--force").code == 0
        assert found(tmp_path) == {*FILES, "LICENSE"}

    def test_a_fresh_clone_counts_as_empty(self, kitaru, tmp_path: Path, monkeypatch):
        (tmp_path / ".git").mkdir()
        monkeypatch.chdir(tmp_path)
        assert kitaru("stack", "new-repo", ".").code == 0
        assert found(tmp_path) == FILES

    def test_a_file_of_that_name(self, kitaru, tmp_path: Path):
        (tmp_path / "x").write_text("mine")
        assert kitaru("stack", "new-repo", str(tmp_path / "x")).code == 5


class TestAllOrNone:
    @pytest.mark.parametrize("there", [True, False], ids=["into a folder", "a new one"])
    @pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left")])
    def test_a_failure_leaves_nothing(
        self, tmp_path: Path, monkeypatch, there: bool, error: BaseException
    ):
        folder = tmp_path / "around" / "repo"
        if there:
            folder.mkdir(parents=True)
        real, opened = Path.open, []

        def fail_late(self: Path, *args, **kwargs):
            if args == ("x",):
                opened.append(self)
                if len(opened) == 4:
                    raise error
            return real(self, *args, **kwargs)

        monkeypatch.setattr(Path, "open", fail_late)
        with pytest.raises((KeyboardInterrupt, KitaruError)):
            new_repo.write(folder)
        assert list(tmp_path.rglob("*")) == ([folder.parent, folder] if there else [])

    def test_a_killed_process_leaves_no_half_of_it(self, tmp_path: Path):
        program = (
            "import sys, pathlib, time\n"
            "from kitaru_iac.repository import write as new_repo\n"
            "real = pathlib.Path.rename\n"
            "def late(self, target):\n"
            "    print('about', flush=True)\n"
            "    time.sleep(60)\n"
            "pathlib.Path.rename = late\n"
            f"new_repo.write({str(tmp_path / 'repo')!r})\n"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=os.environ
        )
        assert process.stdout.readline() == "about\n"
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        assert not (tmp_path / "repo").exists()

        process = subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=os.environ
        )
        assert process.stdout.readline() == "about\n"
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        process.wait(10)
        # Only what the killed one could not take away.
        (left,) = tmp_path.iterdir()
        assert left.name.startswith(".repo.")

    def test_a_folder_that_cannot_be_written(self, kitaru):
        done = kitaru("stack", "new-repo", "/proc/nowhere/repo")
        assert done.code == 1
        assert "cannot be written" in done.err
