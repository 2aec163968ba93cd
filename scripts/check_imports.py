"""Check who may import whom: the walls between the rooms of `kitaru_iac`.

Every import counts, also one inside a function or under `TYPE_CHECKING`, and a literal
`importlib.import_module("...")`. A rule may speak of a room that does not exist yet.

    python scripts/check_imports.py [FOLDER]
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

PACKAGE = "kitaru_iac"

# What is outside, and the only rooms that may import it. A longer name wins over a shorter one.
OWNERS: dict[str, tuple[str, ...]] = {
    "boto3": ("clouds.aws",),
    "botocore": ("clouds.aws",),
    "pulumi_aws": ("clouds.aws",),
    "google": ("clouds.gcp",),
    "google.protobuf": ("engine", "pulumi"),  # the wire of the Pulumi engine, not Google's cloud
    "google.rpc": ("pulumi",),  # the same
    "googleapiclient": ("clouds.gcp",),
    "pulumi_gcp": ("clouds.gcp",),
    "azure": ("clouds.azure",),
    "msrest": ("clouds.azure",),
    "pulumi_azure_native": ("clouds.azure",),
    "kubernetes": ("clouds",),
    "zenml": ("records", "gateway", "connection", "stacks", "runtime"),
    "pulumi": ("engine", "pulumi", "clouds.*.provision"),
    "grpc": ("engine", "pulumi"),
    "mcp": ("mcp",),
    "typer": ("cli",),
}

# The folders of the clouds.
CLOUDS = ("aws", "gcp", "azure")

# A room, and the rooms inside this package that it may not import.
WALLS: dict[str, tuple[str, ...]] = {
    "spec": (
        *("records", "engine", "clouds", "lifecycle", "runtime", "pulumi", "render", "plan"),
        *("doctor", "cli", "mcp"),
    ),
    "clouds": ("engine", "lifecycle", "runtime", "pulumi", "render", "cli", "mcp"),
    # The registry alone finds a cloud, and no cloud knows another.
    **{
        f"clouds.{cloud}": tuple(f"clouds.{other}" for other in CLOUDS if other != cloud)
        for cloud in CLOUDS
    },
    "engine": ("records", "clouds", "lifecycle", "runtime", "pulumi", "cli", "mcp"),
    "records": ("engine", "lifecycle", "runtime", "pulumi", "cli", "mcp"),
    "render": ("records", "engine", "clouds", "lifecycle", "runtime", "pulumi", "cli", "mcp"),
    "lifecycle": ("cli", "mcp"),
    "situation": ("engine", "pulumi", "cli", "mcp"),
    # Files, and nothing but: the command that writes them waits for no package.
    "new_repo": (
        *("spec", "records", "engine", "clouds", "lifecycle", "runtime", "pulumi", "render"),
        *("cli", "mcp"),
    ),
    "runtime": ("cli", "mcp"),
    "pulumi": ("cli", "mcp"),
    "doctor": ("cli", "mcp"),
    "cli": ("mcp.*",),
    "mcp": ("cli",),
}


@dataclass(frozen=True)
class Violation:
    """One import through a wall."""

    path: Path
    line: int
    importer: str
    imported: str
    rule: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.importer} imports {self.imported}: {self.rule}"


def is_in(module: str, room: str) -> bool:
    """Whether a module is a room or inside it; a `*` stands for one part of the name."""
    wanted = room.split(".")
    parts = module.split(".")[: len(wanted)]
    return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))


def imports(tree: ast.AST, module: str, *, is_package: bool) -> Iterator[tuple[int, str]]:
    """Every module, or name in a module, that the code imports, with the line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield node.lineno, name.name
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = module.split(".")
                parents = parents[: len(parents) - node.level + is_package]
                base = ".".join([*parents, base] if base else parents)
            for name in node.names:
                yield node.lineno, base if name.name == "*" else f"{base}.{name.name}"
        elif isinstance(node, ast.Call) and node.args:
            called = node.func
            name_called = called.attr if isinstance(called, ast.Attribute) else ""
            name_called = called.id if isinstance(called, ast.Name) else name_called
            first = node.args[0]
            if (
                name_called in {"import_module", "__import__"}
                and isinstance(first, ast.Constant)
                and isinstance(first.value, str)
            ):
                yield node.lineno, first.value


def broken_rule(importer: str, imported: str) -> str | None:
    """The rule that an import breaks, if any. The importer is named inside the package."""
    if is_in(imported, PACKAGE):
        inside = imported.partition(".")[2]
        for room, closed in WALLS.items():
            if is_in(importer, room):
                for other in closed:
                    if is_in(inside, other):
                        return f"{room} may not import {other}"
        return None
    owned = [name for name in OWNERS if is_in(imported, name)]
    if not owned:
        return None
    owners = OWNERS[max(owned, key=len)]
    if any(is_in(importer, owner) for owner in owners):
        return None
    return f"only {', '.join(owners)} may"


def check(package: Path) -> list[Violation]:
    """All imports of the package's modules that break a rule."""
    found = []
    for path in sorted(package.rglob("*.py")):
        relative = path.relative_to(package.parent).with_suffix("")
        is_package = relative.name == "__init__"
        module = ".".join(relative.parent.parts if is_package else relative.parts)
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
        for line, imported in imports(tree, module, is_package=is_package):
            rule = broken_rule(module.partition(".")[2], imported)
            if rule:
                found.append(Violation(path, line, module, imported, rule))
    return found


def main(arguments: list[str]) -> int:
    package = Path(arguments[0]) if arguments else Path(__file__).parents[1] / PACKAGE
    modules = sum(1 for _ in package.rglob("*.py"))
    if not modules:
        print(f"no modules in {package}", file=sys.stderr)
        return 1
    violations = check(package)
    for violation in violations:
        print(violation)
    if not violations:
        print(f"Import rules hold in {modules} modules.")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
