"""What a table that is created like another one has otherwise."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

Stream = Literal["like_source", "KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"]
TagKey = Annotated[str, StringConstraints(min_length=1, max_length=128)]
TagValue = Annotated[str, StringConstraints(max_length=256)]

RESERVED_TAGS: Final = "aws:"
"""What the keys of tags begin with that AWS alone may set, in any letter case."""


class CreationOptions(BaseModel):
    """What is asked of a new table beside the keys, indexes, time to live, class and encryption of its model.

    Tags are limited as in "Tagging restrictions in DynamoDB" of the Amazon DynamoDB Developer Guide.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    billing: Literal["like_source", "on_demand"] = Field(
        default="like_source", description="How it is paid: on_demand takes no throughput over from a source."
    )
    tags: dict[TagKey, TagValue] = Field(
        default_factory=dict, max_length=50, description="Its tags; they come before those that are copied."
    )
    copy_tags: bool = Field(
        default=False, description="Whether it gets the source's tags, but for those that AWS sets."
    )
    stream: Stream | None = Field(
        default=None, description="What its stream shows; like_source has one where the source has."
    )
    point_in_time_recovery: bool = Field(default=False, description="Whether it is backed up continuously.")
    deletion_protection: bool = Field(default=False, description="Whether it cannot be deleted.")

    @field_validator("tags")
    @classmethod
    def _are_allowed(cls, written: dict[str, str]) -> dict[str, str]:
        if any(key.lower().startswith(RESERVED_TAGS) for key in written):
            raise ValueError(f"keys that begin with {RESERVED_TAGS} are AWS's own; choose another one")
        return written
