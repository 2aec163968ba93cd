"""The fields of a description about the stack itself: rows of the table in `fields`."""

from __future__ import annotations

from collections.abc import Mapping

from kitaru_iac.spec.kinds import StackType
from kitaru_iac.spec.rows import FieldInfo, Flag, Kind, Place, Property, Stored

__all__ = ["ANNOTATION_FIELDS", "NOT_OF_PROGRAMS"]

#: What only the command says about a stack.
NOT_OF_PROGRAMS = Property(
    of_stack=False,
    of_provisioned=False,
    elsewhere="Leave it out: only the command can say it.",
)


def _stored(name: str) -> Mapping[StackType, Stored]:
    return dict.fromkeys(StackType, Stored((Place("stack", name),)))


ANNOTATION_FIELDS = (
    FieldInfo(
        "description",
        "What is to be read about the stack in ZenML, in one or two sentences.",
        parser="annotations:description",
        schema={"maxLength": 255},
        examples=("The production agents of team search.",),
        other_words=("comment", "summary", "about"),
        flag=Flag("What is to be read about the stack in ZenML.", "TEXT", "More"),
        program=NOT_OF_PROGRAMS,
        stored=_stored("description"),
    ),
    FieldInfo(
        "labels",
        "Labels of the stack in ZenML. Others, which were added by hand, are left alone.",
        kind=Kind.MAPPING,
        value="annotations:Labels",
        default={},
        other_words=("label", "annotations"),
        program=NOT_OF_PROGRAMS,
        stored=_stored("labels"),
    ),
    FieldInfo(
        "ignore_changes",
        "Fields that somebody else manages once the stack is there: they are made as described, "
        "and left as they are from then on. Paths as orchestrator.FIELD, artifact_store.FIELD, "
        "container_registry.FIELD, connector.FIELD, labels.NAME or description.",
        kind=Kind.LIST,
        value="annotations:Paths",
        default=(),
        other_words=("ignore", "ignored", "lifecycle"),
        program=NOT_OF_PROGRAMS,
        stored=_stored("ignore_changes"),
    ),
)
