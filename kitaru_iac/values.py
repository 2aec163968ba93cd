"""Frozen classes with slots, as the standard library makes them, without writing source.

`dataclasses.dataclass` writes the methods of each class as text and compiles it, a millisecond for
each, and a command of ours has more than a hundred such classes: as much as all that it asks of a
server. Here the methods are closures. The names are the standard library's, and so is what type
checkers see; `dataclasses.fields`, `replace` and `asdict`, `inspect.signature`, `copy` and `pickle`
work with these classes too.

What it knows is what this package uses: ``frozen=True, slots=True``, with or without ``eq`` and
``kw_only``; `field` with a default, and what is left out of ``repr`` or of comparisons.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from operator import attrgetter
from types import MemberDescriptorType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

__all__ = ["dataclass", "field", "fields", "replace"]

_T = TypeVar("_T")

#: No default. A value of its own: None is one that fields have.
_MISSING: Final = object()
#: Where a class keeps its fields.
_OURS: Final = "__value_fields__"


class _Default(NamedTuple):
    """What `field` says of a field, until its class is made."""

    default: Any
    factory: Callable[[], Any] | None
    repr: bool
    compare: bool


class _Field(NamedTuple):
    """A field of a class.

    Attributes:
        name: The attribute.
        annotation: Its type, as written.
        default: Its value where none is given; `_MISSING`: there has to be one.
        factory: Makes that value.
        repr: Whether `repr` shows it.
        compare: Whether it counts where two are compared.
        kw_only: Whether it is given by its name alone.
    """

    name: str
    annotation: Any
    default: Any
    factory: Callable[[], Any] | None
    repr: bool
    compare: bool
    kw_only: bool


def _field(
    *,
    default: object = _MISSING,
    default_factory: Callable[[], Any] | None = None,
    repr: bool = True,
    compare: bool = True,
) -> _Default:
    """Say more of a field than its type; see `dataclasses.field`."""
    return _Default(default, default_factory, repr, compare)


def _fields(of: object) -> tuple[_Field, ...]:
    """The fields of a class or of a value, in their order."""
    found: Mapping[str, _Field] = getattr(of, _OURS)
    return tuple(found.values())


def _replace(value: _T, /, **changes: Any) -> _T:
    """A value like this one, with other fields; see `dataclasses.replace`."""
    if not hasattr(value, _OURS):
        from dataclasses import replace as replace_other

        return replace_other(value, **changes)  # type: ignore[type-var]
    kept = {one.name: getattr(value, one.name) for one in _fields(value) if one.name not in changes}
    return type(value)(**kept, **changes)


def _dataclass(
    *, frozen: bool, slots: bool, eq: bool = True, kw_only: bool = False
) -> Callable[[type[_T]], type[_T]]:
    """Make a class of values out of its annotations; see `dataclasses.dataclass`."""
    assert frozen, "what changes is the standard library's"
    assert slots, "what has a dictionary is the standard library's"

    def made(cls: type[_T]) -> type[_T]:
        return _class(cls, eq=eq, kw_only=kw_only)

    return made


# -- the class -------------------------------------------------------------------------------------


def _class(cls: type[_T], *, eq: bool, kw_only: bool) -> type[_T]:
    """The class with slots that stands in the place of one that was written without."""
    inherited: dict[str, _Field] = {}
    for base in reversed(cls.__mro__[1:]):
        inherited.update(base.__dict__.get(_OURS, {}))
    own = _own_fields(cls, kw_only=kw_only)
    known = inherited | own
    namespace = dict(cls.__dict__)
    for name in (*own, "__dict__", "__weakref__"):
        namespace.pop(name, None)
    namespace["__slots__"] = tuple(name for name in own if name not in inherited)
    namespace[_OURS] = known
    namespace["__match_args__"] = tuple(one.name for one in known.values() if not one.kw_only)
    namespace["__dataclass_fields__"] = _Standard("__dataclass_fields__")
    namespace["__dataclass_params__"] = _Standard("__dataclass_params__")
    namespace["__signature__"] = _Signature()
    made: type[_T] = type(cls)(  # type: ignore[misc]
        cls.__name__, cls.__bases__, namespace
    )
    made.__qualname__ = cls.__qualname__
    for method in _methods(made, tuple(known.values()), eq=eq):
        # What the class has written itself stays; `__eq__` alone sets `__hash__` to None.
        if namespace.get(method.__name__) is None:
            method.__qualname__ = f"{made.__qualname__}.{method.__name__}"
            setattr(made, method.__name__, method)
    return made


def _own_fields(cls: type, *, kw_only: bool) -> dict[str, _Field]:
    found = {}
    for name, annotation in cls.__annotations__.items():
        if str(annotation).startswith(("ClassVar", "typing.ClassVar")):
            continue
        said = cls.__dict__.get(name, _MISSING)
        if not isinstance(said, _Default):
            said = _Default(said, None, repr=True, compare=True)
        found[name] = _Field(name, annotation, *said, kw_only)
    return found


def _methods(cls: type, known: tuple[_Field, ...], *, eq: bool) -> list[Callable[..., Any]]:
    """What all classes have in common, for one of them."""
    places: list[MemberDescriptorType] = [getattr(cls, one.name) for one in known]
    values = _taken([one.name for one in known])
    compared = _taken([one.name for one in known if one.compare])

    def __getstate__(self: object) -> tuple[Any, ...]:  # noqa: N807
        return values(self)

    def __setstate__(self: object, state: tuple[Any, ...]) -> None:  # noqa: N807
        for place, value in zip(places, state, strict=True):
            place.__set__(self, value)

    def __eq__(self: object, other: object) -> bool:  # noqa: N807
        if other.__class__ is not self.__class__:
            return NotImplemented
        return compared(self) == compared(other)

    def __hash__(self: object) -> int:  # noqa: N807
        return hash(compared(self))

    found: list[Callable[..., Any]] = [_init(cls, known), _repr(known), __setattr__, __delattr__]
    found += [__getstate__, __setstate__, __replace__]
    return [*found, __eq__, __hash__] if eq else found


def _taken(names: list[str]) -> Callable[[object], tuple[Any, ...]]:
    """What takes these attributes of a value."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda value: tuple([getattr(value, name) for name in names])


def _init(cls: type, known: tuple[_Field, ...]) -> Callable[..., None]:
    # As in the standard library, those that are given by name come last.
    ordered = sorted(known, key=lambda one: one.kw_only)
    setters = [getattr(cls, one.name).__set__ for one in ordered]
    steps = list(zip(ordered, setters, strict=True))
    most = sum(not one.kw_only for one in known)

    def __init__(self: object, /, *given: Any, **named: Any) -> None:  # noqa: N807
        if len(given) > most:
            raise TypeError(_wrong_call(cls, ordered, given, named))
        for put, value in zip(setters, given, strict=False):
            put(self, value)
        for one, put in steps[len(given) :]:
            if one.name in named:
                put(self, named.pop(one.name))
            elif one.default is not _MISSING:
                put(self, one.default)
            elif one.factory is not None:
                put(self, one.factory())
            else:
                raise TypeError(_wrong_call(cls, ordered, given, named))
        if named:
            raise TypeError(_wrong_call(cls, ordered, given, named))

    return __init__


def _wrong_call(
    cls: type, known: list[_Field], given: tuple[Any, ...], named: Mapping[str, Any]
) -> str:
    """What is wrong with the arguments of a class, in Python's words and without their values."""
    called = f"{cls.__qualname__}.__init__()"
    most = sum(not one.kw_only for one in known)
    if len(given) > most:
        return f"{called} takes {most + 1} positional arguments but {len(given) + 1} were given"
    names = [one.name for one in known]
    for name in named:
        if name not in names:
            return f"{called} got an unexpected keyword argument {name!r}"
        if name in names[: len(given)]:
            return f"{called} got multiple values for argument {name!r}"
    absent = [
        one.name
        for one in known[len(given) :]
        if one.name not in named and one.default is _MISSING and one.factory is None
    ]
    return f"{called} lacks {', '.join(map(repr, absent))}"


def _repr(known: tuple[_Field, ...]) -> Callable[[object], str]:
    names = [one.name for one in known if one.repr]

    def __repr__(self: object) -> str:  # noqa: N807
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{self.__class__.__qualname__}({shown})"

    return __repr__


def __setattr__(_self: object, name: str, _value: object) -> None:  # noqa: N807
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def __delattr__(_self: object, name: str) -> None:  # noqa: N807
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot delete field {name!r}")


def __replace__(self: _T, /, **changes: Any) -> _T:  # noqa: N807 - for `copy.replace`
    return _replace(self, **changes)


# -- what the standard library reads of such a class -----------------------------------------------


class _Standard:
    """An attribute of its own classes, made where somebody asks for it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, value: object, owner: type) -> object:
        return getattr(_twin(owner), self._name)


class _Signature:
    """How a class is called, where `inspect` asks; a class that has written its own is left out."""

    def __get__(self, value: object, owner: type) -> object:
        if value is not None or _OURS not in owner.__dict__:
            raise AttributeError("__signature__")
        from inspect import signature

        return signature(_twin(owner))


@cache
def _twin(owner: type) -> type:
    """The standard library's class with the same fields."""
    import dataclasses

    def told(one: _Field) -> Any:  # noqa: ANN401
        more: dict[str, Any] = {"repr": one.repr, "compare": one.compare, "kw_only": one.kw_only}
        if one.factory is not None:
            more["default_factory"] = one.factory
        elif one.default is not _MISSING:
            more["default"] = one.default
        return dataclasses.field(**more)

    told_fields = [(one.name, one.annotation, told(one)) for one in _fields(owner)]
    return dataclasses.make_dataclass(owner.__name__, told_fields, frozen=True)


if TYPE_CHECKING:
    from dataclasses import dataclass, field, fields, replace
else:
    dataclass, field, fields, replace = _dataclass, _field, _fields, _replace
