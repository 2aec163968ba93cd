"""Where the package is published, what it is called in each language, and its examples."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import Any

from kitaru_iac._version import __version__

__all__ = [
    "EXAMPLES",
    "PUBLISHER",
    "Publisher",
    "download_url",
    "languages",
    "metadata",
    "with_examples",
    "without_examples",
]


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who publishes the package, and under which names: nothing of it follows from the code.

    See `docs/development.md`, which says where each of them stands besides.

    Attributes:
        name: The publisher, as Pulumi's registry shows it.
        account: The account in registries of packages: the scope on npm, the namespace in Pulumi's
            registry, and the beginning of the generated package's name in Python.
        repository: The code's, without a scheme. Its tags are fetched by `pulumi package add`, and
            its releases hold the archives of `scripts/plugin-archive`.
        dotnet: The root namespace in .NET. It is not `Pulumi`, whose own class `Stack` would be
            meant inside of it.
        java: The package in Java that holds the one called `kitaru`.
    """

    name: str
    account: str
    repository: str
    dotnet: str
    java: str


#: Whoever publishes the package checks these, and holds the accounts.
PUBLISHER = Publisher(
    name="ZenML",
    account="zenml-io",
    repository="github.com/zenml-io/kitaru-iac",
    dotnet="ZenML",
    java="io.zenml",
)

#: The resources and functions that have a page of examples in `examples/`, one in each language.
EXAMPLES = {
    "kitaru:index:Stack": "stack",
    "kitaru:index:ProvisionedStack": "provisioned-stack",
    "kitaru:index:verify": "verify",
}
#: How Pulumi's registry marks examples in a description.
_BEGIN, _END = "{{% examples %}}", "{{% /examples %}}"


def download_url() -> str:
    """Where the engine fetches the plugin: the archive of a release (scripts/plugin-archive)."""
    return f"github://api.github.com/{_path()}"


def _path() -> str:
    _, _, path = PUBLISHER.repository.partition("/")
    return path


def metadata() -> dict[str, Any]:
    """What registries and editors show of the package."""
    home = f"https://{PUBLISHER.repository}"
    return {
        "name": "kitaru",
        "displayName": "Kitaru",
        "version": __version__,
        "namespace": PUBLISHER.account,
        "description": "Kitaru stacks: registered in ZenML, on infrastructure that is verified or "
        "provisioned.",
        "keywords": ["pulumi", "kitaru", "zenml", "mlops", "kind/native", "category/utility"],
        "homepage": home,
        "repository": home,
        "logoUrl": f"https://raw.githubusercontent.com/{_path()}/main/docs/logo.svg",
        "license": "Apache-2.0",
        "publisher": PUBLISHER.name,
        "pluginDownloadURL": download_url(),
    }


def languages() -> dict[str, Any]:
    """What the generators of SDKs are told."""
    return {
        "nodejs": {"packageName": f"@{PUBLISHER.account}/kitaru", "respectSchemaVersion": True},
        "python": {"respectSchemaVersion": True, "pyproject": {"enabled": True}},
        "go": {
            "importBasePath": f"{PUBLISHER.repository}/sdk/go/kitaru",
            "respectSchemaVersion": True,
        },
        "csharp": {
            "rootNamespace": PUBLISHER.dotnet,
            "namespaces": {"kitaru": "Kitaru"},
            "respectSchemaVersion": True,
        },
        "java": {"basePackage": PUBLISHER.java},
    }


def with_examples(token: str, description: str) -> str:
    """The description of a resource or function, with its example in each language."""
    page = resources.files(__package__).joinpath("examples", f"{EXAMPLES[token]}.md")
    text = page.read_text(encoding="utf-8").strip()
    return f"{description}\n\n{_BEGIN}\n## Example Usage\n\n{text}\n{_END}"


def without_examples(description: str) -> str:
    """What `with_examples` was given."""
    return description.partition(f"\n\n{_BEGIN}")[0]
