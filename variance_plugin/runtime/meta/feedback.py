"""The guard against feeding itself: an event that a runner captured is known by its mark.

A runner reads the events of the very project that it captures into. Without the guard a plugin that captures
an event for each event would never end. The mark is a property, so that it comes back with the event, through
PostHog and out of every export; any runner's mark counts, so that two of them cannot play ball either.
"""

from collections.abc import Mapping
from typing import Any

MARK = "$variance_runner"
"""The property that marks an event; its value says who captured it: the plugin's name, or this package's."""

_MARK_BYTES = MARK.encode()


def may_be_own(record: bytes) -> bool:
    """Whether it is worth asking `is_own`: a look at the record, before anything is decoded.

    For who has not decoded the event yet: the look costs about 1 µs for a record of 3.5 KB, and `is_own` a
    twentieth of that. The mark has no character that JSON escapes, so it is found in properties that are an
    object as well as in those that are JSON text.
    """
    return _MARK_BYTES in record


def is_own(properties: Mapping[str, Any]) -> bool:
    """Whether a runner captured the event with these properties."""
    return MARK in properties
