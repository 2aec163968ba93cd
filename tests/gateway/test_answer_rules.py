"""What an answer of a server stands for: both sides of each limit, and what is advised then."""

from __future__ import annotations

from typing import Any

import pytest

from kitaru_iac.errors import (
    AlreadyExistsError,
    KitaruError,
    NotAllowedError,
    NotConnectedError,
    NotFoundError,
)
from kitaru_iac.gateway import answers
from kitaru_iac.gateway.wire import AnswerLost, Response
from tests.gateway.answering import PAGE, URL, response

ZENMLS = {"detail": ["ValueError", "bad id"]}
FIELDS = {"detail": [{"loc": ["body", "name"], "msg": "Field required"}]}

pytestmark = pytest.mark.usefixtures("isolated")


@pytest.mark.parametrize(
    ("status", "body", "of_the_request"),
    [
        (200, {}, False),
        (400, ZENMLS, True),
        (401, ZENMLS, True),
        (404, ZENMLS, True),
        (409, ZENMLS, True),
        (500, ZENMLS, True),
        (402, ZENMLS, False),
        (403, ZENMLS, False),
        (401, {"detail": ["CredentialsNotValid", "expired"]}, False),
        (401, b"", False),
        (404, b"", False),
        (500, b"", False),
        (400, b"", True),
        (422, b"", True),
        (422, FIELDS, True),
        (400, PAGE, False),
        (422, PAGE, False),
        (404, {"detail": "Not Found"}, False),
        # A list of one is not how ZenML says it.
        (404, {"detail": ["ValueError"]}, False),
        (404, {"detail": [1, "text"]}, False),
        (404, {"detail": ["ValueError", "text", "more"]}, True),
    ],
)
def test_whether_it_is_zenml_that_answers_to_what_was_sent(
    status: int, body: Any, of_the_request: bool
) -> None:
    assert answers.is_of_the_request(response(status, body)) is of_the_request


def page(count: int, total: Any, pages: Any) -> dict[str, Any]:
    return {"items": [{}] * count, "total": total, "total_pages": pages}


@pytest.mark.parametrize(
    ("body", "taken"),
    [
        (page(0, 0, 0), True),
        (page(0, 0, 1), True),
        (page(0, 0, 2), False),
        (page(1, 1, 1), True),
        (page(2, 1, 3), True),  # somebody wrote after the counting
        (page(2, 1, 4), False),
        (page(1, 3, 4), True),
        (page(1, 3, 5), False),
        (page(1, -1, 1), False),
        (page(1, 1, -1), False),
        (page(1, True, 1), False),
        (page(1, 1, True), False),
        (page(1, "1", 1), False),
        (page(1, 1, None), False),
        ({"items": {}, "total": 1, "total_pages": 1}, False),
        ({"items": [1], "total": 1, "total_pages": 1}, False),
        ({"items": [{}, 1], "total": 2, "total_pages": 1}, False),
        ({"total": 1, "total_pages": 1}, False),
    ],
)
def test_a_page_has_no_more_pages_than_items_and_one(body: dict[str, Any], taken: bool) -> None:
    if taken:
        found = answers.listing(response(200, body))
        assert found == (body["items"], body["total"], body["total_pages"])
    else:
        with pytest.raises(NotConnectedError):
            answers.listing(response(200, body))


@pytest.mark.parametrize(
    ("counts", "number", "size", "asked"),
    [
        ([(0, 0)], 1, 200, 1),
        ([(5, 5)], 1, 200, 1),
        ([(2, 5)], 1, 2, 1),
        ([(1, 5)], 3, 2, 1),
        ([(0, 4)], 3, 2, 1),
        ([(6, 5)], 1, 200, 1),  # somebody wrote after the counting
        ([(4, 5), (4, 4)], 1, 200, 2),  # or deleted
        ([(4, 5), (3, 4), (3, 3)], 1, 200, 3),
        ([(0, 5)] * 3, 1, 200, None),
        ([(2, 5)] * 3, 1, 200, None),
        ([(1, 5)] * 3, 1, 2, None),
        ([(0, 5)] * 3, 3, 2, None),
    ],
)
def test_a_page_that_holds_fewer_than_it_counts_is_asked_for_again_and_then_refused(
    counts: list[tuple[int, int]], number: int, size: int, asked: int | None
) -> None:
    given = [response(200, page(count, total, min(3, total))) for count, total in counts]
    waiting = iter(given)
    if asked is None:
        with pytest.raises(NotConnectedError, match="does not answer as a ZenML") as caught:
            answers.page(lambda: next(waiting), number, size)
        assert "that it counted" in str(caught.value.why)
    else:
        found = answers.page(lambda: next(waiting), number, size)
        assert found is not None
        assert found[0] is given[asked - 1]
    assert len(list(waiting)) == len(given) - (asked or 3)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (None, "nothing instead"),
        ([], "a list instead"),
        (True, "a truth value instead"),
        (1, "a number instead"),
        ("a", "a text instead"),
    ],
)
def test_what_came_instead_of_a_mapping_is_said(found: Any, words: str) -> None:
    with pytest.raises(NotConnectedError) as caught:
        answers.mapping(response(200, found))
    why = f"It answered with {words} of a mapping to GET /api/v1/stacks"
    assert caught.value.why == why


STATUS = "See what you are connected to with: kitaru status"
LATER = "Run the command again later; the server's log says more."


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (
            response(403, {"detail": ["IllegalOperationError", "Not yours"]}),
            NotAllowedError(
                "The ZenML server refused the operation",
                why="Not yours",
                remedy="Ask for the permission, or log in as somebody who has it.",
            ),
        ),
        (
            response(402),
            NotAllowedError(
                "The ZenML server refused the operation",
                why="HTTP status 402 (Payment Required)",
                remedy="Ask for the permission, or log in as somebody who has it.",
            ),
        ),
        (response(409, write=True), AlreadyExistsError("What was to be made exists already")),
        (
            response(409),
            NotConnectedError(
                "What answers there does not answer as a ZenML server",
                why="It answered with the HTTP status 409 to GET /api/v1/stacks",
                remedy=f"A proxy or a login page may stand before it. {STATUS}",
            ),
        ),
        (response(404, {"detail": ["KeyError", "No stack"]}), NotFoundError("No stack")),
        (
            response(404, {"detail": ["KeyError", "Not Found."]}),
            NotConnectedError(
                "What answers there does not answer as a ZenML server",
                why="There is no /api/v1/stacks there (HTTP status 404)",
                remedy=f"Check the URL, and the server's version. {STATUS}",
            ),
        ),
        (
            response(404, asked=""),
            NotConnectedError(
                "What answers there does not answer as a ZenML server",
                why="There is no such path there (HTTP status 404)",
                remedy=f"Check the URL, and the server's version. {STATUS}",
            ),
        ),
        (
            response(405, {"detail": "Method Not Allowed"}),
            KitaruError(
                "The ZenML server does not know this operation",
                why="GET /api/v1/stacks was answered with the HTTP status 405: Method Not Allowed",
                remedy=f"It may be of a version without it. {STATUS}",
            ),
        ),
        (
            response(501),
            KitaruError(
                "The ZenML server does not know this operation",
                why="GET /api/v1/stacks was answered with the HTTP status 501",
                remedy=f"It may be of a version without it. {STATUS}",
            ),
        ),
        (
            response(399),
            NotConnectedError(
                "What answers there does not answer as a ZenML server",
                why="It answered with the HTTP status 399 to GET /api/v1/stacks",
                remedy=f"A proxy or a login page may stand before it. {STATUS}",
            ),
        ),
        (
            response(399, asked=""),
            NotConnectedError(
                "What answers there does not answer as a ZenML server",
                why="It answered with the HTTP status 399",
                remedy=f"A proxy or a login page may stand before it. {STATUS}",
            ),
        ),
        (
            response(400, PAGE),
            NotConnectedError(
                "What answers there does not answer as a ZenML server",
                why="It answered with a web page ('Sign in')",
                remedy=f"A proxy or a login page may stand before it. {STATUS}",
            ),
        ),
        (
            response(400),
            KitaruError(
                "The ZenML server refused what it was sent", why="HTTP status 400 (Bad Request)"
            ),
        ),
        (
            response(499, ZENMLS),
            KitaruError("The ZenML server refused what it was sent", why="bad id"),
        ),
        (
            response(407, retry_after="9"),
            NotConnectedError(
                "The ZenML server failed",
                why="HTTP status 407 (Proxy Authentication Required)",
                remedy="Give the proxy's user and password in HTTPS_PROXY or HTTP_PROXY.",
            ),
        ),
        (
            response(425),
            NotConnectedError(
                "The ZenML server failed", why="HTTP status 425 (Too Early)", remedy=LATER
            ),
        ),
        (
            response(429, retry_after="0"),
            NotConnectedError(
                "The ZenML server has too much to do",
                why="HTTP status 429 (Too Many Requests)",
                remedy="Run the command again in 1 second.",
            ),
        ),
        (
            response(500, {"detail": ["RuntimeError", "boom"]}, write=True),
            NotConnectedError(
                "The ZenML server failed",
                why="HTTP status 500 (Internal Server Error): boom",
                remedy=LATER,
            ),
        ),
        (
            response(502, PAGE, write=True),
            AnswerLost(
                "The ZenML server took a request and gave no answer to it",
                why="HTTP status 502 (Bad Gateway): it may have done what was asked",
                remedy="Look whether it did before you run the command again.",
            ),
        ),
        (
            response(300, write=True),
            AnswerLost(
                "The ZenML server took a request and gave no answer to it",
                why="It answered with the HTTP status 300 to POST /api/v1/stacks: it may have done "
                "what was asked",
                remedy="Look whether it did before you run the command again.",
            ),
        ),
        (
            response(599),
            NotConnectedError("The ZenML server failed", why="HTTP status 599", remedy=LATER),
        ),
    ],
    ids=lambda value: f"{value.status} {len(value.body)}" if isinstance(value, Response) else "",
)
@pytest.mark.parametrize("server", [URL, ""])
def test_the_whole_of_a_refusal(given: Response, error: KitaruError, server: str) -> None:
    one = Response(given.status, given.headers, given.body, server, given.asked, given.is_write, ())
    found = answers.refusal(one)
    assert type(found) is type(error)
    assert (found.what, found.why, found.remedy) == (error.what, error.why, error.remedy)
    assert found.where == (server or None)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("'No stack dev'", "No stack dev"),
        ('"No stack dev"', "No stack dev"),
        ('\'No stack "dev"', '\'No stack "dev"'),
        ("'", "'"),
        ("''", ""),
        ("a", "a"),
        ("aba", "aba"),
        ("x" * 400, "x" * 400),
        ("x" * 401, "x" * 399 + "…"),
        ("\n \n b \n c", "b"),
        ("\n" * 1000 + "late", ""),
        ("\n" * 999 + "late", "l"),
    ],
)
def test_the_first_line_that_says_something_is_shown_without_its_quotes(
    text: str, shown: str
) -> None:
    assert answers.quoted(text, response(400)) == shown


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        ([{"loc": ["body", "a", 1], "msg": "x"}], "a.1: x"),
        ([{"loc": ["query", "a"], "msg": "x"}], "query.a: x"),
        ([{"loc": ["body"], "msg": "x"}], "x"),
        ([{"loc": "a", "msg": "x"}], "x"),
        ([{"loc": ["a", None], "msg": 1}], "a: not accepted"),
        ([{"msg": str(n)} for n in range(6)], "0; 1; 2; 3; 4"),
        (["ValueError", "a", "b", 1], "a: b"),
        (["ValueError"], "HTTP status 422 (Unprocessable Entity)"),
        ([{}, "a"], "HTTP status 422 (Unprocessable Entity)"),
        ("plain", "plain"),
    ],
)
def test_what_a_server_says_of_fields(detail: Any, words: str) -> None:
    found = answers.refusal(response(422, {"detail": detail}))
    assert str(found.why).replace("Unprocessable Content", "Unprocessable Entity") == words


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (b"hello", "text/html", "a web page"),
        (b"hello", "Text/HTML ; charset=x", "a web page"),
        (b"hello", "application/xhtml+xml", "a web page"),
        (b"  <HTML><title>\n Hi </title>", "", "a web page ('Hi')"),
        (b"<!doctype html><title id='a'>Hi</title>", "", "a web page ('Hi')"),
        (b"<html><title></title>", "", "a web page"),
        (b"<html><title>" + b"t" * 200, "", f"a web page ('{'t' * 80}')"),
        (b"<htmlx>", "", None),
        (b"{} <html>", "application/json", None),
        (b" " * 300 + b"<html>", "", None),
    ],
)
def test_a_web_page_is_told_by_its_kind_or_its_beginning(
    body: bytes, kind: str, words: str | None
) -> None:
    found = answers.refusal(response(400, body, content_type=kind))
    if words is None:
        assert found.what == "The ZenML server refused what it was sent"
    else:
        assert found.why == f"It answered with {words}"
