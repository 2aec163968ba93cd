"""`kitaru stack new-repo`: all files or none, nothing overwritten, and what is in them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kitaru_iac.errors import KitaruError
from kitaru_iac.repository import write as new_repo
from tests.homes import Home

FILES = {
    "Pulumi.yaml",
    "Pulumi.dev.yaml",
    "Pulumi.prod.yaml",
    "programs/__main__.py",
    "stacks/dev.yaml",
    "stacks/prod.yaml",
    "pyproject.toml",
    "README.md",
    ".gitignore",
    ".github/dependabot.yml",
    ".github/workflows/drift.yml",
    ".github/workflows/stacks.yml",
}


def found(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def test_it_writes_a_repository_and_says_what_comes_next(kitaru, tmp_path: Path):
    folder = tmp_path / "team" / "platform"
    done = kitaru("stack", "new-repo", str(folder))
    assert done.code == 0
    assert done.out.splitlines()[0] == f"Wrote 12 files into {folder}"
    assert done.err.splitlines()[:5] == [
        "Next:",
        f"  cd {folder}",
        "  uv sync",
        "  pulumi stack init dev",
        "  pulumi up",
    ]
    assert found(folder) == FILES
    assert [entry.name for entry in folder.parent.iterdir()] == ["platform"]


def test_a_name_that_no_file_system_takes_is_refused(kitaru, tmp_path: Path) -> None:
    done = kitaru("stack", "new-repo", str(tmp_path / ("x" * 256)), "-o", "json")
    assert done.error["message"].startswith("The repository cannot be written: File name")
    assert not any(tmp_path.iterdir())


def test_as_a_document(kitaru, tmp_path: Path):
    done = kitaru("stack", "new-repo", str(tmp_path / "a"), "--name", "ml", "-o", "json")
    assert done.err == ""
    item = done.document["item"]
    assert (item["path"], item["project"], set(item["files"])) == (
        str(tmp_path / "a"),
        "ml",
        FILES,
    )


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (("--name", "é"), "--name"),
        (("--name", "kitaru-iac"), "--name"),
        (("--environments", ""), "--environments"),
        (("--environments", "dev,,prod"), "--environments"),
        (("--environments", "dev,${{ github.token }}"), "--environments"),
        (("--environments", "dev,prod,Dev"), "--environments"),
    ],
)
def test_a_wrong_name_writes_nothing(
    kitaru, tmp_path: Path, words: tuple[str, ...], where: str
) -> None:
    done = kitaru("stack", "new-repo", str(tmp_path / "x"), *words, "-o", "json")
    assert done.code == 64
    assert done.error["where"] == where
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ci", ["github", "gitlab", "none"])
def test_the_environments_and_the_ci_are_asked_for(kitaru, tmp_path: Path, ci: str) -> None:
    words = ("--environments", "test, live", "--ci", ci, "--cloud", "aws", "-o", "json")
    done = kitaru("stack", "new-repo", str(tmp_path / "x"), *words)
    assert done.code == 0
    assert set(done.document["item"]["files"]) == found(tmp_path / "x")
    assert {"Pulumi.test.yaml", "Pulumi.live.yaml", "stacks/live.yaml"} <= found(tmp_path / "x")


@pytest.mark.parametrize(
    "name", ["it's", "a b", "$(id)", "${{ x }}", "größe", "-x", "a/b/../c", "~/x", " "]
)
def test_a_folder_may_be_called_anything(kitaru, tmp_path: Path, name: str, monkeypatch) -> None:
    """And the command that comes next leads there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    done = kitaru("stack", "new-repo", "--", name)
    assert done.code == 0, done.err
    folder = Path(os.path.normpath(Path(name).expanduser()))
    assert found(tmp_path / folder) == FILES
    command = done.err.splitlines()[1]
    words = ["bash", "-c", f"{command} && ls"]
    went = subprocess.run(words, capture_output=True, text=True, check=False)
    assert "Pulumi.yaml" in went.stdout, (command, went.stderr)


def test_it_needs_neither_git_nor_a_terminal(bare_home: Home, tmp_path: Path) -> None:
    done = bare_home.kitaru("stack", "new-repo", str(tmp_path / "x"), PATH="/nowhere")
    assert done.returncode == 0, done.stderr
    assert found(tmp_path / "x") == FILES


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

    def test_a_second_run_changes_nothing(self, kitaru, tmp_path: Path) -> None:
        assert kitaru("stack", "new-repo", str(tmp_path / "x")).code == 0
        (tmp_path / "x" / "stacks" / "dev.yaml").write_text("mine")
        for words in ((), ("--force",), ("--force", "--environments", "other", "--ci", "gitlab")):
            done = kitaru("stack", "new-repo", str(tmp_path / "x"), *words)
            assert done.code == 5
        assert found(tmp_path / "x") == FILES
        assert (tmp_path / "x" / "stacks" / "dev.yaml").read_text() == "mine"

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
