"""How a key of a description is spoken of: an example, its flag, its other names."""

from __future__ import annotations

from collections.abc import Mapping

from kitaru_iac.spec.fields import FIELDS
from kitaru_iac.spec.kinds import Cloud

__all__ = ["OTHER_WORDS_FOR_KEYS", "example", "flag_of"]

#: What other tools call these keys; they lead to a suggestion.
OTHER_WORDS_FOR_KEYS: Mapping[str, str] = {
    word: info.key for info in FIELDS.values() for word in info.other_words
}


def example(key: str, cloud: Cloud | None = None) -> str | None:
    """A value that would be right for a key, in this cloud where it matters."""
    info = FIELDS[key]
    if cloud and info.by_cloud and cloud in info.by_cloud:
        return info.by_cloud[cloud]
    return next(iter(info.examples), None)


def flag_of(key: str, value: object = None) -> str:
    """How the command line says a key: ``--region``, ``NAME``, ``--no-verify``.

    Args:
        key: As in YAML.
        value: Its value, which decides between the two flags of a switch.
    """
    info = FIELDS.get(key)
    if info is None or info.flag is None or info.flag.words is None:
        return f"--{key.replace('_', '-')}"
    positive, _, negative = info.flag.words.partition("/")
    return negative if negative and value is False else positive
