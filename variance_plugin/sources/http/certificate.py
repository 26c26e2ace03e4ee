"""What the server shows of itself over TLS, read again when it has been renewed."""

import logging
import ssl
from pathlib import Path

from ...certificates import load_pair
from ...errors import UsageError

_logger = logging.getLogger(__name__)


class Certificate:
    """A certificate and its key, in two files or in one.

    Certificates are renewed every few months, by replacing the files; connections that are made after
    `renew` see the new one, and those that stand keep theirs.

    Args:
        certificate: In PEM, with the certificates that lead to its authority.
        key: In PEM, without a password; None: it is in the same file.
        setting: What the two are called, to be named in faults: `source.tls` for `source.tls_certificate`.

    Attributes:
        context: For the server.

    Raises:
        UsageError: They cannot be read, or do not belong together.
    """

    def __init__(self, certificate: Path, key: Path | None, *, setting: str) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._certificate = certificate
        self._key = key
        self._setting = setting
        self._seen = self._state()
        self._load(self.context)

    def renew(self) -> None:
        """Read the files again if they have changed; what cannot be used is told, and the old one stays."""
        seen = self._state()
        if seen == self._seen:
            return
        self._seen = seen
        try:
            # Elsewhere first: half of a pair would spoil the one that is in use.
            self._load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
            self._load(self.context)
        except UsageError as error:
            _logger.error("the new certificate cannot be used, the old one stays: %s", error)  # noqa: TRY400
        else:
            _logger.info("%s has changed: new connections see the new certificate", self._certificate)

    def _state(self) -> list[tuple[int, int] | None]:
        """Tells one content of the files from another."""
        return [_state(path) for path in (self._certificate, self._key) if path is not None]

    def _load(self, context: ssl.SSLContext) -> None:
        fault = load_pair(context, self._certificate, self._key)
        if fault is not None:
            raise UsageError(f"{self._setting}_{fault}")


def _state(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino
