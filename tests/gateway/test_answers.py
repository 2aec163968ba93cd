"""What each answer of a server stands for: the document, or which error in which words."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import Any

import pytest

from kitaru_iac.errors import (
    AlreadyExistsError,
    ExitCode,
    KitaruError,
    NotAllowedError,
    NotConnectedError,
    NotFoundError,
)
from kitaru_iac.gateway import answers
from kitaru_iac.gateway.wire import AnswerLost
from tests.gateway.answering import PAGE, URL, response

pytestmark = pytest.mark.usefixtures("isolated")


@pytest.mark.parametrize("status", [200, 404, 405])
def test_a_page_in_place_of_a_server_is_told_with_the_servers_address(status: int) -> None:
    page = f"{URL}/workspaces/default/projects/default"
    with pytest.raises(NotConnectedError) as caught:
        answers.document(response(status, PAGE, server=page))
    assert caught.value.where == page
    assert f"Did you mean {URL}?" in str(caught.value.remedy)


def error_of(*args: Any, **more: Any) -> KitaruError:
    with pytest.raises(KitaruError) as caught:
        answers.document(response(*args, **more))
    assert caught.value.where == URL
    return caught.value


class TestDocuments:
    @pytest.mark.parametrize("found", [{"a": [1, 2.5, "é", None, True]}, [], "text", 0, None])
    def test_a_document(self, found: Any) -> None:
        assert answers.document(response(200, found)) == found

    @pytest.mark.parametrize("body", [b"", b" \n"])
    def test_an_empty_one(self, body: bytes) -> None:
        assert answers.document(response(204, body)) is None

    def test_marks_of_utf8_and_large_whole_numbers(self) -> None:
        body = b'\xef\xbb\xbf{"n": 123456789012345678901234567890, "s": "\\ud83d\\ude00"}'
        found = {"n": 123456789012345678901234567890, "s": "\U0001f600"}
        assert answers.document(response(200, body)) == found

    def test_a_mapping(self) -> None:
        assert answers.mapping(response(200, {"id": "1"})) == {"id": "1"}

    @pytest.mark.parametrize(
        ("found", "words"),
        [
            ([], "a list"),
            (None, "nothing"),
            (True, "a truth value"),
            (7, "a number"),
            ("x", "a text"),
            (b"", "nothing"),
        ],
    )
    def test_something_else_than_a_mapping(self, found: Any, words: str) -> None:
        with pytest.raises(NotConnectedError) as caught:
            answers.mapping(response(200, found))
        why = f"It answered with {words} instead of a mapping to GET /api/v1/stacks"
        assert caught.value.why == why

    def test_a_page(self) -> None:
        page = {"items": [{"id": "1"}], "total": 5, "total_pages": 5}
        assert answers.listing(response(200, page)) == ([{"id": "1"}], 5, 5)
        # ZenML counts first: somebody may have written meanwhile.
        more = {"items": [{"id": "1"}], "total": 0, "total_pages": 1}
        assert answers.listing(response(200, more)) == ([{"id": "1"}], 0, 1)
        empty = {"items": [], "total": 0, "total_pages": 1}
        assert answers.listing(response(200, empty)) == ([], 0, 1)

    @pytest.mark.parametrize(
        "page",
        [
            {},
            {"items": {}, "total": 0, "total_pages": 1},
            {"items": None, "total": 0, "total_pages": 1},
            {"items": ["x"], "total": 1, "total_pages": 1},
            {"items": [], "total": "1", "total_pages": 1},
            {"items": [], "total": -1, "total_pages": 1},
            {"items": [], "total": True, "total_pages": 1},
            {"items": [], "total": 1.0, "total_pages": 1},
            {"items": [], "total": 1},
            {"items": [], "total": 10, "total_pages": 10**12},
        ],
    )
    def test_no_page(self, page: Any) -> None:
        with pytest.raises(NotConnectedError):
            answers.listing(response(200, page))


class TestWhatIsNoDocument:
    @pytest.mark.parametrize(
        ("body", "words"),
        [
            (PAGE, "a web page ('Sign in')"),
            (b"\n<html>", "a web page"),
            (b'{"a":', "something else than JSON, or a part of it"),
            (b"pong", "something else than JSON, or a part of it"),
            (b'{"a": NaN}', "something else than JSON, or a part of it"),
            (b"[-Infinity]", "something else than JSON, or a part of it"),
            (b"[1e999]", "something else than JSON, or a part of it"),
            (b'{"total": ' + b"9" * 5000 + b"}", "something else than JSON, or a part of it"),
            (b'{"a": "\xff"}', "what is not UTF-8"),
            (b'{"a": "\xed\xa0\x80"}', "what is not UTF-8"),
            ('{"a": 1}'.encode("utf-16"), "what is not UTF-8"),
            (b'{"a": "\\ud800"}', "JSON with half a character"),
            (b'{"\\uDFFF": 1}', "JSON with half a character"),
            (b"\x1f\x8b\x08\x00\x00", "something compressed, which was not asked for"),
            (b"[" * 200_000, "JSON nested deeper than 100 levels"),
            (b"[" * 102 + b"]" * 102, "JSON nested deeper than 100 levels"),
            (b'{"a":' * 900 + b"1" + b"}" * 900, "JSON nested deeper than 100 levels"),
            (b"[" + b"[]," * 1_000_001 + b"1]", "JSON of more than 2,000,000 values"),
        ],
    )
    def test_it_is_said_what_came(self, body: bytes, words: str) -> None:
        error = error_of(200, body)
        assert type(error) is NotConnectedError
        assert error.what == "What answers there does not answer as a ZenML server"
        assert error.why == f"It answered with {words} to GET /api/v1/stacks"
        assert "kitaru status" in str(error.remedy)

    def test_a_hundred_levels_are_taken(self) -> None:
        assert answers.document(response(200, b"[" * 101 + b"]" * 101)) is not None

    @pytest.mark.parametrize("body", [PAGE, b'{"a":', b"[" * 200_000])
    def test_after_a_write_it_may_have_been_done(self, body: bytes) -> None:
        error = error_of(201, body, write=True)
        assert type(error) is AnswerLost
        assert "may have done" in str(error.why)

    def test_by_its_kind(self) -> None:
        error = error_of(200, b"hello", content_type="text/html; charset=utf-8")
        assert "a web page" in str(error.why)


#: A status and what came with it; the class of the error, its exit code, and words of it.
REFUSALS: list[tuple[int, Any, type[KitaruError], int, str]] = [
    (401, {"detail": ["CredentialsNotValid", "Expired"]}, NotAllowedError, 6, "Expired"),
    (401, b"", NotAllowedError, 6, "kitaru login https://zenml.example"),
    (401, PAGE, NotAllowedError, 6, "a proxy or a login page may stand before it"),
    (402, {"detail": ["SubscriptionUpgradeRequiredError", "Pay"]}, NotAllowedError, 6, "Pay"),
    (403, {"detail": ["IllegalOperationError", "Not yours"]}, NotAllowedError, 6, "Not yours"),
    (403, PAGE, NotAllowedError, 6, "HTTP status 403 (Forbidden)"),
    (404, {"detail": ["KeyError", "'No stack dev'"]}, NotFoundError, 4, "No stack dev"),
    (404, {"detail": "Stack gone"}, NotFoundError, 4, "Stack gone"),
    (404, {"detail": "Not Found"}, NotConnectedError, 6, "There is no /api/v1/stacks there"),
    (404, PAGE, NotConnectedError, 6, "There is no /api/v1/stacks there"),
    (404, b"", NotConnectedError, 6, "There is no /api/v1/stacks there"),
    (409, {"detail": ["EntityExistsError", "dev exists"]}, NotConnectedError, 6, "HTTP status 409"),
    (400, {"detail": ["ValueError", "bad id"]}, KitaruError, 1, "bad id"),
    (422, {"detail": ["ValueError", "bad page"]}, KitaruError, 1, "bad page"),
    (
        422,
        {"detail": [{"loc": ["body", "name"], "msg": "Field required"}, {"loc": 1, "msg": 2}]},
        KitaruError,
        1,
        "name: Field required; not accepted",
    ),
    (418, b"tea", KitaruError, 1, "HTTP status 418"),
    (405, {"detail": "Method Not Allowed"}, KitaruError, 1, "does not know this operation"),
    (501, {"detail": ["NotImplementedError", "No"]}, KitaruError, 1, "does not know"),
    (407, PAGE, NotConnectedError, 6, "HTTPS_PROXY"),
    (408, b"", NotConnectedError, 6, "408"),
    (429, b"", NotConnectedError, 6, "too much to do"),
    (500, {"detail": ["RuntimeError", "boom"]}, NotConnectedError, 6, "boom"),
    (500, b"", NotConnectedError, 6, "HTTP status 500 (Internal Server Error)"),
    (502, PAGE, NotConnectedError, 6, "HTTP status 502"),
    (503, b"", NotConnectedError, 6, "later"),
    (520, b"", NotConnectedError, 6, "HTTP status 520"),
    (304, b"", NotConnectedError, 6, "HTTP status 304"),
]


class TestRefusals:
    @pytest.mark.parametrize(("status", "body", "kind", "code", "words"), REFUSALS)
    def test_the_right_error(
        self, status: int, body: Any, kind: type[KitaruError], code: int, words: str
    ) -> None:
        error = error_of(status, body)
        assert type(error) is kind
        assert (error.exit_code, ExitCode(code)) == (code, error.exit_code)
        assert words in str(error)

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ({"detail": ["EntityExistsError", "dev exists"]}, "dev exists"),
            (b"", "What was to be made exists already"),
        ],
    )
    def test_what_is_to_be_made_may_exist(self, body: Any, words: str) -> None:
        error = error_of(409, body, write=True)
        assert (type(error), error.exit_code, error.what) == (AlreadyExistsError, 5, words)

    @pytest.mark.parametrize(
        "detail", [None, 7, [], [7], ["A"], [None, 1], {"a": 1}, "", ["A", {}], [["A", "b"]], [{}]]
    )
    @pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429, 500])
    def test_details_of_any_form(self, status: int, detail: Any) -> None:
        assert str(error_of(status, {"detail": detail}))

    def test_a_failure_of_zenmls_own_is_an_answer(self) -> None:
        said = {"detail": ["IntegrityError", "UNIQUE constraint failed: service_connector.name"]}
        for body, status, answered in ((said, 500, True), (said, 503, False), (b"", 500, False)):
            with pytest.raises(NotConnectedError) as caught:
                answers.document(response(status, body))
            assert caught.value.has_answered is answered

    @pytest.mark.parametrize("status", [500, 502, 504])
    def test_one_in_front_may_have_handed_a_write_on(self, status: int) -> None:
        assert type(error_of(status, PAGE, write=True)) is AnswerLost
        own = {"detail": ["RuntimeError", "boom"]}
        assert type(error_of(status, own, write=True)) is NotConnectedError

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429, 503])
    def test_a_write_that_was_refused_was_not_done(self, status: int) -> None:
        assert not isinstance(error_of(status, PAGE, write=True), AnswerLost)

    def test_when_to_come_again(self) -> None:
        assert "in 1 second." in str(error_of(429, retry_after="1").remedy)
        remedy = error_of(429, retry_after="90").remedy
        assert remedy == "Run the command again in 90 seconds."
        date = formatdate(time.time() + 3600, usegmt=True)
        assert "again in 3" in str(error_of(503, retry_after=date).remedy)
        for nonsense in ("soon", "-1", "9" * 400, "Mon, 99 Foo", "\x00", "1e9"):
            assert "later" in str(error_of(503, retry_after=nonsense).remedy)


class TestWhatAServerSays:
    def said(self, text: str, **more: Any) -> str:
        body = {"detail": ["EntityExistsError", text]}
        return error_of(409, body, write=True, **more).what

    def test_secrets_are_not_repeated(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ZENML_STORE_API_KEY", "kept-in-the-environment")
        text = "token tok-123456 of ZENKEY_abc https://me:s3cret@host/ kept-in-the-environment"
        shown = self.said(text, secrets=("tok-123456",))
        for secret in ("tok-123456", "ZENKEY_abc", "s3cret", "kept-in-the-environment"):
            assert secret not in shown
        assert "https://host/" in shown

    def test_one_short_line_without_commands_for_a_terminal(self) -> None:
        assert self.said("\n\n a\x1b[2J\x07b \nTraceback") == "a [2J b"
        assert len(self.said("x" * 10_000_000)) == 400

    @pytest.mark.parametrize("part", [":", "a:", "@", "://", "http://", "token=", "eyJ.", "a@b:"])
    def test_it_takes_no_time(self, part: str) -> None:
        before = time.thread_time()
        self.said(part * 100_000)
        assert time.thread_time() - before < 2

    def test_a_title(self) -> None:
        page = b"<html><title>" + b"t" * 190 + b"</title>"
        assert f"({'t' * 80!r})" in str(error_of(200, page).why)
