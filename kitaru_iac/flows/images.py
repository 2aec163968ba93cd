"""The image of a run, as ZenML's Docker settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from kitaru_iac import redaction
from kitaru_iac._version import __version__
from kitaru_iac.errors import UsageError
from kitaru_iac.machine.known_secrets import known_secrets

if TYPE_CHECKING:
    from zenml.config import DockerSettings

__all__ = ["docker_settings"]

#: Where what a flow is made of comes from, in an image that ZenML builds.
_REQUIREMENT = f"kitaru-iac=={__version__}"
#: What `kitaru` 0.21 calls it, and ZenML.
_OTHER_NAMES = {"base_image": "parent_image"}


def docker_settings(image: str | Mapping[str, object] | None) -> DockerSettings:
    """Give ZenML's settings for an image.

    What the flow imports of this package has to be in the image: it is added to the requirements,
    unless a base image or a Dockerfile is named, which then brings it itself.

    Args:
        image: A base image; or the fields of ``DockerSettings``, with ``base_image`` for
            ``parent_image`` and ``platform`` as `kitaru` 0.21 has them; None is ZenML's default.

    Raises:
        UsageError: There are unknown fields, or one does not take its value: all of them.
    """
    from zenml.config import DockerSettings

    from kitaru_iac.gateway.zenml_models import refused_by

    given = {"base_image": image} if isinstance(image, str) else dict(image or {})
    fields: dict[str, object] = {_OTHER_NAMES.get(key, key): value for key, value in given.items()}
    if platform := fields.pop("platform", None):
        fields["build_config"] = {"build_options": {"platform": platform}}
    unknown = sorted(fields.keys() - DockerSettings.model_fields.keys())
    if unknown:
        raise UsageError(
            f"The image has no setting {', '.join(map(repr, unknown))}",
            why="They are base_image, platform, and those of ZenML's DockerSettings.",
        )
    if not fields.keys() & {"parent_image", "dockerfile"}:
        listed = fields.get("requirements") or []
        if isinstance(listed, list | tuple):
            fields["requirements"] = [*listed, _REQUIREMENT]
    refused = refused_by(DockerSettings, fields)
    if refused:  # in its words, without what was given: an argument of a build may be a secret
        lines = [f"{problem.field or 'image'}: {problem.message}" for problem in refused]
        why = redaction.text("\n".join(lines), *known_secrets())
        raise UsageError("The image's settings do not fit", why=why)
    return DockerSettings.model_validate(fields)
