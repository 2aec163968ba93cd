"""Our frozen classes do what the standard library's do."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from kitaru_iac import values


def _classes(dataclass: Any, field: Any) -> dict[str, type]:
    """The same classes, made by one of the two."""

    @dataclass(frozen=True, slots=True)
    class Base:
        """Some fields."""

        many: ClassVar[int] = 3
        name: str
        secret: str = field(default="s3cret", repr=False)
        labels: dict[str, str] = field(default_factory=dict, compare=False)

    @dataclass(frozen=True, slots=True)
    class Wider(Base):
        secret: str = "open"
        none: str | None = None

        def __repr__(self) -> str:
            return f"<{self.name}>"

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Named:
        second: int
        first: int = 1

    @dataclass(frozen=True, slots=True, eq=False)
    class Thing:
        name: str

    @dataclass(frozen=True, slots=True)
    class Own:  # noqa: PLW1641 - the decorator gives it one
        name: str

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Own)

    @dataclass(frozen=True, slots=True)
    class Nothing:
        pass

    return {one.__name__: one for one in (Base, Wider, Named, Thing, Own, Nothing)}


OURS = _classes(values.dataclass, values.field)
THEIRS = _classes(dataclasses.dataclass, dataclasses.field)


def _seen(classes: dict[str, type], what: Callable[[dict[str, Any]], object]) -> object:
    """What comes of it, or the kind of error."""
    try:
        return what(classes)
    except Exception as error:
        return type(error)


@pytest.mark.parametrize(
    "what",
    [
        lambda c: str(c["Base"]("a")).rpartition(".")[2],
        lambda c: str(c["Wider"]("a")),
        lambda c: str(c["Named"](second=2)).rpartition(".")[2],
        lambda c: str(c["Nothing"]()).rpartition(".")[2],
        lambda c: [getattr(c["Wider"]("a"), n) for n in ("secret", "labels", "none", "many")],
        lambda c: c["Base"]("a").labels is c["Base"]("a").labels,
        lambda c: c["Base"]("a") == c["Base"]("a", "s3cret", {"x": "y"}),
        lambda c: c["Base"]("a") == c["Base"]("a", "other"),
        lambda c: c["Base"]("a", "open") == c["Wider"]("a"),
        lambda c: c["Base"]("a").__eq__("a"),
        lambda c: hash(c["Base"]("a")) == hash(c["Base"]("a", labels={"x": "y"})),
        lambda c: hash(c["Base"]("a")) == hash(c["Base"]("b")),
        lambda c: hash(c["Base"]({})),
        lambda c: c["Thing"]("a") == c["Thing"]("a"),
        lambda c: len({c["Thing"]("a"), c["Thing"]("a")}),
        lambda c: (c["Own"]("a") == c["Own"]("b"), hash(c["Own"]("a")) == hash(c["Own"]("a"))),
        lambda c: c["Nothing"]() == c["Nothing"](),
        lambda c: len({c["Nothing"](), c["Nothing"]()}),
        lambda c: c["Base"](),
        lambda c: c["Base"]("a", "b", {}, "d"),
        lambda c: c["Base"]("a", name="a"),
        lambda c: c["Base"]("a", nam="a"),
        lambda c: c["Named"](1, 2),
        lambda c: c["Named"](first=1),
        lambda c: setattr(c["Base"]("a"), "name", "b"),
        lambda c: delattr(c["Base"]("a"), "name"),
        lambda c: c["Base"]("a").__dict__,
        lambda c: [c[n].__slots__ for n in c],
        lambda c: [c[n].__match_args__ for n in c],
        lambda c: [str(inspect.signature(c[n])) for n in c],
        lambda c: [c[n].__doc__ for n in ("Base", "Thing")][:1],
        lambda c: [[f.name for f in dataclasses.fields(c[n])] for n in c],
        lambda c: dataclasses.asdict(c["Base"]("a", "b", {"x": "y"})),
        lambda c: dataclasses.replace(c["Base"]("a", labels={"x": "y"}), secret="t").labels,
        lambda c: dataclasses.replace(c["Base"]("a"), nam="t"),
        lambda c: copy.deepcopy(c["Base"]("a", "b", {"x": "y"})) == c["Base"]("a", "b"),
        lambda c: copy.copy(c["Named"](second=3)).second,
    ],
)
def test_as_the_standard_library_does(what: Callable[[dict[str, Any]], object]) -> None:
    ours, theirs = _seen(OURS, what), _seen(THEIRS, what)
    assert ours == theirs
    assert type(ours) is type(theirs)


@values.dataclass(frozen=True, slots=True)
class Kept:
    """In a module, where `pickle` finds it."""

    name: str
    labels: dict[str, str] = values.field(default_factory=dict)


def test_it_is_pickled_and_replaced() -> None:
    kept = Kept("a", {"x": "y"})
    assert pickle.loads(pickle.dumps(kept)) == kept
    assert values.replace(kept, name="b") == Kept("b", {"x": "y"})
    assert [one.name for one in values.fields(Kept)] == ["name", "labels"]
    with pytest.raises(TypeError, match=r"^Kept.__init__\(\) got an unexpected .* 'nam'$"):
        values.replace(kept, nam="b")  # type: ignore[call-arg]


def test_what_is_wrong_with_a_call_is_said_without_its_values() -> None:
    with pytest.raises(TypeError) as caught:
        Kept(labels={"x": "s3cret"})
    assert str(caught.value) == "Kept.__init__() lacks 'name'"


def test_nothing_else_can_be_set_either() -> None:
    """In Python 3.11 the standard library stumbles here, with a `TypeError`."""
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'other'"):
        Kept("a").other = "b"  # type: ignore[attr-defined]


def test_replace_takes_the_standard_library_s_too() -> None:
    @dataclasses.dataclass
    class Changing:
        name: str

    assert values.replace(Changing("a"), name="b").name == "b"


def test_the_standard_library_builds_on_them() -> None:
    @dataclasses.dataclass(frozen=True, slots=True)
    class More(Kept):
        more: int = 2

    assert More("a").more == 2
    assert dataclasses.replace(More("a"), labels={"x": "y"}).labels == {"x": "y"}


def test_no_source_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    monkeypatch.setattr(dataclasses, "_create_fn", lambda *a, **k: made.append(a))
    _classes(values.dataclass, values.field)
    assert made == []
