"""`@flow`: a function that runs on a stack, as a dynamic pipeline of ZenML."""

from __future__ import annotations

import functools
import inspect
import sys
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, overload

from kitaru_iac.errors import KitaruError, MissingPackages, NotConnectedError, UsageError
from kitaru_iac.flows.binding import BoundStack, bound, find_stack
from kitaru_iac.flows.handle import FlowHandle
from kitaru_iac.flows.layers import RunSettings, resolve
from kitaru_iac.machine import packages
from kitaru_iac.machine.run_defaults import RunDefaults, checked

if TYPE_CHECKING:
    from zenml import Pipeline

__all__ = ["SOURCE_TAG", "STACK_TAG", "Flow", "flow"]

_activating = threading.Lock()
_activated = threading.Event()

#: Tags on ZenML's run: its stack, and which layer chose it.
STACK_TAG = "kitaru.stack="
SOURCE_TAG = "kitaru.stack_source="
#: The flow's body has this before its name in its module, where a container finds it.
_ALIAS = "__kitaru_flow_"
#: What `run` takes itself.
_SETTINGS = ("stack", "image", "cache", "retries")


@overload
def flow(func: Callable[..., object], /) -> Flow: ...
@overload
def flow(
    *,
    stack: str | None = None,
    image: str | Mapping[str, object] | None = None,
    cache: bool | None = None,
    retries: int | None = None,
) -> Callable[[Callable[..., object]], Flow]: ...
def flow(
    func: Callable[..., object] | None = None,
    *,
    stack: str | None = None,
    image: str | Mapping[str, object] | None = None,
    cache: bool | None = None,
    retries: int | None = None,
) -> Flow | Callable[[Callable[..., object]], Flow]:
    """Make a flow of a function that stands at the top of its module.

    Its body is plain Python that calls steps of ZenML. Nothing is imported or looked up yet.

    Args:
        func: The function, where the decorator stands without parentheses.
        stack: The stack that its runs use, by name or id, unless `.run` names another one.
        image: A base image, or a mapping of image settings.
        cache: Whether steps may reuse earlier results.
        retries: How many times a failed step is run again, from 0.

    Raises:
        UsageError: Values that make no sense: all of them; or `func` is no function, or has an
            input with a name of these.

    Example:
        >>> @kitaru.flow(stack="gpu-cluster", retries=2)
        ... def my_agent(topic: str) -> str:
        ...     return f"news about {topic}"
        >>> my_agent.__name__  # my_agent.run("weather") runs it
        'my_agent'
    """
    values = {"stack": stack, "image": image, "cache": cache, "retries": retries}
    defaults = checked(values, "@flow")
    if func is not None:
        return _flow_of(func, defaults)
    return lambda target: _flow_of(target, defaults)


def _flow_of(func: object, defaults: RunDefaults) -> Flow:
    if not inspect.isfunction(func):
        raise UsageError(
            f"A flow is made of a function, not {type(func).__name__}",
            remedy="Write @kitaru.flow, or name what it is given: "
            '@kitaru.flow(stack="gpu-cluster").',
        )
    taken = [name for name in inspect.signature(func).parameters if name in _SETTINGS]
    if taken:
        raise UsageError(
            f"The flow '{func.__name__}' cannot have an input called {', '.join(taken)}",
            why="`.run` takes it as a setting of the run.",
            remedy="Give the input another name.",
        )
    return Flow(func, defaults)


class Flow:
    """A flow. Start it with `run`.

    Args:
        func: Its body.
        defaults: What `@flow` was given.
    """

    #: The function's, which is the pipeline's too.
    __name__: str

    def __init__(self, func: Callable[..., object], defaults: RunDefaults) -> None:
        self._defaults = defaults
        self._body = _body(func)
        functools.update_wrapper(self, func)
        # ZenML loads a dynamic pipeline from its module, by the name of its function.
        module = sys.modules.get(func.__module__)
        if module is not None:
            setattr(module, self._body.__name__, self._body)

    def __call__(self, *args: object, **kwargs: object) -> object:
        """Refuse to be called: a flow is run."""
        del args, kwargs
        raise UsageError(
            f"The flow '{self.__name__}' cannot be called",
            remedy=f"Write {self.__name__}.run(...), or {self.__name__}.run(...).wait().",
        )

    def run(
        self,
        *args: object,
        stack: str | None = None,
        image: str | Mapping[str, object] | None = None,
        cache: bool | None = None,
        retries: int | None = None,
        **kwargs: object,
    ) -> FlowHandle:
        """Start a run, and return as soon as it is submitted; a local runner runs it first.

        The saved active stack stays as it is. The run has the tags ``kitaru.stack=NAME`` and
        ``kitaru.stack_source=LAYER``.

        Args:
            *args: The flow's own inputs.
            stack: The stack, by name or id; takes precedence over everything else.
            image: A base image, or a mapping of image settings.
            cache: Whether steps may reuse earlier results.
            retries: How many times a failed step is run again, from 0.
            **kwargs: The flow's own inputs. They cannot have the names of those above.

        Returns:
            A handle of the run.

        Raises:
            UsageError: Settings make no sense, a flow is running here already, or another flow
                has taken this one's name in its module.
            StackNotFound: There is no stack of this name or id.
            MissingPackages: The stack needs packages that are not here.
            KitaruError: The stack cannot run flows.
            Exception: Whatever the flow itself raises, where it runs in this process.
        """
        values = {"stack": stack, "image": image, "cache": cache, "retries": retries}
        settings = resolve(checked(values, ".run"), self._defaults)
        self._require_inputs(args, kwargs)
        self._require_its_name()
        found = find_stack(settings.stack, settings.source)
        with bound(found):
            _require_runnable(found)
            _activate_integrations()
            run = self._pipeline(found, settings)(*args, **kwargs)
        if run is None:  # a variable of ZenML's forbids runs, as where pipelines are only compiled
            raise KitaruError(f"ZenML started no run of the flow '{self.__name__}'")
        return FlowHandle(run, found.name, settings.source)

    def _require_inputs(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> None:
        try:
            inspect.signature(self._body).bind(*args, **kwargs)
        except TypeError as error:
            raise UsageError(f"{self.__name__}.run(): {error}") from None

    def _require_its_name(self) -> None:
        """Refuse where ZenML, which loads a flow by its name, would run another one's body."""
        module = sys.modules.get(self._body.__module__)
        if module is None or getattr(module, self._body.__name__, None) is self._body:
            return
        raise UsageError(
            f"The flow '{self.__name__}' is another one in its module by now",
            where=self._body.__module__,
            why="A flow is run by its name, and one that was defined later has the same.",
            remedy="Give each flow of a module a name of its own, and run the one that it has now.",
        )

    def _pipeline(self, found: BoundStack, settings: RunSettings) -> Pipeline:
        from zenml import pipeline
        from zenml.config.retry_config import StepRetryConfig

        from kitaru_iac.flows.images import docker_settings

        made: Pipeline = pipeline(dynamic=True, name=self.__name__)(self._body)
        options: dict[str, Any] = {
            "settings": {"docker": docker_settings(settings.image)},
            "tags": [f"{STACK_TAG}{found.name}", f"{SOURCE_TAG}{settings.source}"],
        }
        if settings.cache is not None:  # a value here would hold for each step, over its own
            options["enable_cache"] = settings.cache
        if settings.retries:
            options["retry"] = StepRetryConfig(max_retries=settings.retries)
        return made.with_options(**options)


def _body(func: Callable[..., object]) -> Callable[..., object]:
    """The function as ZenML runs it: what it returns is saved."""

    @functools.wraps(func)
    def run(*args: object, **kwargs: object) -> object:
        from kitaru_iac.flows.values import as_output

        return as_output(func(*args, **kwargs))

    run.__name__ = run.__qualname__ = f"{_ALIAS}{func.__name__}"
    # ZenML would read it as the artifacts that a pipeline returns.
    run.__annotations__ = {k: v for k, v in func.__annotations__.items() if k != "return"}
    return run


def _require_runnable(found: BoundStack) -> None:
    """See that a flow can be started on the bound stack from here."""
    from zenml.client import Client
    from zenml.execution.pipeline.dynamic.run_context import DynamicPipelineRunContext
    from zenml.steps.step_context import StepContext

    from kitaru_iac.gateway.errors import translate_errors

    if DynamicPipelineRunContext.get() or StepContext.get():
        raise UsageError(
            "A flow is started inside of another flow's run",
            remedy="Call its steps there, or start it after the other one.",
        )
    try:
        with translate_errors():
            stack = Client().active_stack
            local = stack.requires_remote_server and Client().zen_store.is_local_store()
            if not local:
                stack.validate(fail_if_secrets_missing=True)
    except KitaruError as error:
        if isinstance(error, NotConnectedError) and error.__cause__ is None:
            raise  # our refusal to open the store; what was translated may be of the stack's cloud
        raise _unusable(found, error) from error
    if local:  # ZenML says so when the run is there
        raise KitaruError(
            f"Stack '{found.name}' cannot run flows from the local store",
            why="Its runs are on other machines, which do not reach the store on this one.",
            remedy="Log in to a server, and create the stack there: kitaru login URL",
        )
    if not stack.orchestrator.supports_dynamic_pipelines:
        raise KitaruError(
            f"The orchestrator of stack '{found.name}' cannot run flows",
            why=f"ZenML's {type(stack.orchestrator).__name__} runs no dynamic pipelines.",
            remedy="Choose another stack: kitaru stack list",
        )


def _unusable(found: BoundStack, error: KitaruError) -> KitaruError:
    what = f"Stack '{found.name}' cannot be used from here"
    cause = error.__cause__
    if isinstance(cause, ImportError):
        if missing := packages.absent(_wanted_by_stack()):
            why = f"ZenML imports for it what is not installed: {', '.join(missing)}."
            return MissingPackages(what, why=why, remedy=packages.pip_install(missing))
        return MissingPackages(what, why=str(cause))
    return KitaruError(what, why=error.why or error.what, remedy=error.remedy)


def _wanted_by_stack() -> list[str]:
    """What ZenML's integrations of the bound stack ask for, as requirements."""
    from zenml.client import Client
    from zenml.integrations.registry import integration_registry

    components = [
        part for parts in Client().active_stack_model.components.values() for part in parts
    ]
    names = {part.integration for part in components if part.integration}
    known = sorted(names.intersection(integration_registry.list_integration_names))
    return [
        line
        for name in known
        for line in integration_registry.select_integration_requirements(name)
    ]


def _activate_integrations() -> None:
    """Let ZenML register its integrations once.

    Its first run does so, and another thread's goes through them at the same time ("dictionary
    changed size during iteration").
    """
    with _activating:
        if not _activated.is_set():
            from zenml.integrations.registry import integration_registry

            integration_registry.activate_integrations()
            _activated.set()
