"""What librdkafka says of itself."""

import logging


class Quiet:
    """Takes librdkafka's own lines, which would go to standard error, to where only `debug` shows them.

    What matters of them arrives as an error as well, and is told in this program's words.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def log(self, _level: int, text: str, *args: object) -> None:
        """Called by librdkafka's binding, in a poll."""
        self._logger.debug(text, *args)
