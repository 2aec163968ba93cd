"""Choose the way to read, and change to ZenML's client where the fast way meets the unexpected."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeVar

from kitaru_iac.errors import KitaruError
from kitaru_iac.gateway.views import Active, Reader, RowPage, StackRow, StackView, Unread
from kitaru_iac.machine.active_scope import named_stack
from kitaru_iac.machine.files import here
from kitaru_iac.machine.settings import read_global
from kitaru_iac.machine.store_location import (
    NotMadeYet,
    RestStore,
    is_of_the_host,
    server_of,
    store_location,
)
from kitaru_iac.machine.unreadable import UnreadableError

if TYPE_CHECKING:  # what is written has documents, which no read command needs
    from kitaru_iac.gateway.gateway import Gateway

__all__ = [
    "INSTEAD",
    "FallbackReader",
    "active_stack_name",
    "complete",
    "fast_reader",
    "open_gateway",
    "open_reader",
    "read_stack",
    "require_answer",
    "require_own_database",
    "slow_reader",
    "takes_threads",
]

_T = TypeVar("_T")

#: ZenML's; where it does not count as yes, `guard` refuses what would be migrated.
_NO_MIGRATION = "DISABLE_DATABASE_MIGRATION"
#: What ZenML takes for yes in such a variable (`zenml.constants.handle_bool_env_var`).
_YES = frozenset({"1", "y", "yes", "True", "true"})
#: What a test works on instead of the configured store; see `memory.installed`.
INSTEAD: ContextVar[Gateway | None] = ContextVar("instead", default=None)


def open_gateway() -> Gateway:
    """The gateway to the configured store, or the one that `memory.installed` put in its place.

    Raises:
        NotConnectedError: No store answers, or which one is meant cannot be told.
        NotAllowedError: The login is not accepted.
    """
    gateway = INSTEAD.get()
    if gateway is not None:
        return gateway
    try:
        config = read_global()
        named_stack(config, os.environ)  # what cannot be read is refused before anything is written
        store = store_location(config, os.environ)
        if isinstance(store, RestStore):
            from kitaru_iac.gateway.rest_gateway import RestGateway

            return RestGateway.open(store, str(config.get("user_id") or "") or None)
        from kitaru_iac.gateway.local_gateway import LocalGateway

        return LocalGateway.at(store.path)
    except NotMadeYet as yet:
        if _can_be_made():
            from kitaru_iac.gateway.unmade import UnmadeGateway

            return UnmadeGateway(yet.path)
    except UnreadableError as reason:
        _log_detour("Writing", reason)
    from kitaru_iac.gateway.in_process import InProcess

    return InProcess.open()


def takes_threads(gateway: Gateway) -> bool:
    """Whether several threads may ask and write through a gateway at once.

    A local store is one file with one writer, and ZenML's client is one for a process.
    """
    from kitaru_iac.gateway.memory import MemoryGateway
    from kitaru_iac.gateway.rest_gateway import RestGateway

    return isinstance(gateway, RestGateway | MemoryGateway) and gateway.place.kind == "server"


def open_reader() -> Reader:
    """The fastest reader that knows the configured store.

    Raises:
        NotConnectedError: No store answers.
        NotAllowedError: The login is not accepted.
    """
    try:
        return FallbackReader(fast_reader())
    except UnreadableError as reason:
        return FallbackReader(_changed(reason), is_slow=True)


def read_stack(ref: str) -> StackView:
    """Read one stack; what it is given is a name, an id, or the beginning of an id.

    Raises:
        StackNotFound: There is none.
        NotConnectedError: No store answers.
    """
    with closing(open_reader()) as reader:
        return reader.stack(ref)


def active_stack_name(besides: str | None = None) -> str | None:
    """The active stack's name; None where the one that is named does not exist.

    Args:
        besides: The id of a stack, for which None is given too.
    """
    try:
        reader = open_reader()
        try:
            active = reader.active()
            return None if active.id == besides else active.name
        finally:
            reader.close()
    except KitaruError:  # a stale choice must not stop a new one
        return None


def fast_reader() -> Reader:
    """The reader that does without ZenML.

    Raises:
        UnreadableError: There is none for this store; the text says why.
        NotConnectedError: The server does not answer.
    """
    config = read_global()
    named = named_stack(config, os.environ)
    try:
        store = store_location(config, os.environ)
    except NotMadeYet:
        if not _can_be_made():
            raise
        from kitaru_iac.gateway.unmade_reader import UnmadeReader

        return UnmadeReader(named)
    if isinstance(store, RestStore):
        from kitaru_iac.gateway.rest import RestReader

        return RestReader(store, named, os.environ)
    from kitaru_iac.gateway.sqlite import SqliteReader

    return SqliteReader(store.path, named)


def slow_reader() -> Reader:
    """The reader that asks ZenML's client.

    Raises:
        NotConnectedError: No store answers.
        NotAllowedError: The login is not accepted.
        UsageError: The current directory was removed, which ZenML asks for.
    """
    require_answer()
    here()
    from kitaru_iac.gateway.fallback import ZenMLReader

    return ZenMLReader(named_stack(read_global(), os.environ))


def require_answer() -> None:
    """See that the configured server is there, if the store is one, before ZenML is loaded.

    Raises:
        NotConnectedError: It does not answer, or which store is meant cannot be told.
    """
    with suppress(UnreadableError):
        server = server_of(read_global(), os.environ)
        if server is not None and not is_of_the_host(server.url, os.environ):
            from kitaru_iac.gateway.http import require_answer

            require_answer(server.url, os.environ, verify=server.verify, timeout=server.timeout)


def require_own_database() -> None:
    """See that a local store is of the ZenML that is installed here, before ZenML is loaded.

    `guard` refuses any other too, but only when ZenML has noted its version in the settings, about
    which the one that made the store complains from then on. Whoever told ZenML to migrate nothing
    is let through.

    Raises:
        NotConnectedError: It is of another, or which store is meant cannot be told.
    """
    if os.environ.get(_NO_MIGRATION) in _YES:
        return
    with suppress(UnreadableError):
        store = store_location(read_global(), os.environ)
        if isinstance(store, RestStore):
            return
        from kitaru_iac import redaction
        from kitaru_iac.gateway.versions import installed_version
        from kitaru_iac.machine.local_database import examine, is_of_another, of_another

        look, here = examine(store.path), installed_version()
        if is_of_another(look, here):
            shown = redaction.url(f"sqlite:///{store.path}")
            raise of_another(shown, str(look.version), str(here))


def complete(prefix: str) -> list[str]:
    """Names of stacks for a shell's completion: none, rather than an error or a long wait."""
    with suppress(UnreadableError, KitaruError):
        reader = fast_reader()
        try:
            return reader.names(prefix)
        finally:
            reader.close()
    return []


class FallbackReader:
    """Asks the fast reader, and ZenML's from the first answer on that the fast one cannot give."""

    def __init__(self, reader: Reader, *, is_slow: bool = False) -> None:
        self._reader = reader
        self._is_slow = is_slow

    def active(self) -> Active:
        """See `Reader.active`."""
        return self._ask(lambda reader: reader.active())

    def stacks(
        self, *, page: int | None = None, size: int = 100, name: str | None = None
    ) -> Iterator[StackRow]:
        """See `Reader.stacks`."""
        given: set[str] = set()
        while True:
            try:
                for row in self._reader.stacks(page=page, size=size, name=name):
                    if row.id not in given:
                        given.add(row.id)
                        yield row
            except UnreadableError as reason:
                self._change(reason)
            else:
                return

    def page(self, number: int, size: int) -> RowPage:
        """See `Reader.page`."""
        return self._ask(lambda reader: reader.page(number, size))

    def count(self, name: str | None = None) -> int:
        """See `Reader.count`."""
        return self._ask(lambda reader: reader.count(name))

    def names(self, prefix: str = "") -> list[str]:
        """See `Reader.names`."""
        return self._ask(lambda reader: reader.names(prefix))

    def find(self, ref: str) -> StackRow:
        """See `Reader.find`."""
        return self._ask(lambda reader: reader.find(ref))

    def stack(self, ref: str) -> StackView:
        """See `Reader.stack`."""
        return self._ask(lambda reader: reader.stack(ref))

    def views(self, rows: Sequence[StackRow]) -> list[StackView | Unread]:
        """See `Reader.views`."""
        return self._ask(lambda reader: reader.views(rows))

    def close(self) -> None:
        """See `Reader.close`."""
        self._reader.close()

    def _ask(self, question: Callable[[Reader], _T]) -> _T:
        while True:
            try:
                return question(self._reader)
            except UnreadableError as reason:
                self._change(reason)

    def _change(self, reason: UnreadableError) -> None:
        if self._is_slow:
            what = "ZenML's own client does not make sense of the store either"
            raise KitaruError(what, why=str(reason)) from reason
        self._reader.close()
        self._reader = _changed(reason)
        self._is_slow = True


def _can_be_made() -> bool:
    """Whether ZenML is there to make a local store; what is said without it is said before all."""
    from kitaru_iac.machine.packages import is_importable

    return is_importable("zenml")


def _changed(reason: UnreadableError) -> Reader:
    _log_detour("Reading", reason)
    return slow_reader()


def _log_detour(doing: str, reason: UnreadableError) -> None:
    import logging  # only here: most commands end without a word

    logging.getLogger("kitaru_iac").debug("%s through ZenML's client: %s", doing, reason)
