"""An exception as it may leave: its types and where it was raised, and nothing that quotes an event.

A message often names what it failed on, and that is somebody's; a line of source may hold a password. What is
kept is listed, so that nothing new of the `posthog` package goes out unseen.
"""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

_KEPT_OF_FRAME = ("platform", "function", "module", "lineno", "in_app")
_KEPT_OF_MECHANISM = (
    "type",
    "handled",
    "synthetic",
    "source",
    "exception_id",
    "parent_id",
    "is_exception_group",
)
_MESSAGE = "(the runner's log has the message)"


def without_message(error: Mapping[str, Any]) -> dict[str, Any]:
    """An exception of PostHog's `$exception_list` without what may quote an event or a secret."""
    stack = error.get("stacktrace") or {}
    mechanism = error.get("mechanism") or {}
    return {
        "type": error.get("type"),
        "module": error.get("module"),
        "value": _MESSAGE,
        "mechanism": {key: mechanism[key] for key in _KEPT_OF_MECHANISM if key in mechanism},
        "stacktrace": {
            "type": stack.get("type", "raw"),
            "frames": list(map(_place, stack.get("frames", []))),
        },
    }


def _place(frame: Mapping[str, Any]) -> dict[str, Any]:
    """A frame without lines of source; a file by its name, since the folders around it may name a person."""
    place = {key: frame[key] for key in _KEPT_OF_FRAME if key in frame}
    return {**place, "filename": PurePath(frame.get("filename") or "").name}
