"""Where the package is published, what it is called in each language, and its examples."""

from __future__ import annotations

from importlib import resources
from typing import Any

from kitaru_iac._version import __version__

__all__ = ["EXAMPLES", "languages", "metadata", "with_examples", "without_examples"]

#: The account that publishes the package, on code hosts and in registries.
_NAMESPACE = "zenml-io"
_REPOSITORY = f"https://github.com/{_NAMESPACE}/kitaru-iac"

#: The resources and functions that have a page of examples in `examples/`, one in each language.
EXAMPLES = {
    "kitaru:index:Stack": "stack",
    "kitaru:index:ProvisionedStack": "provisioned-stack",
    "kitaru:index:verify": "verify",
}
#: How Pulumi's registry marks examples in a description.
_BEGIN, _END = "{{% examples %}}", "{{% /examples %}}"


def metadata() -> dict[str, Any]:
    """What registries and editors show of the package."""
    return {
        "name": "kitaru",
        "displayName": "Kitaru",
        "version": __version__,
        "namespace": _NAMESPACE,
        "description": "Kitaru stacks: registered in ZenML, on infrastructure that is verified or "
        "provisioned.",
        "keywords": ["pulumi", "kitaru", "zenml", "mlops", "kind/native", "category/utility"],
        "homepage": _REPOSITORY,
        "repository": _REPOSITORY,
        "logoUrl": f"https://raw.githubusercontent.com/{_NAMESPACE}/kitaru-iac/main/docs/logo.svg",
        "license": "Apache-2.0",
        "publisher": "ZenML",
        # An archive of each release, written by scripts/plugin-archive.
        "pluginDownloadURL": f"github://api.github.com/{_NAMESPACE}/kitaru-iac",
    }


def languages() -> dict[str, Any]:
    """What the generators of SDKs are told.

    .NET's root namespace is not `Pulumi`, whose own class `Stack` would be meant inside of it.
    """
    return {
        "nodejs": {"packageName": f"@{_NAMESPACE}/kitaru", "respectSchemaVersion": True},
        "python": {"respectSchemaVersion": True, "pyproject": {"enabled": True}},
        "go": {
            "importBasePath": f"github.com/{_NAMESPACE}/kitaru-iac/sdk/go/kitaru",
            "respectSchemaVersion": True,
        },
        "csharp": {
            "rootNamespace": "ZenML",
            "namespaces": {"kitaru": "Kitaru"},
            "respectSchemaVersion": True,
        },
        "java": {"basePackage": "io.zenml"},
    }


def with_examples(token: str, description: str) -> str:
    """The description of a resource or function, with its example in each language."""
    page = resources.files(__package__).joinpath("examples", f"{EXAMPLES[token]}.md")
    text = page.read_text(encoding="utf-8").strip()
    return f"{description}\n\n{_BEGIN}\n## Example Usage\n\n{text}\n{_END}"


def without_examples(description: str) -> str:
    """What `with_examples` was given."""
    return description.partition(f"\n\n{_BEGIN}")[0]
