"""So many messages a second at the most: turns, in the order in which they are asked for. Pure."""


class RateLimit:
    """A token bucket that may go into debt by one request: after a request of n messages, none for n / rate.

    In any span of t seconds no more than `rate · t + largest_request` messages go out. Not safe for threads.

    Args:
        per_second: Messages; 0 is no limit.
    """

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._free_at = float("-inf")

    def largest_request(self, messages: int) -> int:
        """How many of so many messages one request may hold: what goes out in a second, one at the least."""
        return min(messages, max(1, int(self._per_second))) if self._per_second else messages

    def reserve(self, messages: int, now: float, longest_wait_seconds: float) -> float:
        """Take the next turn, for a request of so many messages.

        Args:
            messages: In it.
            now: As the clock's `monotonic` says it.
            longest_wait_seconds: A turn that is later is not taken.

        Returns:
            Seconds until that turn.
        """
        if not self._per_second:
            return 0.0
        turn = max(now, self._free_at)
        if turn - now <= longest_wait_seconds:
            self._free_at = turn + messages / self._per_second
        return turn - now
