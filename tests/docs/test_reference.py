"""Nothing is undocumented, and what is generated is fresh."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

import kitaru_iac
from kitaru_iac.cli.commands import TREE, paths
from kitaru_iac.cli.frame import build
from kitaru_iac.cli.passthrough import COMMANDS
from kitaru_iac.errors import ExitCode
from tests.docs.markdown import ROOT, pages

REFERENCE = ROOT / "docs" / "reference"
PACKAGE = Path(kitaru_iac.__file__).parent


def _generator():
    spec = importlib.util.spec_from_file_location("reference", ROOT / "scripts" / "reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_generated_page_is_fresh():
    assert (REFERENCE / "cli.md").read_text() == _generator().page(), "run scripts/docs"


def test_the_page_of_checks_is_fresh():
    assert (REFERENCE / "checks.md").read_text() == _generator().checks_page(), "run scripts/docs"


def test_the_page_of_the_pulumi_package_is_fresh():
    assert (REFERENCE / "pulumi.md").read_text() == _generator().package_page(), "run scripts/docs"


def test_every_check_is_documented():
    from kitaru_iac.infrastructure.verify import catalog

    text = (REFERENCE / "checks.md").read_text()
    assert [info.id for info in catalog() if f"`{info.id}`" not in text] == []


@pytest.mark.parametrize("path", paths())
def test_every_command_and_option_is_documented(path: str):
    page = (REFERENCE / "cli.md").read_text()
    assert f"# `kitaru {path}`" in page
    section = re.split(r"\n##+ ", page.partition(f"# `kitaru {path}`")[2])[0]
    words = path.split()
    entry = TREE[words[0]]
    entry = entry.children[words[1]] if entry.children else entry
    common = page.partition("## Options of every command")[2].partition("\n## ")[0]
    for param in build(words[-1], entry).params:
        if param.param_type_name == "option":
            for name in (*param.opts, *param.secondary_opts):
                assert f"`{name}" in section + common, name


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_commands_in_running_text_are_commands(page: Path):
    known = {*paths(), *TREE, *COMMANDS}
    if page.name == "add-a-command.md":
        known.add("stack count")  # which it adds
    for said in re.findall(r"`kitaru ((?:[a-z][a-z-]* ?)+)", page.read_text()):
        words = said.split()
        assert words[0] in known, said
        entry = TREE.get(words[0])
        if entry is not None and entry.children and len(words) > 1:
            assert " ".join(words[:2]) in known, said


def _in_the_table_of_the_readme() -> list[str]:
    """The commands of the README's table: a row says the words that its commands share once."""
    readme = (ROOT / "README.md").read_text()
    found: list[str] = []
    for row in re.findall(r"^\| (`kitaru [^|]*) \|", readme, re.MULTILINE):
        first, *others = re.findall(r"`([^`]+)`", row)
        *group, _ = words = first.removeprefix("kitaru ").split()
        found += [" ".join(words), *(" ".join([*group, other]) for other in others)]
    return found


def test_every_command_is_in_the_readme_s_table_once():
    assert sorted(_in_the_table_of_the_readme()) == sorted(paths())


def test_every_exit_code_is_documented_as_it_is():
    page = (REFERENCE / "exit-codes.md").read_text()
    table = dict(re.findall(r"^\| (\d+) \| `(\w+)` \|", page, re.MULTILINE))
    assert table == {str(code.value): code.name for code in ExitCode}


#: Names that stand in help texts as an example of a user's own variable.
EXAMPLES = {"KITARU_CREDENTIALS"}


def test_every_variable_of_ours_is_documented():
    documented = set(re.findall(r"KITARU_[A-Z_]+", (REFERENCE / "environment.md").read_text()))
    used: dict[str, Path] = {}
    for path in PACKAGE.rglob("*.py"):
        for name in re.findall(r"\bKITARU_[A-Z_]+\b", path.read_text()):
            used[name] = path
    missing = {name: str(path) for name, path in used.items() if name not in documented | EXAMPLES}
    assert not missing
    assert not documented - set(used) - {"KITARU_COMPLETE"}


def test_every_variable_of_zenmls_that_we_read_is_documented():
    documented = (REFERENCE / "environment.md").read_text()
    reading = re.compile(r"environ(?:\.get\(|\.pop\(|\[)\s*\"(ZENML_[A-Z_]+)\"")
    for path in PACKAGE.rglob("*.py"):
        for name in reading.findall(path.read_text()):
            assert name in documented, f"{name} in {path}"


def test_links_between_pages_lead_somewhere():
    for path in pages():
        prose = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", prose):
            found = path.parent / target
            inside = found.resolve().relative_to(ROOT)
            if inside.parts[:1] == ("kitaru_iac",):  # elsewhere, where the tests run on the wheel
                found = PACKAGE.joinpath(*inside.parts[1:])
            assert found.exists(), f"{path}: {target}"
