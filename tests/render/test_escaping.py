"""What anybody wrote stays text in Markdown: no markup, no mention, no reference, no marker."""

from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from kitaru_iac.render.escaping import code, code_block, escaped

NASTY = (
    "@team fixes #1, !2, ~bug, %3, $4, &5, GH-6 and o/r#7",
    r"a\|[b](https://example.com) | c \\| @team",
    "<img src=x onerror=y> <!-- kitaru:preview/stacks --> &lt;b&gt;",
    "`` ` ``` **bold** _it_ ![x](y) ~~z~~",
    "\u202eright to left\u2066 and \u200b none",
    "# head\r\n- list\n```\nfence\n```",
    "https://github.com/acme/x/issues/1, HTTP://a.b, ftp://a.b and (https://a.b)",
    "www.evil.example, WWW.a.b and mail to a@b.example",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709, DA39A3E, a/b@da39a3e and da39a3ee5e",
)
TABLE = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
#: A mention or a reference, as code hosts look for them in text outside code.
REFERENCE = re.compile(
    r"[@#!~%$&]\w|\bGH-\d|://|\bwww\.|\b(?=[0-9]*[a-f])[0-9a-f]{7,40}\b", re.IGNORECASE
)


def outside_code(text: str) -> str:
    """What a code host looks through for mentions and references, and the HTML that it takes."""
    without = re.sub(r"<code>.*?</code>|<!--.*?-->", "", text)
    return " | ".join(
        token.content
        for parent in TABLE.parse(without)
        for token in parent.children or ([parent] if parent.type == "html_block" else [])
        if token.type != "code_inline"
    )


def inline(text: str) -> list[Token]:
    return [child for token in TABLE.parse(text) for child in token.children or ()]


@pytest.mark.parametrize("text", NASTY)
def test_text_stays_text(text: str) -> None:
    found = inline(f"| A | B |\n| --- | --- |\n| {escaped(text)} | last |")
    assert {token.type for token in found} <= {"text", "text_special", "entity"}
    said = " | ".join(token.content for token in found)
    assert said.startswith("A | B")
    assert said.endswith("last")
    assert not REFERENCE.search(said)


@pytest.mark.parametrize(
    "text",
    [
        "subnet vpc-0a1b2c3d4e5f6a7b8 of 4a0b1c2d-1e2f-4a5b-8c9d-0e1f2a3b4c5d",
        "DA39A3E5E6B4B0D3255BFEF95601890AFD80709 @da39a3ee5e #da39a3e &#8203;",
        "https://www.a.b/da39a3ee5e, GH-6, 123456789012",
    ],
)
def test_nothing_is_seen_of_what_parts(text: str) -> None:
    seen = "".join(token.content for token in inline(escaped(text)))
    assert "\u200b" in seen
    assert seen.replace("\u200b", "") == text


@pytest.mark.parametrize("text", NASTY)
def test_code_stays_code_and_in_its_cell(text: str) -> None:
    found = inline(f"| A | B |\n| --- | --- |\n| {code(text)} | last |")
    said = [token.content for token in found]
    assert (said[:2], said[-1]) == (["A", "B"], "last")
    inner = found[2:-1]
    if inner[0].type == "html_inline":
        assert (inner[0].content, inner[-1].content) == ("<code>", "</code>")
        inner = inner[1:-1]
        assert {token.type for token in inner} <= {"text", "text_special", "entity"}
    else:
        assert [token.type for token in inner] == ["code_inline"]
    assert not set("\u202e\u2066\u200b") & set("".join(token.content for token in inner))


@pytest.mark.parametrize("text", NASTY)
def test_a_block_is_closed_by_nothing_in_it(text: str) -> None:
    (token,) = TABLE.parse(code_block(text))
    assert token.type == "fence"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a", "`a`"),
        ("a`b", "``a`b``"),
        ("a``b", "```a``b```"),
        ("`a", "`` `a ``"),
        ("a`", "`` a` ``"),
        ("", "`  `"),
        (" ", "`   `"),
        ("a|b", r"<code>a\|b</code>"),
    ],
)
def test_a_span_has_one_backtick_more_than_its_text(text: str, shown: str) -> None:
    assert code(text) == shown


@pytest.mark.parametrize(
    ("text", "fence"), [("a", "```"), ("``", "```"), ("```", "````"), ("`````", "``````")]
)
def test_a_block_has_three_backticks_or_one_more_than_its_text(text: str, fence: str) -> None:
    assert code_block(text, "sh", "  ") == f"  {fence}sh\n  {text}\n  {fence}"
