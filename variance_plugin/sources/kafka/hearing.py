"""What is heard of the brokers: what a person has to mend, and what has to be waited out."""

import logging

from confluent_kafka import KafkaError

from ...errors import UsageError
from .words import is_fault, told

_logger = logging.getLogger(__name__)


class Hearing:
    """Keeps what is wrong, and says it once when it begins and once when it is over.

    Args:
        about: What it is about, for messages.

    Attributes:
        trouble: What is wrong now, in words, or None. Read from any thread.
        is_fault: Whether a person has to do something about that.
        at_start: Whether this process has never got as far as being a member; a fault is a `UsageError` then.
    """

    def __init__(self, about: str) -> None:
        self.trouble: str | None = None
        self.is_fault = False
        self.at_start = True
        self._about = about
        self._refusal: UsageError | None = None

    def overhear(self, error: KafkaError) -> None:
        """Called by librdkafka, in a poll, for what happens at any time; nothing may be raised there."""
        if error.code() == KafkaError._TRANSPORT and not self.at_start:  # noqa: SLF001 -- its own name
            # One broker of many, or a connection that was idle: it connects anew. That all are down is told.
            _logger.debug("%s", told(error, self._about))
        else:
            self.hear(error)

    def hear(self, error: KafkaError) -> None:
        """Take note of what came in the place of an answer."""
        text = told(error, self._about)
        if error.fatal() or (self.at_start and is_fault(error)):
            self._refusal = UsageError(text)
            return
        if self.trouble is not None and (self.is_fault or not is_fault(error)):
            # Of a fault, what follows from it must not hide the cause.
            _logger.debug("%s", text)
            return
        self.trouble, self.is_fault = text, is_fault(error)
        if self.is_fault:
            _logger.error(
                "%s; it goes on by itself once Kafka allows it; a changed setting needs a restart", text
            )
        else:
            _logger.warning("%s; waiting until it is over", text)

    @property
    def refusal(self) -> UsageError | None:
        """What waiting does not mend."""
        return self._refusal

    def judge(self) -> None:
        """Raise what waiting does not mend.

        Raises:
            UsageError: When the brokers refuse this user, the topic or the group.
        """
        if self._refusal is not None:
            raise self._refusal

    def all_is_well(self) -> None:
        """A broker has done what it was asked for."""
        if self.trouble is not None:
            _logger.info("%s: it answers again", self._about)
            self.trouble, self.is_fault = None, False
