"""Make a stack like another one: its own components, with the same configuration and connector.

It is the other one's description under another name, and the creation of that. Secrets are shared
as references: the connector is used as it is, and ``{{name.key}}`` stays what it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kitaru_iac.callbacks import ProgressCallback
from kitaru_iac.errors import DescriptionError, KitaruError
from kitaru_iac.gateway import StackView, read_stack
from kitaru_iac.gateway.masking import MASK, masked
from kitaru_iac.labels import DEPLOYMENT_LABELS
from kitaru_iac.records.describe import description_of
from kitaru_iac.spec import from_mapping
from kitaru_iac.stacks.names import require_new_name
from kitaru_iac.stacks.results import Created

__all__ = ["Copied", "copy"]


@dataclass(frozen=True, slots=True)
class Copied:
    """A copy of a stack.

    Attributes:
        notes: What the copy shares with the other one, and what it has not of it.
    """

    created: Created
    copied_from: str
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Give the ``item`` of ``stack.copy``: that of ``stack.create``, and where it is from."""
        return {
            **self.created.to_dict(),
            "copied_from": self.copied_from,
            "notes": list(self.notes),
        }


def copy(
    ref: str, new: str, *, verify: bool = True, progress: ProgressCallback | None = None
) -> Copied:
    """Make a stack with the configuration of another one, which Kitaru need not have made.

    Nothing is provisioned or copied in a cloud, and the copy is not made active.

    Args:
        ref: The other stack's name, id, or the beginning of its id.
        new: The name of the copy.
        verify: Whether the connector is tried.
        progress: Gets one-line messages.

    Raises:
        UsageError: That cannot be a stack's name.
        StackNotFound: There is no such stack.
        KitaruError: No description can say what it is, or it holds secrets as plain text.
        AlreadyExistsError: The name is taken.
        RegistrationFailed: Writing failed; its `left` says what is still there, if anything.
    """
    from kitaru_iac.stacks import operations
    from kitaru_iac.stacks.export import export_view

    require_new_name(new)
    view = read_stack(ref)
    exported = export_view(view)
    _require_no_plain_secrets(view)
    keys = dict(exported.keys)
    link = description_of(view).get("connector")  # also where it is the other one's own
    if link is not None:
        keys.pop("credentials", None)
        keys["connector"] = link
    keys |= {"name": new, "activate": False}
    if not verify:
        keys["verify"] = False
    try:
        spec = from_mapping(keys)
    except DescriptionError as error:
        raise KitaruError(
            f"Stack '{view.name}' cannot be copied to '{new}'",
            why=" ".join(f"{problem.field}: {problem.what}." for problem in error.problems),
            remedy=f"Write its description, and change that: kitaru stack export {view.name}",
        ) from error
    created = operations.create(spec, progress=progress)
    notes = [*_shared(view, link), *_left_out(view, exported.comments)]
    return Copied(created, view.name, tuple(notes))


def _require_no_plain_secrets(view: StackView) -> None:
    """Refuse what a copy would lose, since a store does not give it away.

    Raises:
        KitaruError: A component holds a secret as plain text.
    """
    hidden = [
        f"{part.role_type}.{field}"
        for part in view.components
        for field, value in part.configuration.items()
        if masked({field: value}) != {field: value} or MASK in str(value)
    ]
    if hidden:
        raise KitaruError(
            f"Stack '{view.name}' cannot be copied: it holds secrets as plain text",
            why=f"They are {', '.join(hidden)}, and are copied as references only.",
            remedy="Keep them as a ZenML secret, and refer to that as {{name.key}}.",
        )


def _shared(view: StackView, link: str | None) -> Iterator[str]:
    if link is not None:
        yield f"It uses service connector '{link}', which belongs to stack '{view.name}' or others."
    if any(key.startswith(DEPLOYMENT_LABELS) for key in view.labels):
        yield (
            f"It uses the infrastructure that was provisioned for stack '{view.name}'; nothing was "
            "made for the copy, and its deletion takes nothing down."
        )


def _left_out(view: StackView, comments: tuple[str, ...]) -> Iterator[str]:
    """What of the other stack no description says."""
    said = "No description "
    for comment in comments:
        if comment.startswith(said):
            yield f"Of stack '{view.name}' is left as it is: {comment[len(said) :]}"
