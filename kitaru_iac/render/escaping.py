"""Text that came from anywhere, put into GitHub-flavoured Markdown without becoming markup."""

from __future__ import annotations

import re

from kitaru_iac.patterns import compiled
from kitaru_iac.redaction import visible

__all__ = ["code", "code_block", "escaped", "one_line"]

#: Parts a sign from what follows, and is not seen; `one_line` leaves none of a text's own.
_APART = "\u200b"
#: What a code host takes for a commit.
_HASH = compiled(r"(?<![0-9a-z])(?=[0-9]*[a-f])[0-9a-f]{7,40}(?![0-9a-z])", re.IGNORECASE)


def one_line(text: str) -> str:
    """The text without line breaks and control characters, every other sign seen."""
    return visible(re.sub(r"[\x00-\x1f\x7f-\x9f]+", " ", text))


def escaped(text: str) -> str:
    """Plain text: every character that Markdown or HTML gives a meaning is escaped.

    Mentions, references and addresses are looked for in the text that Markdown gave, where no
    backslash is left: a space without width parts the sign that begins one from what follows, and
    what a commit's hash may begin with. Digits alone, as of an account, are left to be copied.
    """
    # Before the others, whose parting signs would be taken for an end of what is looked for.
    text = _HASH.sub(lambda found: _APART.join(_pieces(found[0])), _literal(text))
    text = re.sub(r"([@#!$%~]|&amp;)(?=\w)", rf"\1{_APART}", text)
    begins = r"\bGH-(?=\d)|\bwww(?=\.)|:(?=//)"
    # Written out last: the sign's own digits would be taken for a reference.
    return re.sub(begins, _parted, text, flags=re.IGNORECASE).replace(_APART, "&#8203;")


def _parted(found: re.Match[str]) -> str:
    return f"{found[0]}{_APART}"


def _pieces(text: str) -> list[str]:
    return [text[at : at + 6] for at in range(0, len(text), 6)]


def _literal(text: str) -> str:
    text = one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]#|~@])", r"\\\1", text)


def code(text: str) -> str:
    """A code span, fenced with more backticks than the text has in a row.

    A table is cut at its pipes before spans are looked for, and in a span nothing escapes a
    backslash before one: a text with a pipe is written as HTML.
    """
    text = one_line(text)
    if "|" in text:
        return f"<code>{_literal(text)}</code>"
    fence = "`" * (_longest_run(text) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") or not text.strip() else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def code_block(text: str, language: str = "", indent: str = "") -> str:
    """A fenced block, which nothing in the text can close."""
    fence = "`" * max(3, _longest_run(text) + 1)
    lines = [fence + language, *map(one_line, text.splitlines()), fence]
    return "\n".join(indent + line for line in lines)


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)
