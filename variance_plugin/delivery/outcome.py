"""What an answer means: one table, one pure function (docs/delivery.md, "What an answer means")."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec


class Failure(StrEnum):
    """Why there is no answer."""

    NETWORK = "network error"
    TIMEOUT = "time-out"
    BROKEN_ANSWER = "broken answer"
    TLS = "TLS or certificate failure"
    CERTIFICATE_DATE = "the certificate is out of date"
    CERTIFICATE_NAME = "the certificate is that of another host"
    NO_TLS = "no TLS is spoken there"
    UNRESOLVED = "name does not resolve"
    ADDRESS = "the address cannot be used"
    FORBIDDEN = "the address is not allowed"
    PROXY = "the proxy refused"


class Outcome(StrEnum):
    """What happens next; everything after `classify` acts on this alone."""

    DELIVERED = "delivered"
    RETRY = "retry"
    """The whole batch again, later; the wait holds for the destination."""
    TOO_LARGE = "too large"
    """Halve; a single message is dead."""
    SUSPECT = "suspect"
    """Halve until the guilty message stands alone; that one is dead."""
    ENDPOINT_AT_FAULT = "endpoint at fault"
    """Nothing is wrong with the messages: pause the destination, say so, try again later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back for one attempt: a status with the beginning of the body, or a failure."""

    status: int | None = None
    failure: Failure | None = None
    detail: str = ""
    """Of a failure, in words without a secret."""
    body: bytes = field(default=b"", repr=False)
    retry_after: str | None = None
    location: str | None = None

    @property
    def is_page(self) -> bool:
        """Whether it looks like a web page, of which a webhook has none to show."""
        return self.body.lstrip()[:1] == b"<"

    def describe(self) -> str:
        """In words, for a log line: nothing of the body, which may quote what was sent."""
        if self.status is None:
            return f"{self.failure}: {self.detail}" if self.detail else str(self.failure)
        words = f"HTTP {self.status}"
        if 300 <= self.status < 400 and self.location:
            words += f" (redirect to {printable(self.location)[:200]}; redirects are not followed)"
        return words

    def reason(self) -> str:
        """In words, for a dead letter: with the beginning of the body, at most about 600 characters."""
        excerpt = printable(self.body[:_EXCERPT].decode(errors="replace"))
        return f"{self.describe()}: {excerpt}" if excerpt else self.describe()


def printable(text: str) -> str:
    """One line, without what would move a terminal's cursor or its colours."""
    return "".join(character if character.isprintable() else " " for character in text).strip()


_EXCERPT = 400
_RETRY = frozenset([408, 425, 429])
_AT_FAULT = frozenset([401, 403, 404, 405, 407, 410, 501])
_FAILURES_AT_FAULT = frozenset(
    [
        Failure.TLS,
        Failure.CERTIFICATE_DATE,
        Failure.CERTIFICATE_NAME,
        Failure.NO_TLS,
        Failure.ADDRESS,
        Failure.FORBIDDEN,
        Failure.PROXY,
    ]
)


def classify(answer: Answer, *, answered_before: bool = True) -> Outcome:
    """The table.

    Args:
        answer: What came back.
        answered_before: Whether this destination ever answered. A name that does not resolve is a wrong
            address at the start, and a passing trouble of the network later.
    """
    status = answer.status
    if status is None:
        if answer.failure in _FAILURES_AT_FAULT:
            return Outcome.ENDPOINT_AT_FAULT
        if answer.failure is Failure.UNRESOLVED and not answered_before:
            return Outcome.ENDPOINT_AT_FAULT
        return Outcome.RETRY
    if 200 <= status < 300:
        return Outcome.DELIVERED
    if status in _AT_FAULT or 300 <= status < 400:
        return Outcome.ENDPOINT_AT_FAULT
    if status in _RETRY or status >= 500 or status < 200:
        return Outcome.RETRY
    return Outcome.TOO_LARGE if status == 413 else Outcome.SUSPECT


@dataclass(frozen=True, slots=True)
class MessageResult:
    """What the destination says of one message of a batch that it took as a whole."""

    outcome: Outcome
    status: int | None = None
    reason: str = ""


def results_of(answer: Answer, count: int) -> tuple[MessageResult, ...]:
    """The per-message results in the body of a 2xx answer; empty unless it is a list of `count` objects.

    An object refuses its message by a `status` (or `code`) that is no 2xx, by `success` or `ok` being
    false, or by an `error`; only statuses that mean "later" ask for a retry.
    """
    if not answer.body.lstrip().startswith(b"["):
        return ()
    try:
        entries = msgspec.json.decode(answer.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ()
    if not isinstance(entries, list) or len(entries) != count:
        return ()
    if not all(isinstance(entry, dict) for entry in entries):
        return ()
    return tuple(map(_result, entries))


def _result(entry: dict[str, Any]) -> MessageResult:
    status = next(
        (entry[key] for key in ("status", "code", "statusCode") if _is_status(entry.get(key))), None
    )
    reason = printable(str(entry.get("error") or entry.get("message") or "")[:_EXCERPT])
    if status is not None:
        outcome = classify(Answer(status=status))
        if outcome is Outcome.ENDPOINT_AT_FAULT:
            # The destination answered and took the rest, so it is this message that it does not want.
            outcome = Outcome.SUSPECT
    elif entry.get("success") is False or entry.get("ok") is False or entry.get("error"):
        outcome = Outcome.SUSPECT
    else:
        outcome = Outcome.DELIVERED
    return MessageResult(outcome, status, reason)


def _is_status(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 100 <= value <= 599
