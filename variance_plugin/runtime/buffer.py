"""Where a lane's events come together until they make a batch."""

import threading
from dataclasses import dataclass
from typing import Any

from ..clock import Clock
from ..parameters import Parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class BufferSettings:
    """When a batch is full: PostHog's own parameters and defaults, and how many lanes there are."""

    buffer_events: int = 500
    buffer_bytes: int = 1_048_576
    buffer_seconds: float = 10.0
    concurrency: int = 4
    max_retry_hours: float = 0.0

    @classmethod
    def read(cls, parameters: Parameters) -> "BufferSettings":
        """From the plugin's configuration; a plugin that does not declare them gets the defaults."""
        return cls(
            # As many events as messages fit into one request; more would be cut apart again.
            buffer_events=parameters.whole("maxBatchEvents", low=1, high=10_000, default=500),
            buffer_bytes=parameters.whole(
                "exportEventsBufferBytes", low=1, high=100_000_000, default=1_048_576
            ),
            buffer_seconds=parameters.seconds("exportEventsBufferSeconds", low=0.01, high=3_600, default=10),
            concurrency=parameters.whole("concurrency", low=1, high=64, default=4),
            max_retry_hours=parameters.seconds("maxRetryHours", low=0, high=87_600, default=0),
        )


class Buffer:
    """One thread puts, one takes: events, or what the plugin made of them in advance.

    Holds one batch at the most: who puts waits while it is full.
    """

    def __init__(self, settings: BufferSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._changed = threading.Condition()
        self._events: list[Any] = []
        self._bytes = 0
        self._due = 0.0
        self._is_full = False
        self._closed = False

    def put(self, event: Any, size_bytes: int) -> None:
        """Add an event; waits while a full batch has not been taken, unless the buffer is closed."""
        with self._changed:
            while self._is_full and not self._closed:
                self._changed.wait()
            if not self._events:
                self._due = self._clock.monotonic() + self._settings.buffer_seconds
                self._changed.notify_all()  # whoever takes has a time to wake at from now on
            self._events.append(event)
            self._bytes += size_bytes
            settings = self._settings
            if self._bytes >= settings.buffer_bytes or len(self._events) >= settings.buffer_events:
                self._is_full = True
                self._changed.notify_all()

    def take(self) -> list[Any]:
        """The next batch: when it is full, when its time has come, or when closed. Empty: no more comes."""
        with self._changed:
            while not self._is_full and not self._closed:
                seconds = self._due - self._clock.monotonic() if self._events else None
                if seconds is not None and seconds <= 0:
                    break
                self._changed.wait(seconds)
            events, self._events, self._bytes, self._is_full = self._events, [], 0, False
            self._changed.notify_all()
            return events

    def close(self) -> None:
        """No more waiting: what is there can be taken at once."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def __len__(self) -> int:
        return len(self._events)
