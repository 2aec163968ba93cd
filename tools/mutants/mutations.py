"""Mutants of a Python source: one small fault each, at its exact place; the rest stays as it is."""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

#: Functions and classes that guard ownership or concurrency; their mutants are chosen first.
_GUARD = re.compile(r"(?:^|_)(?:insist|own|guard|lock|settle|identi|require)", re.IGNORECASE)

_SWAPS: dict[type[ast.cmpop], tuple[str, ...]] = {
    ast.Eq: ("!=",),
    ast.NotEq: ("==",),
    ast.Lt: ("<=", ">="),
    ast.LtE: ("<", ">"),
    ast.Gt: (">=", "<="),
    ast.GtE: (">", "<"),
    ast.In: ("not in",),
    ast.NotIn: ("in",),
    ast.Is: ("is not",),
    ast.IsNot: ("is",),
}
_SIGNS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.Is: "is",
    ast.IsNot: "is not",
}

#: What only tells somebody something: the last or the first part of the called name.
_TELLING = {"logging", "log", "_log", "logger", "_logger", "progress", "_progress"}
#: Calls whose keywords speak to the type checker, or make a class what it is.
_DECLARING = {"field", "Field", "TypeVar", "ParamSpec", "NewType", "cast"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault.

    Attributes:
        path: The module's file, from the project's root.
        line: The number of the line.
        source: The text of that line.
        kind: The kind of mutation.
        description: What was changed, in one line.
        start: Where the change begins, in bytes.
        end: Where it ends.
        text: What stands there instead.
        guards: Whether a guard of ownership or concurrency was changed.
    """

    path: str
    line: int
    source: str
    kind: str
    description: str
    start: int
    end: int
    text: str
    guards: bool

    def applied(self, source: bytes) -> bytes:
        """The module's source with the fault."""
        return source[: self.start] + self.text.encode() + source[self.end :]


def mutants(source: bytes, path: str) -> list[Mutant]:
    """All mutants of a module, in the order of the file; those that change nothing are left out."""
    finder = _Finder(source, path)
    finder.visit(ast.parse(source))
    found = {(m.start, m.end, m.text): m for m in reversed(finder.found)}
    return sorted(found.values(), key=lambda m: (m.start, m.end, m.text))


def sample(found: Sequence[Mutant], count: int, seed: str) -> list[Mutant]:
    """A random sample of so many mutants: guards first, and all kinds and lines in turn."""
    rng = random.Random(seed)
    order: list[Mutant] = []
    for guards in (True, False):
        order += _in_turn([m for m in found if m.guards is guards], rng)
    # A line that is chosen already comes again only where there are not enough others.
    first: dict[int, Mutant] = {}
    for mutant in order:
        first.setdefault(mutant.line, mutant)
    again = [mutant for mutant in order if first[mutant.line] is not mutant]
    chosen = [*first.values(), *again][:count]
    return sorted(chosen, key=lambda m: (m.start, m.end, m.text))


def _in_turn(found: Iterable[Mutant], rng: random.Random) -> list[Mutant]:
    kinds: dict[str, list[Mutant]] = {}
    for mutant in found:
        kinds.setdefault(mutant.kind, []).append(mutant)
    names = sorted(kinds)
    rng.shuffle(names)
    for name in names:
        rng.shuffle(kinds[name])
    order = []
    while any(kinds.values()):
        order += [kinds[name].pop() for name in names if kinds[name]]
    return order


class _Finder(ast.NodeVisitor):
    """Walks a module and notes what can be changed."""

    def __init__(self, source: bytes, path: str) -> None:
        self.found: list[Mutant] = []
        self._source = source
        self._path = path
        self._lines = source.splitlines(keepends=True)
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))
        self._names: list[str] = []
        self._returns_bool = False

    # --- places and texts

    def _span(self, node: ast.AST) -> tuple[int, int]:
        place: ast.expr = node  # type: ignore[assignment]
        assert place.end_lineno is not None
        assert place.end_col_offset is not None
        start = self._starts[place.lineno - 1] + place.col_offset
        return start, self._starts[place.end_lineno - 1] + place.end_col_offset

    def _text(self, node: ast.AST) -> str:
        start, end = self._span(node)
        return self._source[start:end].decode()

    def _short(self, node: ast.AST) -> str:
        text = " ".join(self._text(node).split())
        return text if len(text) <= 60 else f"{text[:57]}..."

    def _note(
        self, kind: str, node: ast.AST, text: str, description: str, at: ast.AST | None = None
    ) -> None:
        start, end = self._span(node)
        line: int = (at or node).lineno  # type: ignore[attr-defined]
        source = self._lines[line - 1].decode().strip()
        guards = any(_GUARD.search(name) for name in self._names)
        self.found.append(
            Mutant(self._path, line, source, kind, description, start, end, text, guards)
        )

    # --- what is left out

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.visit(node.args)
        before = self._returns_bool
        self._returns_bool = isinstance(node.returns, ast.Name) and node.returns.id == "bool"
        self._body(node)
        self._returns_bool = before

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.visit_FunctionDef(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._body(node)

    def _body(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        self._names.append(node.name)
        for statement in node.body:
            self.visit(statement)
        self._names.pop()

    def visit_arguments(self, node: ast.arguments) -> None:
        for default in (*node.defaults, *node.kw_defaults):
            if default is not None:
                self.visit(default)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None and _last_name(node.annotation) != "TypeAlias":
            self.visit(node.value)

    def visit_Assign(self, node: ast.Assign) -> None:
        if not any(isinstance(to, ast.Name) and to.id == "__all__" for to in node.targets):
            self.generic_visit(node)

    def visit_Assert(self, node: ast.Assert) -> None:
        """Asserts are for the type checker."""

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Python 3.11 does not know the places of what is inside."""

    # --- what is changed

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        word, other = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        halves = [f"({self._text(value)})" for value in node.values]
        for index, value in enumerate(node.values):
            rest = f" {word} ".join(halves[:index] + halves[index + 1 :])
            said = f"dropped `{self._short(value)}` from `{word}`"
            self._note("half", node, rest, said, at=value)
        said = f"`{word}` -> `{other}` in `{self._short(node)}`"
        self._note("and/or", node, f"({f' {other} '.join(halves)})", said)
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not):
            text = f"({self._text(node.operand)})"
            self._note("not", node, text, f"dropped `not` from `{self._short(node)}`")
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        operands = [node.left, *node.comparators]
        texts = [f"({self._text(operand)})" for operand in operands]
        for index, op in enumerate(node.ops):
            for swap in _SWAPS[type(op)]:
                signs = [_SIGNS[type(each)] for each in node.ops]
                said = f"`{signs[index]}` -> `{swap}` in `{self._short(node)}`"
                signs[index] = swap
                pairs = zip(signs, texts[1:], strict=True)
                text = " ".join([texts[0], *(f"{sign} {right}" for sign, right in pairs)])
                self._note("compare", node, f"({text})", said)
        for operand in operands:
            is_list = isinstance(operand, ast.Tuple | ast.List)
            self._words(operand.elts if is_list else [operand])  # type: ignore[attr-defined]
        self.generic_visit(node)

    def visit_Set(self, node: ast.Set) -> None:
        self._words(node.elts)
        self.generic_visit(node)

    def visit_MatchValue(self, node: ast.MatchValue) -> None:
        self._words([node.value])
        self.generic_visit(node)

    def _words(self, nodes: Iterable[ast.expr]) -> None:
        """Change the texts in a set or a comparison: codes, ids, names of kinds."""
        for node in nodes:
            if isinstance(node, ast.Starred) and isinstance(node.value, ast.Tuple | ast.List):
                self._words(node.value.elts)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                changed = repr(f"{node.value}~")
                self._note("text", node, changed, f"{node.value!r} -> {changed}")

    def visit_If(self, node: ast.If) -> None:
        if _last_name(node.test) == "TYPE_CHECKING":
            for statement in node.orelse:
                self.visit(statement)
            return
        if isinstance(node.test, ast.Compare) and _last_name(node.test.left) == "__name__":
            return
        self._condition(node.test)
        self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._condition(node.test)
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for test in node.ifs:
            self._condition(test)
        self.generic_visit(node)

    def _condition(self, test: ast.expr) -> None:
        for value in ("True", "False"):
            said = f"condition `{self._short(test)}` -> {value}"
            self._note("condition", test, value, said)

    def visit_Constant(self, node: ast.Constant) -> None:
        if type(node.value) is int:
            more = str(node.value + 1)
            self._note("integer", node, more, f"{self._short(node)} -> {more}")

    def visit_Return(self, node: ast.Return) -> None:
        value = node.value
        if isinstance(value, ast.Constant) and isinstance(value.value, bool):
            other = str(not value.value)
            self._note("return", value, other, f"returned {other}", at=node)
        elif value is not None and (self._returns_bool or isinstance(value, ast.BoolOp)):
            if not isinstance(value, ast.UnaryOp | ast.Compare):  # these have their own opposites
                said = f"returned the opposite of `{self._short(value)}`"
                self._note("return", value, f"not ({self._text(value)})", said, at=node)
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Call) and not _is_telling(node.value):
            self._note("call", node, "pass", f"deleted `{self._short(node)}`")
            self.generic_visit(node)
        elif not isinstance(node.value, ast.Call | ast.Constant):
            self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> None:
        self._note("raise", node, "pass", f"deleted `{self._short(node)}`")
        self.generic_visit(node)

    def visit_Break(self, node: ast.Break) -> None:
        self._note("loop", node, "continue", "`break` -> `continue`")
        self._note("loop", node, "pass", "deleted `break`")

    def visit_Continue(self, node: ast.Continue) -> None:
        self._note("loop", node, "break", "`continue` -> `break`")
        self._note("loop", node, "pass", "deleted `continue`")

    def visit_Call(self, node: ast.Call) -> None:
        if _last_name(node.func) not in _DECLARING and not _is_telling(node):
            for dropped in node.keywords:
                if dropped.arg is not None:
                    said = f"dropped `{self._short(dropped)}` from the call of "
                    said += f"`{self._short(node.func)}`"
                    self._note("keyword", node, self._without(node, dropped), said, at=dropped)
        self.generic_visit(node)

    def _without(self, node: ast.Call, dropped: ast.keyword) -> str:
        """The call without one keyword argument."""
        given: list[ast.expr | ast.keyword] = [*node.args, *node.keywords]
        given.sort(key=self._span)
        texts = []
        for each in given:
            if isinstance(each, ast.keyword):
                begin = "**" if each.arg is None else f"{each.arg}="
                text = f"{begin}({self._text(each.value)})"
            else:
                text = self._text(each)
            if each is not dropped:
                texts.append(text)
        return f"{self._text(node.func)}({', '.join(texts)})"


def _names(node: ast.AST) -> Iterator[str]:
    """The parts of a dotted name, the last one first; calls on the way are passed by."""
    while True:
        if isinstance(node, ast.Call):
            node = node.func
        elif isinstance(node, ast.Attribute):
            yield node.attr
            node = node.value
        else:
            if isinstance(node, ast.Name):
                yield node.id
            return


def _last_name(node: ast.AST) -> str:
    return next(_names(node), "")


def _is_telling(call: ast.Call) -> bool:
    names = list(_names(call.func))
    return bool(names) and (names[0] in _TELLING or names[-1] in _TELLING or names[1:2] == ["log"])
