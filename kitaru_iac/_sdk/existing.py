"""The functions for stacks that exist: rename, copy, adopt, as the commands of their name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kitaru_iac._sdk.arguments import require_callable, require_switches, require_text
from kitaru_iac._sdk.confirmation import Confirm, require_answer, require_confirmed
from kitaru_iac._sdk.warned import warn
from kitaru_iac.callbacks import ProgressCallback
from kitaru_iac.machine.environment import apply_environment

if TYPE_CHECKING:
    from kitaru_iac.plan.model import Plan
    from kitaru_iac.stacks.copy import Copied
    from kitaru_iac.stacks.rename import Renamed
    from kitaru_iac.stacks.results import Applied

__all__ = ["adopt", "copy", "rename"]


def rename(name_or_id: str, new: str) -> Renamed:
    """Give a stack another name, with its own components and connector; all keep their ids.

    Args:
        name_or_id: Which.
        new: Its name from now on. Write it into its description too.

    Raises:
        UsageError: `new` cannot be a stack's name, or is its name.
        StackNotFound: There is no such stack.
        AlreadyExistsError: A stack, component or connector of that name is there.
        ProtectedStackError: It is the default stack, a Pulumi program's, or was provisioned for.
        RegistrationFailed: A write failed; its `left` says what could not be taken back.

    Example:
        >>> _ = kitaru.create_stack("example", activate=False)
        >>> done = kitaru.rename("example", "better")
        >>> done.previous_name, done.name, done.parts
        ('example', 'better', ('artifact_store', 'orchestrator'))
    """
    require_text(name_or_id, new)
    apply_environment()
    from kitaru_iac.stacks.rename import rename as change

    done = change(name_or_id, new)
    warn(done.warnings)
    return done


def copy(
    name_or_id: str, new: str, *, verify: bool = True, progress: ProgressCallback | None = None
) -> Copied:
    """Make a stack with the configuration of another one, which Kitaru need not have made.

    It has components of its own, uses the other one's connector and infrastructure, and is not made
    active.

    Args:
        name_or_id: The other stack.
        new: The name of the copy.
        verify: Whether the connector is tried.
        progress: Gets one-line messages.

    Returns:
        What was made, and in ``.notes`` what it shares with the other one.

    Raises:
        StackNotFound: There is no such stack.
        AlreadyExistsError: The name is taken.
        KitaruError: No description can say what the stack is, or it holds secrets as plain text.
        RegistrationFailed: Writing failed; its `left` says what is still there.

    Example:
        >>> _ = kitaru.create_stack("example", activate=False)
        >>> kitaru.copy("example", "test").created.components_created
        ('test (orchestrator)', 'test (artifact_store)')
    """
    require_text(name_or_id, new)
    require_switches(verify=verify)
    require_callable(progress=progress)
    apply_environment()
    from kitaru_iac.stacks.copy import copy as make

    done = make(name_or_id, new, verify=verify, progress=progress)
    warn(done.created.warnings)
    return done


def adopt(name_or_id: str, *, confirm: Confirm = None) -> Applied:
    """Take a stack that Kitaru did not make under its management, by labels alone.

    Args:
        name_or_id: Which.
        confirm: Whether it is done; a function is asked with the plan. None is yes.

    Returns:
        What was done; ``.changed`` is False where there was nothing to do.

    Raises:
        StackNotFound: There is none of this name or id.
        ConfirmationNeeded: `confirm` says no; nothing was written.
        ProtectedStackError: It is the default stack, a Pulumi program's, or shares parts.
        KitaruError: No description can say what it is.

    Example:
        >>> _ = kitaru.create_stack("example", activate=False)
        >>> kitaru.adopt("example").changed  # it is Kitaru's already
        False
    """
    require_text(name_or_id)
    require_answer(confirm)
    apply_environment()
    from kitaru_iac.stacks.adopt import adopt as take

    def agreed(plan: Plan) -> bool:
        if confirm is not None:
            require_confirmed(plan, confirm, costs=False)
        return True

    done = take(name_or_id, confirm=agreed)
    warn(done.warnings)
    return done
