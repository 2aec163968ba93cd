"""One description from flags, a YAML file, extras and defaults; or from a mapping."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

from kitaru_iac.errors import DescriptionError, Problem, UsageError
from kitaru_iac.spec import rules
from kitaru_iac.spec.clouds import FIXED_CLOUDS
from kitaru_iac.spec.credentials import Credentials
from kitaru_iac.spec.draft import Origins
from kitaru_iac.spec.extras import Extra, merge_extras
from kitaru_iac.spec.fields import FIELDS
from kitaru_iac.spec.kinds import Cloud, InfraMode, StackType
from kitaru_iac.spec.model import SPEC_CLASSES, StackSpec
from kitaru_iac.spec.refusal import Refusal
from kitaru_iac.spec.resources import EXTRA_TARGETS
from kitaru_iac.spec.rows import FieldInfo
from kitaru_iac.spec.uris import parse_artifact_store
from kitaru_iac.spec.wording import flag_of
from kitaru_iac.values import dataclass

if TYPE_CHECKING:
    from kitaru_iac.spec.document import Document
    from kitaru_iac.spec.infrastructure import Infrastructure
    from kitaru_iac.spec.shared import Shared

__all__ = ["Merged", "from_given", "from_mapping", "load", "merge", "to_mapping"]

_DEFAULTS_SOURCE = "[tool.kitaru]"


@dataclass(frozen=True, slots=True)
class Merged:
    """A description put together from several places, not checked yet.

    Attributes:
        data: The values by YAML key, as they were written.
        origins: Where each was written.
        problems: What is wrong already.
        unreadable: The dotted paths of values that could not be read, which are among `problems`.
    """

    data: dict[str, Any]
    origins: Origins
    problems: tuple[Problem, ...] = ()
    unreadable: frozenset[str] = frozenset()

    def checked(self, stdin: TextIO | None = None) -> StackSpec:
        """The description that they make.

        Args:
            stdin: What ``credentials: -`` reads; this process's own by default.

        Raises:
            DescriptionError: With every problem, those of putting together first.
        """
        try:
            spec = _build(self.data, self.origins, stdin)
        except DescriptionError as error:
            found = [p for p in error.problems if p.field not in self.unreadable]
            raise DescriptionError([*self.problems, *found]) from None
        if self.problems:
            raise DescriptionError(self.problems)
        return spec


def load(
    flags: Mapping[str, Any],
    file: Path | str | Document | None = None,
    extra: Sequence[str] = (),
    defaults: Mapping[str, Any] | None = None,
    *,
    stdin: TextIO | None = None,
    shared: Shared | None = None,
) -> StackSpec:
    """The description that a command line asks for.

    Flags win over the file, the file over ``kitaru.yaml`` beside or above it, that one over the
    defaults. ``--extra`` is laid over the file's ``extra:`` deeply, later ones last.

    Args:
        flags: Values by YAML key; None means not given.
        file: A YAML file, or one that was read; ``-`` is standard input.
        extra: ``TARGET.FIELD=VALUE`` strings.
        defaults: A project's own defaults, as of ``[tool.kitaru]``; those that the type does not
            have are passed over.
        stdin: What ``-`` reads; this process's own by default.
        shared: The file's ``kitaru.yaml``; None: it is looked for.

    Raises:
        DescriptionError: With every problem that was found, each with its flag or file and line.
    """
    return merge(flags, file, extra, defaults, stdin=stdin, shared=shared).checked(stdin)


def merge(
    given: Mapping[str, Any],
    file: Path | str | Document | None = None,
    extra: Sequence[str] = (),
    defaults: Mapping[str, Any] | None = None,
    *,
    stdin: TextIO | None = None,
    said: Callable[[str, Any], str] | None = None,
    shared: Shared | None = None,
) -> Merged:
    """What `load` puts together, before it is checked; a mapping is laid over the file's deeply.

    Args:
        given: What wins over the file, by YAML key: a command line's flags.
        file: See `load`, as for `extra`, `defaults` and `stdin`.
        extra: ``TARGET.FIELD=VALUE`` strings.
        defaults: A project's own defaults.
        stdin: What ``-`` reads.
        said: Where a key and value of `given` was written; None: it is a flag.
        shared: The file's ``kitaru.yaml``; None: it is looked for.

    Raises:
        DescriptionError: The file cannot be read, or its ``kitaru.yaml`` is wrong.
    """
    data: dict[str, Any] = {}
    where: dict[str, str] = {}
    problems: list[Problem] = []
    name = None
    unreadable: frozenset[str] = frozenset()
    if file is not None:
        # A command that is given flags alone does without all that reads files.
        from kitaru_iac.spec.document import Document
        from kitaru_iac.spec.shared import shared_with
        from kitaru_iac.spec.variables import expanded
        from kitaru_iac.spec.yaml_file import read_document

        try:
            document = file if isinstance(file, Document) else read_document(file, stdin)
            shared = shared or shared_with(document.file)
        except DescriptionError as error:
            _, _, wrong = merge_extras(extra, None)
            raise DescriptionError([*error.problems, *wrong]) from None
        document = expanded(document)
        name, data, where = document.file, dict(document.data), document.sources()
        unreadable = document.unreadable
        problems += document.problems
    if given.get("async") is not None and "extra" in data:
        data["extra"] = _without_synchronous(data["extra"])
    for key, value in given.items():
        if value is not None:
            laid = value
            if key == "infrastructure" and isinstance(value, list | tuple):
                laid, wrong = _options(value)
                problems += wrong
            _lay(data, where, (key,), laid, (said or flag_of)(key, value))
    problems += _lay_extras(data, where, extra)
    if shared is not None:
        _lay_under(data, where, shared)
    for key, value in (defaults or {}).items():
        if data.get(key) is None and _default_fits(key, data):
            data[key] = value
            where[key] = f"{_DEFAULTS_SOURCE} {key}"
    origins = Origins(where, file=name, flags=said is None)
    return Merged(data, origins, tuple(problems), unreadable)


def from_given(description: object, defaults: Callable[[], Mapping[str, Any]] = dict) -> StackSpec:
    """The description that a program gives: the keys of stack.yaml, or the path of such a file.

    Args:
        description: That. Keys are whole; a file is read as the command reads it.
        defaults: Gives a project's own defaults, for a file.

    Raises:
        DescriptionError: With every problem that was found.
        UsageError: It is neither, as a text, which could be a name or a path.
    """
    if isinstance(description, Mapping):
        return from_mapping(description)
    if isinstance(description, os.PathLike):
        if os.fspath(description) == "-":
            raise UsageError(
                "Standard input is a program's own: no description is read from it",
                remedy="Give the keys of stack.yaml, or the path of a file.",
            )
        return load({}, Path(description), defaults=defaults())
    raise UsageError(
        f"A description is a mapping or a path, not {type(description).__name__}",
        remedy="Give the keys of stack.yaml, or pathlib.Path('stack.yaml').",
    )


def from_mapping(data: Mapping[str, Any]) -> StackSpec:
    """The description that a program gives as a mapping of YAML keys.

    Values may be raw or parsed. ``credentials: -`` is refused: a program's standard input is its
    own.

    Raises:
        DescriptionError: With every problem that was found.
    """
    if not isinstance(data, Mapping):
        raise DescriptionError([Problem("description", "the description has to be a mapping")])
    return _build(data, Origins(), None)


def to_mapping(spec: StackSpec, include_secrets: bool = False) -> dict[str, Any]:
    """A description as YAML keys, in canonical form; `from_mapping` gives the same back.

    Args:
        spec: The description.
        include_secrets: Whether credentials that are secret are written out. They are left out
            otherwise, unless they hold nothing secret.
    """
    found = {}
    for key, info in FIELDS.items():
        value = _written(info, getattr(spec, info.attribute, None), spec, include_secrets)
        # The type is always said, since much follows from it.
        if value is not None and (value != info.default or key == "type"):
            found[key] = value
    return found


def _build(data: Mapping[str, Any], origins: Origins, stdin: TextIO | None) -> StackSpec:
    try:
        type_ = StackType(data.get("type") or StackType.LOCAL)
    except ValueError:
        rules.check(data, origins, stdin=stdin)
        raise AssertionError("an unknown type was let through") from None
    return SPEC_CLASSES[type_].checked(data, origins, stdin)


def _lay(
    data: dict[str, Any], where: dict[str, str], path: tuple[str, ...], value: object, source: str
) -> None:
    """Put a value over what is there; a mapping over a mapping, key by key."""
    key, before = path[-1], data.get(path[-1])
    if isinstance(value, Mapping) and isinstance(before, Mapping):
        data[key] = dict(before)
        for inner, below in value.items():
            _lay(data[key], where, (*path, str(inner)), below, source)
        return
    data[key] = value
    dotted = ".".join(path)
    for old in [old for old in where if _is_below(old, dotted)]:
        del where[old]
    where[dotted] = source


def _lay_under(data: dict[str, Any], where: dict[str, str], shared: Shared) -> None:
    """Put shared defaults below what is there; a key that is there and empty takes one away."""
    places = dict(shared.paths())

    def lay(into: dict[str, Any], path: tuple[str, ...], value: object) -> None:
        key, dotted = path[-1], ".".join(path)
        if key not in into:
            into[key] = value
            where.update({p: place for p, place in places.items() if _is_below(p, dotted)})
        elif isinstance(value, Mapping) and isinstance(into[key], Mapping):
            into[key] = dict(into[key])
            for inner, below in value.items():
                lay(into[key], (*path, str(inner)), below)

    says_async = data.get("async") is not None
    # What fits hangs on the type, and on what is done about infrastructure.
    for key in (key for key in FIELDS if key in shared.defaults):
        if _default_fits(key, data) and _is_of_use(key, data):
            value = shared.fitting(str(data.get("type") or StackType.LOCAL), key, _cloud_in(data))
            if key == "extra" and says_async:
                value = _without_synchronous(value)
            if value is not None:
                lay(data, (key,), value)


def _without_synchronous(extra: object) -> object:
    """`extra` without the field that `async` stands for, where a higher layer says `async`."""
    orchestrator = extra.get("orchestrator") if isinstance(extra, Mapping) else None
    if not isinstance(orchestrator, Mapping):
        return extra
    rest = {name: value for name, value in orchestrator.items() if name != "synchronous"}
    return {**extra, "orchestrator": rest}  # type: ignore[dict-item]


def _is_of_use(key: str, data: Mapping[str, Any]) -> bool:
    """Whether a shared default means something to a description, and contradicts nothing in it."""
    if key == "connector" and data.get("credentials") is not None:
        return False
    if key in {"resources", "infrastructure"} and (data.get("infra") or InfraMode.NONE) == "none":
        return False
    cloud = FIELDS[key].cloud
    return cloud is None or _cloud_in(data) in {None, cloud}


def _cloud_in(data: Mapping[str, Any]) -> Cloud | None:
    """The cloud of a description, as far as its type and its artifact store tell."""
    fixed = {str(type_): cloud for type_, cloud in FIXED_CLOUDS.items()}
    if (cloud := fixed.get(str(data.get("type")))) is not None:
        return cloud
    try:
        return parse_artifact_store(str(data.get("artifact_store") or "")).cloud
    except Refusal:
        return None


def _lay_extras(data: dict[str, Any], where: dict[str, str], extra: Sequence[str]) -> list[Problem]:
    base = data.get("extra")
    merged, paths, problems = merge_extras(extra, base)
    if paths and (base is None or isinstance(base, Mapping)):
        data["extra"] = merged
        for path in paths:
            below = f"extra.{path}"
            for old in [old for old in where if _is_below(old, below)]:
                del where[old]
            where[below] = "--extra"
    return problems


def _options(words: Sequence[str]) -> tuple[dict[str, Any], list[Problem]]:
    from kitaru_iac.spec.infrastructure import from_words

    return from_words(words)


def _is_below(path: str, top: str) -> bool:
    return path == top or path.startswith((f"{top}.", f"{top}["))


def _default_fits(key: str, data: Mapping[str, Any]) -> bool:
    type_ = str(data.get("type") or StackType.LOCAL)
    if key not in FIELDS or type_ not in FIELDS[key].types:
        return False
    # A stack that is all on this machine has no use for it, and must not be broken by it.
    at_home = type_ == StackType.LOCAL and "://" not in str(data.get("artifact_store", ""))
    if key == "credentials" and data.get("connector") is not None:
        return False
    return not (at_home and FIELDS[key].needs_cloud)


def _written(info: FieldInfo, value: object, spec: StackSpec, include_secrets: bool) -> object:
    """A value as YAML has it; None where it is not written."""
    if value is None:
        return None
    if isinstance(value, Credentials):  # some hold nothing secret
        return _credentials(value, include_secrets)
    if info.secret and not include_secrets:
        return None
    if isinstance(value, Extra):
        return _extra(value, spec.async_)
    if info.key == "infrastructure":
        return cast("Infrastructure", value).given()
    if isinstance(value, list | tuple):
        return list(value) or None
    if isinstance(value, Mapping):
        return {key: str(inner) for key, inner in value.items()}
    return value if isinstance(value, bool) else str(value)


def _credentials(credentials: Credentials, include_secrets: bool) -> str | None:
    """The credential string, or None where it would show a secret or has no form."""
    if credentials.secrets and not include_secrets:
        return None
    values, secrets = credentials.values, credentials.secrets
    match credentials.kind:
        case "gcp-service-account" | "gcp-workload-identity":
            # Both are understood as the JSON that they are.
            return str(next(iter(secrets.values())))
        case "gcp-impersonate":
            # The key's file is not known any more, only its content.
            key = values.get("source") == "key"
            return None if key else f"{credentials.kind}:{values['target_principal']}"
    order = ("profile_name", "role_arn", "tenant_id", "client_id")
    shown = [values[key] for key in order if key in values]
    return ":".join([credentials.kind, *shown, *(str(secret) for secret in secrets.values())])


def _extra(extra: Extra, is_async: bool) -> dict[str, Any]:
    targets = {target: dict(getattr(extra, target)) for target in EXTRA_TARGETS}
    if is_async and targets["orchestrator"].get("synchronous") is False:
        del targets["orchestrator"]["synchronous"]
    return {target: fields for target, fields in targets.items() if fields}
