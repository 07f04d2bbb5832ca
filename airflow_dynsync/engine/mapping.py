"""The mapping as people write it: rules by path, presets, and what happens to attributes that no rule names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SkipValidation, ValidationError, WithJsonSchema

from airflow_dynsync.engine.definitions import Parameters
from airflow_dynsync.engine.errors import MappingError

RuleConfig = str | dict[str, Any]
ModelT = TypeVar("ModelT", bound=BaseModel)
UnmappedPolicy = Literal["anonymize", "passthrough", "fail", "drop", "neosync"]
UnmappedType = Literal["S", "N", "BOOL", "B"]
RuleInside = Annotated[RuleConfig, SkipValidation, WithJsonSchema({"format": "rule"})]
"""A rule as written, to be compiled later; the format names its definition in the schema of mapping files."""

Rules = dict[str, RuleInside]
"""Rules by path, or by the name of a part, as written."""


def _policy(value: Any) -> Any:
    by_type = isinstance(value, dict)
    known = get_args(UnmappedType if by_type else UnmappedPolicy)
    for name in value if by_type else [value]:
        if name not in known:
            got = repr(name) if isinstance(name, str) else type_in_words(name)
            raise ValueError(f"expected {', '.join(map(repr, known))}; got {got}{did_you_mean(name, known)}")
    return value


Unmapped = Annotated[
    UnmappedPolicy | dict[UnmappedType, RuleInside],
    BeforeValidator(_policy),
    WithJsonSchema({"format": "unmapped"}),
]
"""What happens to the leaves that no rule covers, as written."""


class Mapping(BaseModel):
    """What is done to which attributes.

    Attributes:
        mappings: a rule by path; a rule is a transformer's name, or a dict with ``transformer``, its parameters
            and the options of `RuleOptions`.
        unmapped: what happens to the leaves that no rule covers. ``anonymize`` replaces every S, N, BOOL and B,
            ``passthrough`` keeps, ``drop`` removes, ``fail`` stops at the first, ``neosync`` replaces S and BOOL
            as Neosync's defaults do; a dict gives a rule by type letter and keeps the types it does not name.
        presets: rules by a name of one's own, used in place of a transformer's name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    mappings: Rules = Field(default_factory=dict)
    unmapped: Unmapped = "anonymize"
    presets: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @classmethod
    def parse(cls, config: Self | dict[str, Any], place: str = "") -> Self:
        """Return the mapping that a plain dict describes.

        Args:
            config: a mapping, or a dict as it is written in YAML.
            place: what the paths in errors begin with.

        Raises:
            MappingError: an unknown field, or one of a wrong type.
        """
        return config if isinstance(config, cls) else validate(cls, config, place)


class RuleOptions(Parameters):
    """What every rule takes beside the parameters of its transformer."""

    when_missing: Literal["skip", "generate"] = Field(
        default="skip",
        description="generate creates the attribute where its parent is there and it is not.",
    )
    on_null: Literal["keep", "transform"] = Field(
        default="keep", description="transform hands NULL to the transformer; otherwise it stays."
    )
    on_type_mismatch: Literal["fail", "passthrough", "null", "drop"] = Field(
        default="fail",
        description="What happens to a value of a type or form that the transformer does not take.",
    )
    on_empty_set: Literal["drop", "null"] = Field(
        default="drop", description="What becomes of a set whose every element was removed."
    )
    realm: str | None = Field(
        default=None,
        min_length=1,
        description="Rules of one realm give one input the same output; by default the transformer's name.",
    )
    allow_key_collisions: bool = Field(
        default=False, description="Permits a transformer of class lossy on a primary key."
    )


def validate(model: type[ModelT], config: Any, place: str, *, beside: Iterable[str] = ()) -> ModelT:
    """Return ``config`` as a ``model``, or raise a `MappingError` that names the field and the remedy.

    Args:
        model: the pydantic model.
        config: what was written.
        place: where.
        beside: names that may be written at the same place and are checked elsewhere.
    """
    try:
        return model.model_validate(config)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        steps = [place] if place else []
        steps += [str(step) for step in first["loc"] if step != "[key]"]
        raise MappingError(
            ".".join(steps) or "mapping", _in_words(first, [*model.model_fields, *beside])
        ) from None


def _in_words(error: Any, names: Iterable[str]) -> str:
    match error["type"]:
        case "extra_forbidden":
            return f"unknown name{did_you_mean(error['loc'][-1], names)}; known are {', '.join(names)}"
        case "missing":
            return "is required; give it a value"
        case "value_error":
            return str(error["ctx"]["error"])
        case "model_type":
            return f"expected a mapping, got {type_in_words(error['input'])}"
    _, _, expected = error["msg"].rpartition(" should ")
    expected = expected.removeprefix("be ") if expected.startswith("be ") else f"it to {expected}"
    return f"expected {expected}, got {type_in_words(error['input'])}"


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Return a hint at the closest known name, or nothing."""
    close = difflib.get_close_matches(str(name), list(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def type_in_words(value: Any) -> str:
    """Return what kind of thing was written, without what it says."""
    for types, words in (
        (bool, "a boolean"),
        (str, "a string"),
        (int, "an integer"),
        (dict, "a mapping"),
        (list, "a list"),
    ):
        if isinstance(value, types):
            return words
    return 'null (to mean the word, write "null")' if value is None else f"a value of type {type(value).__name__}"
