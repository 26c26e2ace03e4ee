"""The `[source]` table: one form for each `type`.

Another source is another dataclass with a `type` of its own, and its place in `Source`:
`Source: TypeAlias = Annotated[FileSource | BucketSource, Field(discriminator="type")]`.
"""

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from .kinds import NUMBER, PathText
from .strictness import STRICT

DEFAULT_SOURCE = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSource:
    """Files of PostHog events."""

    __pydantic_config__ = STRICT

    type: Literal["file"] = "file"
    """Which kind of source this is."""
    paths: Annotated[tuple[PathText, ...], Field(min_length=1)]
    """Files with PostHog events (JSON lines, also compressed), folders of them, patterns such as
    `exports/*.jsonl.gz`, or `-` for standard input."""
    look_again_seconds: Annotated[float, Field(ge=0.1, le=86_400), NUMBER] = 5.0
    """How long after the end of all files it is looked for more of them, and for what was added."""


Source: TypeAlias = FileSource
