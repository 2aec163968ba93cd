"""Text that came from anywhere, put into GitHub-flavoured Markdown without becoming markup."""

from __future__ import annotations

import re

from kitaru_iac.redaction import visible

__all__ = ["code", "code_block", "escaped", "one_line"]


def one_line(text: str) -> str:
    """The text without line breaks and control characters, every other sign seen."""
    return visible(re.sub(r"[\x00-\x1f\x7f-\x9f]+", " ", text))


def escaped(text: str) -> str:
    """Plain text: every character that Markdown or HTML gives a meaning is escaped."""
    text = one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]#|~@])", r"\\\1", text)


def code(text: str) -> str:
    """A code span, fenced with more backticks than the text has in a row."""
    text = one_line(text).replace("|", "\\|")
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
