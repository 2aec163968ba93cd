"""Text that came from anywhere, put into GitHub-flavoured Markdown without becoming markup."""

from __future__ import annotations

import re

from kitaru_iac.redaction import visible

__all__ = ["code", "code_block", "escaped", "one_line"]

#: Parts a sign from what follows, and is not seen.
_APART = "&#8203;"


def one_line(text: str) -> str:
    """The text without line breaks and control characters, every other sign seen."""
    return visible(re.sub(r"[\x00-\x1f\x7f-\x9f]+", " ", text))


def escaped(text: str) -> str:
    """Plain text: every character that Markdown or HTML gives a meaning is escaped.

    Mentions and references are looked for in the text that Markdown gave, where no backslash is
    left: a space without width parts the sign that begins one from what follows.
    """
    text = re.sub(r"([@#!$%~]|&amp;)(?=\w)", rf"\1{_APART}", _literal(text))
    return re.sub(r"\bGH-(?=\d)", f"GH-{_APART}", text, flags=re.IGNORECASE)


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
