"""What is in a bucket: all of it now and then, and mostly only what is new."""

from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta

from ...clock import Clock
from .names import read_name
from .store import Object, Store

# PostHog tries a failed export again for hours, while later ones go on.
_REACH_BACK = timedelta(days=1)
_LIST_ALL_SECONDS = 3600.0


class Listing:
    """Lists a bucket again and again without asking each time for years of exports that are done with.

    When keys are in the order of their windows, as they are with PostHog's usual prefixes, it is asked for
    those behind the windows of a day ago; once an hour, and when the order is another one, for all.

    Args:
        store: The bucket.
        clock: Tells when an hour is over.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._all_at: float | None = None
        self._after: str | None = None

    def objects(self) -> Iterator[Object]:
        """What there is, or what may be new.

        Raises:
            StoreFault: See `Store`.
        """
        now = self._clock.monotonic()
        is_due = self._all_at is None or now - self._all_at >= _LIST_ALL_SECONDS
        after = None if is_due else self._after
        marks = _Marks()
        for found in self._store.objects(after=after):
            marks.add(found)
            yield found
        if after is None:
            self._all_at = now
        if not (self._store.lists_in_order and marks.are_in_order):
            self._after = None
        elif marks.behind is not None:
            self._after = marks.behind


class _Marks:
    """Goes along with a listing, and notes from where on the next one may begin.

    Attributes:
        are_in_order: Whether windows came in their order so far.
        behind: The last key whose window begins a day or more ahead of the latest; None when there is none.
    """

    def __init__(self) -> None:
        self.are_in_order = True
        self.behind: str | None = None
        self._recent: deque[tuple[datetime, str]] = deque()

    def add(self, found: Object) -> None:
        """The next object of the listing."""
        name = read_name(found.name)
        window = name.window if name else None
        # `None` sorts behind all digits, and so is listed each time.
        if window is None or window.is_from_the_beginning:
            return
        if self._recent and window.start < self._recent[-1][0]:
            self.are_in_order = False
        self._recent.append((window.start, found.key))
        while self._recent[0][0] <= window.start - _REACH_BACK:
            _, self.behind = self._recent.popleft()
