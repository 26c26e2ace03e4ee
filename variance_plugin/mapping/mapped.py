"""`Mapped`: what becomes of one event."""

from typing import Any

import msgspec

from ..messages import AnyMessage
from .memory import Fact
from .names import SkipReason


class Mapped(msgspec.Struct, gc=False):
    """Messages in the order in which they are sent, or the reason for none."""

    messages: tuple[AnyMessage, ...] = ()
    skipped: SkipReason | None = None
    facts: tuple[Fact, ...] = ()
    """For `Memory.learn`, once the messages are on their way."""
    distinct_id: Any = None
    """The event's, as it came; whose messages these are."""
