"""Which known word somebody meant."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["did_you_mean", "distance_at_most_one", "suggest"]


def suggest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate nearest to a word that is none of them.

    Upper and lower case, ``-``, ``_`` and blanks count as the same.

    Args:
        word: What was written.
        candidates: The words that are known. The first of equals wins.

    Returns:
        One of the candidates, or None where nothing is near.
    """
    from difflib import get_close_matches

    by_form: dict[str, str] = {}
    for candidate in candidates:
        by_form.setdefault(_form(candidate), candidate)
    form = _form(word)
    if not form:
        return None
    if form in by_form:
        return by_form[form]
    # Short words need a lower bar: `aws` for `asw` shares only two letters in order.
    near = get_close_matches(form, by_form, n=1, cutoff=0.6 if len(form) <= 4 else 0.7)
    return by_form[near[0]] if near else None


def did_you_mean(word: str, candidates: Iterable[str]) -> str | None:
    """``Did you mean `NAME`?``, or None where nothing is near."""
    found = suggest(word, candidates)
    return f"Did you mean `{found}`?" if found else None


def distance_at_most_one(one: str, other: str) -> bool:
    """Whether two words differ by one letter put in, left out, changed, or two swapped."""
    if one == other:
        return True
    short, long = sorted((one, other), key=len)
    if len(long) - len(short) > 1:
        return False
    start = 0
    while start < len(short) and short[start] == long[start]:
        start += 1
    if len(short) < len(long):
        return short[start:] == long[start + 1 :]
    swapped = short[start : start + 2] == long[start : start + 2][::-1]
    return short[start + 1 :] == long[start + 1 :] or (
        swapped and short[start + 2 :] == long[start + 2 :]
    )


def _form(word: str) -> str:
    return word.strip().casefold().replace("-", "_").replace(" ", "_")
