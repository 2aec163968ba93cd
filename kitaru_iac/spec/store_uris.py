"""Where artifacts lie: buckets of the clouds, and folders of this machine."""

from __future__ import annotations

import os.path
import re
from collections.abc import Mapping

from kitaru_iac.patterns import compiled
from kitaru_iac.spec.clouds import VOCABULARIES
from kitaru_iac.spec.clouds.forms import ArtifactStoreUri, StoreForm
from kitaru_iac.spec.kinds import Cloud
from kitaru_iac.spec.refusal import Refusal, UriError, shown, write_instead
from kitaru_iac.values import dataclass

__all__ = ["ArtifactStoreUri", "LocalPath", "parse_artifact_store"]

_SCHEME = compiled(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?P<slashes>/*)(?P<rest>.*)", re.DOTALL)
# A longer word before a colon is none that anybody knows, and may be half of a key.
_LONGEST_SCHEME = 16
# The longest key of S3, of Cloud Storage and of Blob Storage, in bytes.
_LONGEST_KEY = 1024

_FORMS: tuple[StoreForm, ...] = tuple(
    words.bucket for words in VOCABULARIES.values() if words.bucket is not None
)
_BY_SCHEME: Mapping[str, StoreForm] = {scheme: form for form in _FORMS for scheme in form.schemes}
_OTHER_SCHEMES: Mapping[str, str] = {
    other: scheme for form in _FORMS for other, scheme in form.other_schemes.items()
}


@dataclass(frozen=True, slots=True)
class LocalPath(ArtifactStoreUri):
    """A folder of this machine; `path` is absolute."""

    path: str

    def __str__(self) -> str:
        return self.path

    @property
    def cloud(self) -> Cloud | None:
        """None: it is in no cloud."""
        return None

    @property
    def bucket_uri(self) -> str | None:
        """None: there is no bucket."""
        return None

    @property
    def store_path(self) -> str:
        """The path that ZenML's artifact store is given."""
        return self.path


def parse_artifact_store(text: str) -> ArtifactStoreUri:
    """Read the URI of an artifact store.

    Schemes may be in upper case. A folder of this machine starts with ``/``, ``./``, ``../``,
    ``~`` or ``file://``, and is made absolute; a bare ``a/b`` could be a bucket and is refused.

    Raises:
        UriError: It is none of these, or breaks the cloud's rule for its bucket.
    """
    if not text.strip():
        raise UriError("the artifact store is empty")
    if text != text.strip() or not text.isprintable():
        raise UriError(
            f"the artifact store {shown(text)} has blanks around it or control characters"
        )
    if text[0] in "/~" or text.startswith(("./", "../")) or text in {".", ".."}:
        return _local(text)
    match = _SCHEME.fullmatch(text)
    if not match:
        raise UriError(
            f"the artifact store {shown(text)} is neither a URI nor a path",
            why="a URI has a scheme, and a path starts with `/`, `./` or `~`",
            remedy=f"Write {_with_each_scheme(text)} or `./{text}`."
            if re.fullmatch(r"[\w./-]{1,60}", text)
            else None,
        )
    scheme = match["scheme"].lower()
    if scheme == "file":
        return _local_uri(match["slashes"] + match["rest"])
    if scheme not in _BY_SCHEME:
        raise _unknown_scheme(scheme, match["rest"])
    if match["slashes"] != "//":
        rest = match["rest"] if "@" not in match["rest"] else "…"
        raise UriError(
            f"`{scheme}:` is followed by {len(match['slashes'])} slashes instead of 2",
            remedy=write_instead(f"{scheme}://{rest}") or f"Write `{scheme}://…`.",
        )
    authority, path = _authority_and_path(match["rest"])
    prefix = _prefix(path)
    try:
        return _BY_SCHEME[scheme].read(scheme, authority, prefix)
    except UriError:
        raise
    except Refusal as error:
        raise UriError(error.what, error.why, error.remedy) from error


def _local_uri(rest: str) -> LocalPath:
    if rest.startswith("//localhost/"):
        rest = rest.removeprefix("//localhost")
    elif rest.startswith("///"):
        rest = rest[2:]
    elif not rest.startswith("/") or rest.startswith("//"):
        raise UriError(
            "the file URI does not hold an absolute path of this machine",
            remedy="Write `file:///path`, or the path alone.",
        )
    return _local(rest)


def _local(text: str) -> LocalPath:
    expanded = os.path.expanduser(text)  # noqa: PTH111 (pathlib would raise for an unknown user)
    if expanded.startswith("~"):
        raise UriError(f"the artifact store {shown(text)} names an unknown user's home")
    return LocalPath(os.path.abspath(expanded))  # noqa: PTH100 (without following links)


def _authority_and_path(rest: str) -> tuple[str, str]:
    authority, _, path = rest.partition("/")
    if sign := next((sign for sign in "?#%" if sign in authority), None):
        # A signature or an encoded login may follow: nothing of it is repeated.
        raise UriError(f"the artifact store's URI holds `{sign}` before its path")
    return authority, path


def _prefix(path: str) -> str:
    path = path.strip("/")
    parts = path.split("/") if path else []
    if any(part in {"", ".", ".."} for part in parts):
        raise UriError(
            "the path in the artifact store's URI has an empty part, `.` or `..`",
            why="object stores would keep it as it stands",
        )
    # ZenML cuts quotes off the ends; `?` and `#` mean something in a URI and nothing here.
    if bad := sorted(set(path) & set("?#'\"`\\*")):
        raise UriError(f"the path in the artifact store's URI holds `{' '.join(bad)}`")
    if len(path.encode()) > _LONGEST_KEY:
        raise UriError(f"the path in the artifact store's URI has more than {_LONGEST_KEY} bytes")
    return path


def _with_each_scheme(text: str) -> str:
    return ", ".join(f"`{form.schemes[0]}://{text}`" for form in _FORMS)


def _unknown_scheme(scheme: str, rest: str) -> UriError:
    if scheme in _OTHER_SCHEMES and "@" not in rest:
        meant: str | None = f"{_OTHER_SCHEMES[scheme]}://{rest}"
    else:
        meant = next((uri for form in _FORMS if (uri := form.translate(scheme, rest))), None)
    named = f" {shown(scheme + ':')}" if len(scheme) <= _LONGEST_SCHEME else ""
    known = ", ".join(f"`{known}://`" for known in _BY_SCHEME)
    return UriError(
        f"the artifact store's scheme{named} is none that a stack can use",
        why=f"they are {known} and paths",
        remedy=write_instead(meant) if meant else None,
    )
