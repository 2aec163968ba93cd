"""What became of a write: a server gave no answer, or refused what it had done before.

What stands between may send a request twice. The first is carried out, and the answer to the second
says that the name is taken. Nothing is deleted that may be somebody else's: of two who register the
same at once on a server, one may get no answer, and what stands there is the other's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar

from kitaru_iac.errors import KitaruError, NotAllowedError, NotConnectedError, UsageError
from kitaru_iac.gateway.documents import (
    ComponentDoc,
    ConnectorDoc,
    Kind,
    NewComponent,
    NewConnector,
    NewStack,
    StackDoc,
    Where,
)
from kitaru_iac.gateway.gateway import Gateway
from kitaru_iac.gateway.wire import AnswerLost
from kitaru_iac.records.together import answers
from kitaru_iac.values import replace

__all__ = [
    "delete",
    "delete_components",
    "delete_connector",
    "delete_parts_of",
    "find_changed_stack",
    "find_component",
    "find_connector",
    "find_stack",
    "is_there",
    "require_ours",
    "still_there",
    "unless_made",
]

_T = TypeVar("_T")
_Doc = TypeVar("_Doc", StackDoc, ComponentDoc, ConnectorDoc)

#: What is wrong where a server denies what it shows.
DENIED = "The ZenML server says that there is no such thing, and shows it"
#: What is wrong where it does not do what it says.
NOT_DELETED = "The ZenML server says that it deleted this, and shows it"


def unless_made(
    write: Callable[[], _T], made: Callable[[], _T | None], *, also_lost: bool = False
) -> _T:
    """Write; where a server refuses it, look whether it is done nevertheless.

    Args:
        write: Sends it.
        made: Looks, and gives what `write` would have given; None where it is not done.
        also_lost: Whether to look too where a server fails at it, or gives no answer.

    Raises:
        KitaruError: The refusal: it is not done. Or no answer came, and nobody has looked.
        AnswerLost: It was refused, and then nobody could tell whether it is done.
    """
    try:
        return write()
    except UsageError:
        raise
    except NotConnectedError as failure:
        if also_lost and (failure.has_answered or isinstance(failure, AnswerLost)):
            with suppress(KitaruError):  # nobody says: the failure is told
                if (found := made()) is not None:
                    return found
        raise
    except KitaruError as refusal:
        try:
            found = made() or made()  # one that shows nothing for once is asked again
        except KitaruError as error:
            if isinstance(refusal, NotAllowedError) and refusal.of_login:
                raise refusal from error  # nothing is done for whom it does not know
            raise AnswerLost(
                "The ZenML server refused a request, and then could not be asked what it did",
                where=error.where,
                why=f"{refusal.what}. Then: {error.what}",
                remedy="Look whether it is done before you run the command again.",
            ) from refusal
        if found is None:
            raise
        return found


def delete(gateway: Gateway, kind: Kind, id: str) -> bool:
    """Delete something. False: it was gone already, as a server is asked once more.

    Raises:
        KitaruError: It was not deleted.
        AnswerLost: The server says that there is no such thing, and could not be asked again.
    """
    if gateway.delete(kind, id):
        return True
    if gateway.place.kind == "local" or kind == "secret":
        return False
    there = is_there(gateway, kind, id)
    if there:
        raise KitaruError(DENIED, where=gateway.place.url)
    if there is None:
        raise AnswerLost(
            "The ZenML server says that there is no such thing, and then could not be asked again",
            where=gateway.place.url,
            remedy="Look whether it is there before you run the command again.",
        )
    return False


def is_there(gateway: Gateway, kind: Kind, id: str) -> bool | None:
    """Whether something is there whose deletion failed, or got no answer; None: nobody says."""
    where = Where(ids=(id,))
    try:
        match kind:
            case "stack":
                return bool(gateway.stacks(where))
            case "connector":
                return bool(gateway.connectors(where))
            case "component":
                return bool(gateway.components(where))
            case _:
                return None
    except KitaruError:
        return None


def still_there(gateway: Gateway, deleted: Collection[tuple[Kind, str]]) -> frozenset[str]:
    """Give the ids of what a server shows of that which it has said to be deleted.

    Each kind is asked for once, all at the same time. A store in this process is believed.

    Raises:
        KitaruError: The server could not be asked.
    """
    if gateway.place.kind == "local" or not deleted:
        return frozenset()

    def look(kind: Kind, ask: Callable[[Where], Sequence[_Doc]]) -> Sequence[_Doc]:
        ids = tuple(key for of, key in deleted if of == kind)
        return ask(Where(ids=ids)) if ids else ()

    found = answers(
        lambda: look("stack", gateway.stacks),
        lambda: look("component", gateway.components),
        lambda: look("connector", gateway.connectors),
    )
    return frozenset(doc.id for docs in found for doc in docs)


def find_connector(gateway: Gateway, new: NewConnector) -> ConnectorDoc | None:
    """Find a connector that was to be created, under a name that nobody else has."""
    found = gateway.connectors(Where(names=(new.name,)))
    return next((doc for doc in found if _is_connector(doc, new)), None)


def find_component(gateway: Gateway, new: NewComponent) -> ComponentDoc | None:
    """Find a component that was to be created, whole, and that nobody uses."""
    for doc in gateway.components(Where(names=(new.name,))):
        if _is_component(doc, new) and doc.connector_id == new.connector_id:
            if not gateway.stacks(Where(uses_component=doc.id)):
                return doc
    return None


def find_stack(gateway: Gateway, new: NewStack) -> StackDoc | None:
    """Find a stack that was to be created, with exactly what was to be in it."""
    for stack in gateway.stacks(Where(names=(new.name,))):
        docs = {doc.id: doc for doc in gateway.components(Where(in_stack=stack.id))}
        if dict(stack.labels) == dict(new.labels) and _holds(stack, docs, new):
            return stack
    return None


def delete_connector(gateway: Gateway, new: NewConnector) -> None:
    """Delete a connector that was to be created, or the secret that was stored before it."""
    for doc in gateway.connectors(Where(names=(new.name,))):
        if _is_connector(doc, new) and not gateway.components(Where(uses_connector=doc.id)):
            delete(gateway, "connector", doc.id)
    for secret in gateway.orphaned_secrets((new.name,)):
        gateway.delete("secret", secret.id)


def delete_components(gateway: Gateway, wanted: Sequence[NewComponent], is_ours: bool) -> None:
    """Delete components of one name that were to be created.

    Raises:
        KitaruError: There are some that look so, and nobody knows whose they are.
    """
    if not wanted:
        return
    for doc in gateway.components(Where(names=(wanted[0].name,))):
        if any(_is_component(doc, new) for new in wanted):
            if not gateway.stacks(Where(uses_component=doc.id)):
                require_ours(is_ours)
                delete(gateway, "component", doc.id)


def find_changed_stack(gateway: Gateway, connectors: Collection[str]) -> StackDoc | None:
    """Find a stack that was created with connectors of this run, whatever it has become since."""
    for connector in connectors:
        for part in gateway.components(Where(uses_connector=connector)):
            for stack in gateway.stacks(Where(uses_component=part.id)):
                return stack
    return None


def delete_parts_of(gateway: Gateway, new: NewStack, is_ours: bool) -> None:
    """Delete what is left of a stack that was cut off between its components and itself.

    Raises:
        KitaruError: There is something that looks so, and nobody knows whose it is.
    """
    parts = [
        replace(given, name=new.name, labels=new.labels)
        for of_kind in new.members.values()
        for given in of_kind
        if not isinstance(given, str)
    ]
    delete_components(gateway, parts, is_ours)


def require_ours(is_ours: bool) -> None:
    """Refuse to take back what may be somebody else's.

    Raises:
        KitaruError: It may be.
    """
    if not is_ours:
        raise KitaruError("What is there may be another's")


def _is_connector(doc: ConnectorDoc, new: NewConnector) -> bool:
    wanted = (new.type, new.auth_method, dict(new.labels))
    return (doc.type, doc.auth_method, dict(doc.labels)) == wanted


def _is_component(doc: ComponentDoc, new: NewComponent) -> bool:
    """Whether it is one that was to come; ZenML links its connector after it is made."""
    wanted = (new.type, new.name, new.flavor, dict(new.labels))
    is_same = (doc.type, doc.name, doc.flavor, dict(doc.labels)) == wanted
    return is_same and doc.connector_id in {None, new.connector_id}


def _holds(stack: StackDoc, docs: Mapping[str, ComponentDoc], new: NewStack) -> bool:
    """Whether a stack holds exactly what was to be in it."""
    sizes = {kind: len(of_kind) for kind, of_kind in new.members.items()}
    if {kind: len(of_kind) for kind, of_kind in stack.members.items()} != sizes:
        return False
    return all(
        member.id == given if isinstance(given, str) else _came(docs.get(member.id), given)
        for kind, of_kind in new.members.items()
        for member, given in zip(stack.members[kind], of_kind, strict=True)
    )


def _came(doc: ComponentDoc | None, given: NewComponent) -> bool:
    wanted = (given.flavor, given.connector_id)
    return doc is not None and (doc.flavor, doc.connector_id) == wanted
