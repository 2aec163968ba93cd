"""What a row of the table of fields says (see :mod:`kitaru_iac.spec.fields`). Plain data."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, ClassVar, NoReturn, dataclass_transform

from kitaru_iac.spec.kinds import Cloud, StackType

__all__ = ["FieldInfo", "Flag", "Kind", "Place", "Property", "Stored"]


class Kind(StrEnum):
    """What a value looks like."""

    TEXT = "text"
    SWITCH = "true or false"
    MAPPING = "a mapping"
    LIST = "a list"


@dataclass_transform(frozen_default=True)
class _Row:
    """A frozen dataclass to the type checker.

    Unlike a real one it compiles no code on import, for which `stack show` would wait 2 ms.
    """

    _names: ClassVar[tuple[str, ...]]
    _known: ClassVar[frozenset[str]]
    _needed: ClassVar[frozenset[str]]

    def __init_subclass__(cls) -> None:
        cls._names = tuple(cls.__annotations__)
        cls._known = frozenset(cls._names)
        cls._needed = frozenset(name for name in cls._names if not hasattr(cls, name))

    def __init__(self, *values: object, **named: object) -> None:
        given = dict(zip(self._names, values, strict=False)) | named
        once = len(given) == len(values) + len(named)
        if not (once and self._needed <= given.keys() <= self._known):
            raise TypeError(f"{type(self).__name__} takes {', '.join(self._names)}")
        self.__dict__.update(given)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__}.{name} does not change")


class Flag(_Row):
    """How the command line says a field.

    Attributes:
        help: Its text in ``--help``.
        metavar: What stands for its value there.
        panel: The heading it stands under.
        default: What is shown as its default, where that is not the field's own.
        words: The flag itself, where it is not the key with dashes; ``NAME`` is an argument.
        completes: The function of ``cli.completion`` that offers values.
        after: The key whose flag it follows in the help, where that is not the row before.
    """

    help: str
    metavar: str | None = None
    panel: str | None = None
    default: str | None = None
    words: str | None = None
    completes: str | None = None
    after: str | None = None


class Place(_Row):
    """Where the records of a stack hold a value.

    Attributes:
        part: ``orchestrator``, ``artifact_store``, ``container_registry`` or ``connector``: its
            configuration; ``labels``: those of the stack; ``cluster``: what the runner's connector
            gives it, as `name` and `group`; ``stack``: its `name`, `type` and `connector`, and what
            is said about it: `description`, `labels` and `ignore_changes`.
        name: The field of that part.
        rest: The field that holds what follows after a slash.
    """

    part: str
    name: str
    rest: str | None = None


class Stored(_Row):
    """Where a value is found again in the records of a stack, and how ``stack show`` says it.

    Attributes:
        places: The first one that has a value counts. Where it is a field of the orchestrator, the
            description's value is written there too.
        shown: What ``stack show`` calls it; None where it is no detail of a component.
        shown_from: Where only ``stack show`` looks, after the others.
        shown_rest: What ``stack show`` calls the part after the slash, which it shows apart.
        order: Lower numbers are shown first; among equals, the order of the table.
    """

    places: tuple[Place, ...] = ()
    shown: str | None = None
    shown_from: tuple[Place, ...] = ()
    shown_rest: str | None = None
    order: int = 0


class Property(_Row):
    """A field as a property of the Pulumi resources.

    Attributes:
        of_stack: Whether `Stack` has it. What is done about infrastructure, the program says by the
            resources and functions that it uses.
        elsewhere: For a property that `Stack` does not have: what a program uses instead.
        of_provisioned: Whether `ProvisionedStack` has it.
        default: What it means where it is left out, if not what it means in ``stack.yaml``.
        left_out: The same for a reader, where that is worth saying.
        description: Its text, where a program is told something else than a person.
        stand_in: The value that stands for an output when `ProvisionedStack` checks the whole;
            None where it decides what is made, and has to be known.
        comes_out: Whether it is an output of `ProvisionedStack`.
    """

    of_stack: bool = True
    elsewhere: str | None = None
    of_provisioned: bool = True
    default: Any = None
    left_out: str | None = None
    description: str | None = None
    stand_in: Any = None
    comes_out: bool = False


class FieldInfo(_Row):
    """One field of a description.

    Attributes:
        key: As in YAML.
        description: One or two sentences.
        types: The stack types that have it.
        required: Those that need it, however their infrastructure comes about.
        kind: What its value looks like.
        value: The class of what its text is parsed into, as ``module:name`` in this room;
            callers may hand over such a value. For a mapping with `choices`, that of its values.
        parser: The function that parses its text and raises ``Refusal``, as ``module:name`` in this
            room. Without one the text is taken as it is, and `cross` may look at it.
        default: What it means where it is left out.
        secret: Whether it may hold a secret: it is never shown, and no component stores it.
        schema: What the JSON Schema says of it, beside what follows from the rest; the pattern of a
            name is in `names.PATTERNS`.
        examples: Values that are right.
        by_cloud: Examples for one cloud, where it matters.
        choices: The only values, where there are few.
        cloud: The only cloud whose stacks have it.
        needs_cloud: Whether a stack that is all on this machine has no use for it.
        on_every_model: Whether the models of types that do not have it have its attribute too.
        other_words: What other tools call it; they lead to a suggestion.
        flag: How the command line says it; None where it cannot.
        program: How a Pulumi program says it.
        stored: Where the records of each type hold it.
    """

    key: str
    description: str
    types: frozenset[StackType] = frozenset(StackType)
    required: frozenset[StackType] = frozenset()
    kind: Kind = Kind.TEXT
    value: str | None = None
    parser: str | None = None
    default: Any = None
    secret: bool = False
    schema: Mapping[str, Any] | None = None
    examples: tuple[str, ...] = ()
    by_cloud: Mapping[Cloud, str] | None = None
    choices: tuple[str, ...] = ()
    cloud: Cloud | None = None
    needs_cloud: bool = False
    on_every_model: bool = False
    other_words: tuple[str, ...] = ()
    flag: Flag | None = None
    program: Property = Property()
    stored: Mapping[StackType, Stored] | None = None

    @property
    def names_resource(self) -> bool:
        """Whether it says something of what the stack is made of, rather than of the stack."""
        return any(
            place.part != "stack"
            for stored in (self.stored or {}).values()
            for place in (*stored.places, *stored.shown_from)
        )

    @property
    def attribute(self) -> str:
        """Its name in Python: the key, with `_` after a keyword."""
        return "async_" if self.key == "async" else self.key
