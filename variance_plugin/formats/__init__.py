"""Bytes to `Event`, whatever shape PostHog gave them. `shapes.py` is where to begin reading."""

from .names import ignored_name, is_named, plain_name
from .shapes import events, from_mapping
from .unread import UnreadEvent, glance, place, readable, unread

__all__ = [
    "UnreadEvent",
    "events",
    "from_mapping",
    "glance",
    "ignored_name",
    "is_named",
    "place",
    "plain_name",
    "readable",
    "unread",
]
