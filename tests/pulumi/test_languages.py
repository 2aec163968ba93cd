"""Programs in other languages, with the SDKs that are generated from the schema.

What they compile with is made once for each schema (`tests/pulumi/languages`). That it compiles is
what the first test sees: TypeScript and its examples strictly, Go vetted, Python's types checked.
There is no compiler for .NET, whose examples are held against the names of the generated SDK.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
import yaml

from kitaru_iac import __version__
from kitaru_iac.pulumi.plugin.schema import schema
from kitaru_iac.spec import from_mapping
from kitaru_iac.stacks import operations
from tests.docs.markdown import ROOT, Block, Step, blocks, fits, session
from tests.homes import Home
from tests.pulumi import stored
from tests.pulumi.languages import building
from tests.pulumi.languages.building import Languages, examples
from tests.pulumi.room import Room
from tests.servers.zenml import ZenMLServer

GUIDE = ROOT / "docs" / "guides" / "languages.md"
SESSION = [block for block in blocks(GUIDE) if block.words == ("console", "languages")]

pytestmark = pytest.mark.timeout(1800)  # where the hosts and SDKs are not in the cache yet


@pytest.fixture(scope="session")
def go_caches() -> dict[str, str]:
    """Where Go keeps what it built, which is below the home that a test exchanges."""
    names = ("GOCACHE", "GOMODCACHE")
    done = subprocess.run(["go", "env", *names], capture_output=True, text=True, check=True)
    return dict(zip(names, done.stdout.split(), strict=True))


@pytest.fixture
def work(
    languages: Languages,
    go_caches: dict[str, str],
    any_home: Home,
    pulumi_home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Room:
    """A room where the engine has a host for each language."""
    del any_home, pulumi_home
    # This environment before that of Node, which has a Python too.
    hosts, node = languages.path
    first = os.pathsep.join(map(str, (hosts, Path(sys.executable).parent, node)))
    for name, value in go_caches.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", f"{first}{os.pathsep}{os.environ['PATH']}")
    return Room(tmp_path / "project", project="kitaru-stacks")


def test_what_is_generated_compiles_with_each_example(languages: Languages) -> None:
    modules = languages.folders["node"] / "node_modules" / "@zenml-io" / "kitaru"
    assert json.loads((modules / "package.json").read_text())["name"] == "@zenml-io/kitaru"
    assert (languages.folders["node"] / "bin" / "index.js").exists()
    assert os.access(languages.folders["go"] / "program", os.X_OK)
    for language in ("typescript", "go", "python"):
        assert len(list(examples(language))) == 3


def test_each_sdk_says_where_the_engine_finds_its_plugin(languages: Languages) -> None:
    """In what a language host reads before a program runs, and with each resource and function."""
    url = schema()["pluginDownloadURL"]
    node = languages.folders["node"] / "node_modules" / "@zenml-io" / "kitaru"
    go, dotnet = languages.folders["go"] / "kitaru", languages.folders["dotnet"]
    python = languages.folders["python"] / "zenml_io_kitaru"
    assert json.loads((node / "package.json").read_text())["pulumi"]["server"] == url
    for folder in (go, python, dotnet):
        assert json.loads((folder / "pulumi-plugin.json").read_text())["server"] == url
    assert f'pluginDownloadURL: "{url}"' in (node / "utilities.js").read_text()
    options = (go / "internal" / "pulumiUtilities.go").read_text()
    assert options.count(f'pulumi.PluginDownloadURL("{url}")') == 2
    assert f'return "{url}"' in (python / "_utilities.py").read_text()
    for file in ("Stack.cs", "Provider.cs", "ProvisionedStack.cs"):
        assert f'PluginDownloadURL = "{url}"' in (dotnet / file).read_text(), file
    assert (dotnet / "Utilities.cs").read_text().count(f'PluginDownloadURL ?? "{url}"') == 2


@pytest.mark.parametrize("example", list(examples("csharp")), ids=lambda example: example[0])
def test_an_example_in_dotnet_has_the_generated_names(
    example: tuple[str, str], languages: Languages
) -> None:
    _, text = example
    members: dict[str, set[str]] = {}
    for path in languages.folders["dotnet"].glob("*.cs"):
        for part in re.split(r"\n    (?=public )", path.read_text())[1:]:
            name = re.findall(r"^public [\w ]*(?:class|struct) (\w+)", part)[0]
            public = r"^        public .*?(\w+)(?: \{|\(|;|$)"
            members[name] = set(re.findall(public, part, re.MULTILINE))
    assert "using Kitaru = ZenML.Kitaru;" in text
    used = set(re.findall(r"Kitaru\.(\w+)", text.partition("Kitaru;")[2]))
    assert used <= set(members)
    (arguments,) = [name for name in used if name.endswith("Args")]
    given = set(re.findall(r"^ {8}(\w+) = ", text, re.MULTILINE))
    assert given
    assert given <= members[arguments]
    statics = re.findall(r"Kitaru\.(\w+)\.(\w+)", text)
    assert all(member in members[name] for name, member in statics), statics
    (made,) = {name for name in used if f"{name}Args" in used} or {"VerifyResult"}
    told = set(re.findall(r"(?:prod|found)\.(\w+)", text)) - {"Id"}
    assert told <= members[made]


#: The files of a project, of what was built for its language.
FILES = {
    "yaml": ("Pulumi.yaml",),
    "node": ("Pulumi.yaml", "package.json", "bin", "node_modules"),
    # The host that can be built here knows no option `binary`: it builds the program anew.
    "go": ("Pulumi.yaml", "go.mod", "go.sum", "main.go", "kitaru"),
    "python": (
        *("Pulumi.yaml", "__main__.py", "zenml_io_kitaru"),
        f"zenml_io_kitaru-{__version__}.dist-info",
    ),
}


@pytest.mark.parametrize("language", FILES)
@pytest.mark.parametrize("any_home", ["sqlite"], indirect=True)
def test_a_stack_lives_as_the_guide_says(
    language: str, work: Room, languages: Languages, empty_server: ZenMLServer
) -> None:
    """On a local store, and then on a server, by the same program."""
    project_in(work, language, languages)
    begin, *steps = (step for block in SESSION for step in session(block.text))
    lives(work, [begin, *steps], stored.names)
    for name, value in {"url": empty_server.url, "apiKey": empty_server.api_key}.items():
        secret = () if name == "url" else ("--secret",)
        done = work.pulumi("config", "set", *secret, f"kitaru:{name}", value)
        assert done.returncode == 0, done.stderr
    lives(work, steps, lambda: {stack["name"] for stack in empty_server.items("/stacks")})
    assert stored.names() == {"default"}


def lives(work: Room, steps: Iterable[Step], names: Callable[[], set[str]]) -> None:
    """Create, change in place, refresh and destroy: by the steps of the guide."""
    ids = set()
    for step in steps:
        _, *arguments = step.command.split()
        done = work.pulumi(*arguments, "--color", "never")
        said = done.stdout + done.stderr
        assert done.returncode == 0, f"{step.command}\n{said}"
        assert "warning" not in said.lower()
        assert fits(step.output, said.splitlines()), f"{step.command}\n{said}"
        if arguments[0] in {"up", "refresh"}:
            held = work.resources()
            ids |= {held["dev"]["id"], held["kitaru-stacks-prod"]["outputs"]["stackId"]}
            assert held["dev"]["outputs"]["type"] == "local"
            assert held["dev"]["outputs"]["drift"] == []
            assert names() == {"default", "dev"}
    assert len(ids) == 1
    assert names() == {"default"}


def project_in(work: Room, language: str, languages: Languages) -> None:
    """Put what was built for a language into a room."""
    for name in FILES[language]:
        (work.work / name).symlink_to(languages.folders[language] / name)
    _own(work.work / "Pulumi.yaml")


@pytest.mark.parametrize(
    ("language", "any_home"), [("go", "server"), ("node", "sqlite")], indirect=["any_home"]
)
def test_what_is_imported_protected_and_retained(
    language: str, work: Room, languages: Languages
) -> None:
    project_in(work, language, languages)
    if language == "go":
        (work.work / "main.go").unlink()
        (work.work / "main.go").symlink_to(languages.folders["go"] / "options" / "main.go")
    else:
        package = _own(work.work / "package.json")
        package.write_text(package.read_text().replace("bin/index.js", "bin/options.js"))

    def pulumi(command: str) -> str:
        done = work.pulumi(*command.split(), "--color", "never")
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    before = stored.names()
    ids = {
        name: operations.create(from_mapping({"name": name, "activate": False})).id
        for name in ("adopted", "imported")
    }
    everything = {*before, *ids, "held"}
    pulumi("stack init prod")
    take = "import kitaru:index:Stack imported imported --yes"
    pulumi(f"{take} --generate-code=false --protect=false")
    pulumi("config set held true")
    pulumi("up --yes --skip-preview")
    held = work.resources()
    assert {name: held[name]["id"] for name in ids} == ids
    for name in (*ids, "held"):
        found = stored.records(name)
        assert found is not None
        assert found.labels["kitaru.owner"] == held[name]["urn"]
    assert stored.names() == everything

    # Alone: of several, the engine deletes the others before it says so.
    target = ("--target", held["held"]["urn"])
    refused = work.pulumi("destroy", "--yes", "--skip-preview", *target)
    assert refused.returncode != 0
    assert "protect" in refused.stdout + refused.stderr
    assert stored.names() == everything
    pulumi("config set held false")
    assert "4 unchanged" in pulumi("up --yes --skip-preview")
    pulumi("destroy --yes --skip-preview")
    assert set(work.resources()) <= {"kitaru-stacks-prod"}
    assert stored.names() == {*before, "imported"}


@pytest.mark.parametrize(
    "block", [block for block in blocks(GUIDE) if "program" in block.words], ids=str
)
def test_the_programs_of_the_guide_are_those_that_run(block: Block) -> None:
    assert block.text == (Path(building.__file__).parent / block.words[-1]).read_text()


def test_the_pages_of_the_registry_say_what_the_schema_says() -> None:
    overview = {block.words[0]: block.text for block in blocks(ROOT / "docs" / "_index.md")}
    for language, text in overview.items():
        assert text == dict(examples(language))["stack"], language
    assert set(overview) == {"typescript", "python", "go", "csharp", "java", "yaml"}
    page = (ROOT / "docs" / "installation-configuration.md").read_text()
    about = schema()
    for key, property_ in about["config"]["variables"].items():
        names = property_.get("defaultInfo", {}).get("environment", [])
        assert f"| `{key}` | {', '.join(f'`{name}`' for name in names)}".rstrip() in page
    names = [about["language"][key] for key in ("nodejs", "go", "csharp", "java")]
    for name in (names[0]["packageName"], names[1]["importBasePath"],
                 f"{names[2]['rootNamespace']}.Kitaru", f"{names[3]['basePackage']}.kitaru",
                 f"kitaru {about['version']} --server {about['pluginDownloadURL']}"):  # fmt: skip
        assert name in page, name
        assert name in GUIDE.read_text() or name == names[0]["packageName"], name
    for text in (page, GUIDE.read_text()):
        assert f"{about['repository']}/plugin@{about['version']}" in text
    for file in ("_index.md", "installation-configuration.md"):
        head = (ROOT / "docs" / file).read_text().split("---")[1]
        assert {"title", "meta_desc", "layout"} == set(yaml.safe_load(head))


def _own(path: Path) -> Path:
    """Make a link a file of its own: the engine may write there."""
    source = path.resolve()
    path.unlink()
    shutil.copy(source, path)
    return path


@pytest.fixture
def generated(languages: Languages) -> Iterator[None]:
    """The generated SDK in Python can be imported, and is forgotten afterwards."""
    folder = str(languages.folders["python"])
    sys.path.insert(0, folder)
    yield
    sys.path.remove(folder)
    for name in [name for name in sys.modules if name.partition(".")[0] == "zenml_io_kitaru"]:
        del sys.modules[name]


@pytest.mark.parametrize("any_home", ["sqlite"], indirect=True)
@pytest.mark.usefixtures("generated")
def test_the_generated_sdk_in_python_does_what_the_classes_of_this_package_do(work: Room) -> None:
    import zenml_io_kitaru as sdk

    import kitaru_iac.pulumi as kitaru

    def generated() -> None:
        sdk.Stack("dev", type=sdk.StackType.LOCAL, artifact_store="/tmp/first")

    def own() -> None:
        kitaru.Stack("dev", type="local", artifact_store="/tmp/first")

    assert work.up(generated).ops == {"dev": "create"}
    assert work.up(own).ops == {"dev": "same"}
    assert work.up(generated).ops == {"dev": "same"}
