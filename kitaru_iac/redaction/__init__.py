"""The one place that hides secrets: in URLs, in texts of others, in values that somebody wrote.

Whatever is shown of a URL is what `url` leaves of it. What stands in a text that somebody else
wrote (requests, SQLAlchemy, ZenML, Pulumi) goes through `text`, and a value that a message quotes
through `value`. Where a secret may begin or end in more than one place, all of it is hidden.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from kitaru_iac.redaction.signs import is_credentials, is_key_id, is_key_text, tokens
from kitaru_iac.redaction.urls import (
    HIDDEN,
    HOST,
    SCHEME,
    WINDOWS_PATH,
    divided,
    is_harmless,
    parameters_in,
    url,
)

__all__ = [
    "HIDDEN",
    "MASK",
    "UNSEEN",
    "SecretText",
    "holds_secret",
    "is_credentials",
    "is_key_id",
    "is_key_text",
    "secrets_in",
    "text",
    "tokens",
    "url",
    "value",
    "visible",
]

#: What stands in the place of a secret value in what is shown of a store.
MASK: Final = "********"
_SECRET: Final = "(secret)"  # noqa: S105 - what stands in its place
#: What no reader sees, or what turns the text around it (CVE-2021-42574): control characters, marks
#: of direction, blanks without a width, tags. Not the two joiners, which are a part of words.
UNSEEN: Final = (
    r"[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    r"\ufff9-\ufffb\U000e0000-\U000e007f]"
)

#: A login without a scheme, in a word up to its host. It begins where its signs do and is divided
#: at the first colon: any other try would find the same, and take a text of colons minutes.
_LOGIN = (
    r"(?<![^\s'\"()<>/@])(?>[^\s'\"()<>/@]+?:)"
    r"[^\s'\"()<>]+@"
)
_WORD = r"[^\s'\"()<>]++"
#: Schemes whose URIs name a container before the `@`.
_WITH_CONTAINER = frozenset({"az", "abfs", "abfss", "adl", "azure", "blob", "wasb", "wasbs"})
#: What is secret in a key file.
_KEY_FIELDS = ("private_key", "private_key_id", "client_secret", "refresh_token")
#: Secrets this short are only hidden where they stand as a word; they would spoil any text.
_SHORT = 4
#: A user name this long may be a token.
_LONG_NAME = 16


class SecretText(str):
    """A string that shows itself as ``(secret)`` in a repr; its text is a secret all the same.

    It compares and serialises as the string it is, so that ZenML's models take it unchanged.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "SecretText('(secret)')"


# -- texts -----------------------------------------------------------------------------------------


def text(text: str, *known: str | None) -> str:
    """Give a text without the secrets in it.

    What looks like one is hidden in any case: logins and parameters of URLs, tokens, what follows
    ``password=``. What is known to be one is hidden however it is spelled: encoded for a URL or
    not, quoted for Python or JSON, as a basic authorization, or cut at a sign that a parser took
    for the end of the password.

    Args:
        text: What somebody else wrote: an error of a library, a log line.
        known: URLs whose logins and parameters may stand in it, and tokens; None is none.
    """
    for secret in known:
        if secret:
            text = _without_known(text, secret)
    return tokens(_without_logins(_urls_in(text)), _SECRET)


def secrets_in(stored: Iterable[object]) -> Iterator[str]:
    """Give what is secret of credentials, and inside their key files, as `text` takes it.

    Args:
        stored: The secret values of credentials.
    """
    import json

    for whole in map(str, stored):
        yield whole
        if whole.startswith("{"):
            try:
                fields = json.loads(whole)
            except ValueError:
                continue
            yield from (part for key in _KEY_FIELDS if isinstance(part := fields.get(key), str))


def _without_logins(text: str) -> str:
    def hidden(word: re.Match[str]) -> str:
        # A word without a host behind an `@` would be read to its end from each of its colons.
        *_, end = (0, *(at.end() for at in re.finditer(r"@(?=[\w\[])", word[0])))
        return re.sub(_LOGIN, f"{_SECRET}@", word[0][:end]) + word[0][end:]

    return re.sub(_WORD, hidden, text) if "@" in text else text


def _without_known(text: str, secret: str) -> str:
    match = re.fullmatch(SCHEME, secret.strip())
    if match is None:
        return _without(text, {secret, *_parts(secret)})
    text = text.replace(secret, url(secret)).replace(secret.rstrip("/"), url(secret.rstrip("/")))
    return _without(text, set(_parts(match["rest"])))


def _parts(rest: str) -> Iterator[str]:
    """What is secret in a URL, given without its scheme; also what parsers would cut it into."""
    login = rest[: rest.rfind("@")] if "@" in rest else ""
    if re.search("[?#;]", rest):
        for pair in re.split(r"[?#&;]", rest)[1:]:
            name, sign, given = pair.partition("=")
            if sign and not is_harmless(pair):
                yield given
                yield pair
            elif not sign and "@" not in rest:
                yield name
    if not login:
        return
    from base64 import b64encode
    from urllib.parse import unquote

    user, colon, password = login.partition(":")
    yield login
    if not colon or len(user) >= _LONG_NAME:
        yield user
    yield password
    yield b64encode(login.encode()).decode()
    yield b64encode(unquote(login).encode()).decode()
    yield from re.split(r"[/?#:@\\\s]+", password)


def _without(text: str, secrets: set[str]) -> str:
    spelled = {form for secret in secrets for form in _spellings(secret)}
    for form in sorted(spelled, key=len, reverse=True):
        if len(form) >= _SHORT:
            text = text.replace(form, _SECRET)
        elif form.strip():
            text = re.sub(rf"(?<!\w){re.escape(form)}(?!\w)", _SECRET, text)
    return text


def _spellings(secret: str) -> Iterator[str]:
    import json
    from urllib.parse import quote, quote_plus, unquote, unquote_plus

    for plain in {secret, unquote(secret), unquote_plus(secret), secret.strip()}:
        encoded = {quote(plain, safe=""), quote(plain), quote_plus(plain), quote(plain, safe="%/")}
        yield plain
        yield from encoded
        yield from (re.sub(r"%[0-9A-F]{2}", lambda m: m[0].lower(), form) for form in encoded)
        yield repr(plain)[1:-1]
        yield plain.replace("\\", "\\\\").replace("'", "\\'")
        yield json.dumps(plain)[1:-1]
        yield json.dumps(plain, ensure_ascii=False)[1:-1]
        yield from (line for line in plain.splitlines() if len(line) >= _SHORT)


#: Looked for from behind: a search for the whole would try each sign of a long word.
_SCHEME_SIGNS = r"[A-Za-z0-9+.-]*+"
#: A query may hold what would end a path: what closes a bracket or a sentence is cut off its end.
_REST_OF_URL = r"[^\s'\"<>`(){}?#]*(?:[?#][^\s'\"<>`]*)?"
_HOST_AND_PATH = r"(?:\[[0-9A-Fa-f:.]+\]|[\w.-]*)(?::[0-9]+)?(?:/[^\s'\"<>`(){},;]*)?"


def _urls_in(text: str) -> str:
    """The text with each URL in it as `url` shows it."""
    done, at, end, blank, sign = [], 0, 0, -1, text.find("://")
    while sign >= 0:
        start = _start_of_url(text, end, sign)
        if blank < sign:  # once for each word, however many there are in it
            found = re.compile(r"\s").search(text, sign)
            blank = found.start() if found else len(text)
        end = sign + 3 if start is None else _end_of_url(text, start, sign + 3, blank)
        if start is not None:
            done += [text[at:start], url(text[start:end])]
            at = end
        sign = text.find("://", end)
    return "".join([*done, text[at:]])


def _start_of_url(text: str, begin: int, sign: int) -> int | None:
    """Where the scheme before a ``://`` begins; None where there is none."""
    signs = re.compile(_SCHEME_SIGNS).match(text[begin:sign][::-1])
    word = "" if signs is None else signs[0][::-1]
    letter = re.search("[A-Za-z]", word)
    return None if letter is None else sign - len(word) + letter.start()


def _end_of_url(text: str, start: int, after_scheme: int, word_end: int) -> int:
    """Where the URL ends; one with an unencoded password may go on behind a blank or a quote."""
    line_end = text.find("\n", after_scheme)
    line_end = len(text) if line_end < 0 else line_end
    last = text.rfind("@", after_scheme, word_end)
    found = re.compile(_REST_OF_URL).match(text, after_scheme)
    end = after_scheme + len((found[0] if found else "").rstrip(")}],.:;"))
    if last < 0:
        authority = re.split(r"[/?#]", text[after_scheme:end], maxsplit=1)[0]
        if not authority or re.fullmatch(HOST, authority):
            return end
        last = text.rfind("@", after_scheme, line_end)
        if last < 0:
            return end
    tail = re.compile(_HOST_AND_PATH).match(text, last + 1)
    end = max(end if end > last else 0, tail.end() if tail else last + 1)
    while end > start and text[end - 1] in ".,:;":
        end -= 1
    return end


def visible(text: str, keep: str = "\n\t") -> str:
    """Give a text in which every sign is seen, and none does anything to a terminal.

    Args:
        text: What anybody wrote.
        keep: Control characters that stay as they are.
    """

    def escape(found: re.Match[str]) -> str:
        number = ord(found[0])
        if found[0] in keep:
            return found[0]
        if found[0] in "\n\r\t":
            return repr(found[0])[1:-1]
        if number < 0x100:
            return f"\\x{number:02x}"
        return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"

    return text if text.isprintable() else re.sub(UNSEEN, escape, text)


# -- values ----------------------------------------------------------------------------------------


def value(given: object) -> str:
    """Give a value that somebody wrote as a message may quote it: in one line, every sign seen.

    A URI loses its login, its parameters and its fragment; a credential string everything after its
    kind; any other text whatever looks like a token. Names, ARNs and paths stay as they are.
    """
    return visible(_without_secret(str(given)), keep="")


def _without_secret(shown: str) -> str:
    if is_credentials(shown):
        return f"{shown.strip().partition(':')[0]}:{HIDDEN}"
    if shown.lstrip().startswith("{") and ":" in shown:
        return f"{{{HIDDEN}}}"
    scheme, sign, rest = shown.rpartition("://") if shown.count("://") == 1 else ("", "", shown)
    query = re.search("[?#]", rest) if sign or "/" in rest else parameters_in(rest)
    if re.search("%(?:25)*40", rest):  # encoded too much, a login is one all the same
        return scheme + sign + HIDDEN
    last = rest.rfind("@")
    if last >= 0 and _has_login(scheme.strip().lower(), rest, last):
        rest = HIDDEN + rest[last:]
        query = re.search(r"[?#]", rest)
    if query:
        rest = rest[: query.start()] + HIDDEN
    return tokens(scheme + sign + rest, HIDDEN)


def holds_secret(given: object) -> bool:
    """Tell whether a value holds what looks like a secret, so that `value` hides some of it."""
    shown = str(given)
    return _without_secret(shown) != shown


def _has_login(scheme: str, rest: str, last: int) -> bool:
    """Whether what stands before the last `@` may be one, and no container, account or role."""
    plain = rest.lstrip()
    if not scheme and (re.match(r"arn:|/(?!/)|[~.]", plain) or re.match(WINDOWS_PATH, plain)):
        return False
    if ":" in rest[:last]:
        return True
    authority = divided(rest)[0]
    return bool(scheme) and scheme not in _WITH_CONTAINER and "@" in authority
