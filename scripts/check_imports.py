"""Check who may import whom: the rooms of `kitaru_iac`, as `rooms.toml` lists them.

Every import counts, also one inside a function or under `TYPE_CHECKING`, and a literal
`importlib.import_module("...")`. What is not listed is refused, and so is an import of what is
chosen while the program runs.

    python scripts/check_imports.py [FOLDER]
"""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from graphlib import CycleError, TopologicalSorter
from itertools import product
from pathlib import Path
from typing import NamedTuple

PACKAGE = "kitaru_iac"
RULES = Path(__file__).with_name("rooms.toml")

#: Functions whose argument is imported, and what else finds code by a name.
_IMPORTERS = {"import_module", "__import__"}
_FINDERS = {"importlib.util", "importlib.machinery", "runpy", "pkgutil", "zipimport"}
_ENTRY_POINTS = {"entry_points", "EntryPoint"}


def _expanded(
    table: Mapping[str, list[str]], each: Mapping[str, list[str]]
) -> Iterator[tuple[str, list[str]]]:
    """The lines of a table, one for each thing that `{word}` in their key stands for."""
    for key, values in table.items():
        words = [word for word in each if f"{{{word}}}" in key]
        for chosen in product(*(each[word] for word in words)):
            here = dict(zip(words, chosen, strict=True))
            yield key.format(**here), [name for v in values for name in _filled(v, here, each)]


def _filled(text: str, here: Mapping[str, str], each: Mapping[str, list[str]]) -> Iterator[str]:
    """A text with what the key chose; where the key left it open, once for each."""
    open_ = [word for word in each if f"{{{word}}}" in text and word not in here]
    for chosen in product(*(each[word] for word in open_)):
        yield text.format(**here, **dict(zip(open_, chosen, strict=True)))


class Debt(NamedTuple):
    """An import that the rules forbid and that is still there: a module, and a room or package."""

    module: str
    imported: str


class Import(NamedTuple):
    """What a module imports; `name` is None where it is chosen while the program runs."""

    line: int
    name: str | None


@dataclass(frozen=True)
class Rules:
    """What `rooms.toml` says.

    Attributes:
        rooms: Each room, and the rooms that it may import.
        owners: Each foreign package, and the rooms that may import it.
        apart: Each room, and what it must not reach by way of others.
        computed: The modules that may import what is chosen while the program runs.
        debts: The imports that are excepted.
    """

    rooms: Mapping[str, tuple[str, ...]]
    owners: Mapping[str, tuple[str, ...]]
    apart: Mapping[str, tuple[str, ...]]
    computed: frozenset[str]
    debts: frozenset[Debt]

    @classmethod
    def read(cls, path: Path = RULES) -> Rules:
        """The rules of a file."""
        with path.open("rb") as file:
            given = tomllib.load(file)

        def table(name: str) -> dict[str, tuple[str, ...]]:
            found: dict[str, tuple[str, ...]] = {}
            for key, values in _expanded(given[name], given["each"]):
                found[key] = (*found.get(key, ()), *values)
            return found

        shared = given["everywhere"]
        rooms = {
            room: allowed if room in shared else (*allowed, *shared)
            for room, allowed in table("rooms").items()
        }
        debts = {
            Debt(module, exception["imports"])
            for exception in given["exceptions"]
            for module in exception["modules"]
        }
        computed = frozenset(given["computed"])
        return cls(rooms, table("owners"), table("apart"), computed, frozenset(debts))

    def room(self, module: str) -> str | None:
        """The room that a module, named inside the package, is in."""
        return _longest(module, self.rooms)

    def faults(self) -> Iterator[str]:
        """What is wrong with the rules themselves: unknown rooms, circles, what is not apart."""
        for room, allowed in self.rooms.items():
            yield from (
                f"{room} may import {o}, which is no room" for o in allowed if o not in self.rooms
            )
        try:
            TopologicalSorter(self.rooms).prepare()
        except CycleError as error:
            yield "rooms import each other in a circle: " + " → ".join(reversed(error.args[1]))
        for room, kept in self.apart.items():
            reached = self._reached(room)
            for other in kept:
                holders = self._holders(other)
                if not holders:
                    yield f"{room} is kept apart from {other}, which is neither room nor package"
                for way in sorted(
                    r for r in reached if any(is_in(r, holder) for holder in holders)
                ):
                    yield f"{room} reaches {other}, by way of {way}"

    def _holders(self, name: str) -> tuple[str, ...]:
        """The rooms through which a room, or a foreign package, is reached."""
        if is_in(name, PACKAGE):
            return tuple(room for room in self.rooms if is_in(room, name.partition(".")[2]))
        return self.owners.get(name, ())

    def broken(self, importer: str, imported: str | None) -> str | None:
        """The rule that an import breaks, if any. The importer is named inside the package."""
        if imported is None:
            return None if importer in self.computed else "it is chosen while the program runs"
        if not is_in(imported, PACKAGE):
            return self._broken_outside(importer, imported)
        room = self.room(importer) or ""
        target = self.room(imported.partition(".")[2] or "__init__")
        if target is None:
            return f"that is in no room of {RULES.name}"
        if target == room or target in self.rooms[room] or Debt(importer, target) in self.debts:
            return None
        return f"{room} may not import {target}"

    def _broken_outside(self, importer: str, imported: str) -> str | None:
        if imported.partition(".")[0] in sys.stdlib_module_names:
            return None
        package = _longest(imported, self.owners)
        if package is None:
            return f"that package is not listed in {RULES.name}"
        owners = self.owners[package]
        if any(is_in(importer, owner) for owner in owners):
            return None
        if Debt(importer, package) in self.debts:
            return None
        return f"only {', '.join(owners)} may"

    def _reached(self, room: str) -> set[str]:
        """The room and all that it may reach, in any number of steps; exceptions count."""
        reached, left = set(), [room]
        while left:
            here = left.pop()
            if here not in reached:
                reached.add(here)
                left += self.rooms.get(here, ())
                left += [d.imported for d in self.debts if self.room(d.module) == here]
        return reached


@dataclass(frozen=True)
class Violation:
    """One import through a wall."""

    path: Path
    line: int
    importer: str
    imported: str
    rule: str

    def __str__(self) -> str:
        what = f"{self.importer} imports {self.imported}" if self.imported else self.importer
        return f"{self.path}:{self.line}: {what}: {self.rule}"


def is_in(module: str, room: str) -> bool:
    """Whether a module is a room or inside it; a `*` stands for one part of the name."""
    wanted = room.split(".")
    parts = module.split(".")[: len(wanted)]
    return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))


def _longest(module: str, names: Iterable[str]) -> str | None:
    return max((name for name in names if is_in(module, name)), key=len, default=None)


def imports(tree: ast.AST, module: str, *, is_package: bool) -> Iterator[Import]:
    """Every module, or name in a module, that the code imports."""
    literal: set[ast.expr] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) in _IMPORTERS and node.args:
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                if not first.value.startswith("."):
                    literal.add(node.func)
                    yield Import(node.lineno, first.value)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield Import(node.lineno, None if name.name in _FINDERS else name.name)
        elif isinstance(node, ast.ImportFrom):
            yield from _imported_from(node, module, is_package=is_package)
        elif isinstance(node, ast.Name | ast.Attribute) and node not in literal:
            if _name(node) in _IMPORTERS | _ENTRY_POINTS or ast.unparse(node) in _FINDERS:
                yield Import(node.lineno, None)


def _imported_from(node: ast.ImportFrom, module: str, *, is_package: bool) -> Iterator[Import]:
    base = node.module or ""
    if node.level:
        parents = module.split(".")
        parents = parents[: len(parents) - node.level + is_package]
        base = ".".join([*parents, base] if base else parents)
    for name in node.names:
        full = base if name.name == "*" else f"{base}.{name.name}"
        renamed = name.name in _IMPORTERS and name.asname is not None
        is_finder = base in _FINDERS or full in _FINDERS or name.name in _ENTRY_POINTS
        yield Import(node.lineno, None if renamed or is_finder else full)


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def modules(package: Path) -> Iterator[tuple[Path, str, list[Import]]]:
    """Each module's file, its name inside the package, and what it imports."""
    for path in sorted(package.rglob("*.py")):
        if path.is_relative_to(package / "repository" / "files"):
            continue  # what a new repository gets, a program of its own
        relative = path.relative_to(package.parent).with_suffix("")
        is_package = relative.name == "__init__"
        module = ".".join((PACKAGE, *(relative.parent.parts if is_package else relative.parts)[1:]))
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
        found = list(imports(tree, module, is_package=is_package))
        yield path, module.partition(".")[2] or "__init__", found


def check(package: Path, rules: Rules) -> list[Violation]:
    """All imports of the package's modules that break a rule, and modules that are in no room."""
    found = []
    for path, module, imported in modules(package):
        importer = PACKAGE if module == "__init__" else f"{PACKAGE}.{module}"
        if rules.room(module) is None:
            found.append(Violation(path, 1, importer, "", f"it is in no room of {RULES.name}"))
            continue
        for line, name in imported:
            rule = rules.broken(module, name)
            if rule:
                found.append(Violation(path, line, importer, name or "by a computed name", rule))
    return found


def paid(package: Path, rules: Rules) -> list[str]:
    """The exceptions that nothing needs any more. A module that is still to come keeps its own."""
    debts, computed = set(rules.debts), set[str]()
    for _, module, imported in modules(package):
        if module in rules.computed and all(name is not None for _, name in imported):
            computed.add(module)
        for _, name in imported:
            if name is not None:
                inside = rules.room(name.partition(".")[2]) if is_in(name, PACKAGE) else None
                debts.discard(Debt(module, inside or _longest(name, rules.owners) or ""))
    return [f"{module} imports no {imported}" for module, imported in sorted(debts)] + [
        f"{module} imports nothing by a computed name" for module in sorted(computed)
    ]


def main(arguments: list[str]) -> int:
    package = Path(arguments[0]) if arguments else Path(__file__).parents[1] / PACKAGE
    count = sum(1 for _ in package.rglob("*.py"))
    if not count:
        print(f"no modules in {package}", file=sys.stderr)
        return 1
    rules = Rules.read()
    wrong = [*rules.faults(), *map(str, check(package, rules))]
    wrong += [
        f"{RULES.name}: delete an exception: {text} any more" for text in paid(package, rules)
    ]
    for line in wrong:
        print(line)
    if not wrong:
        print(f"Import rules hold in {count} modules; {len(rules.debts)} imports are excepted.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
