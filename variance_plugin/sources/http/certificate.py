"""What the server shows of itself over TLS, read again when it has been renewed."""

import logging
import ssl
from pathlib import Path

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
        self._look_into("certificate", self._certificate)
        if self._key is not None:
            self._look_into("key", self._key)
        try:
            context.load_cert_chain(self._certificate, self._key, password=self._has_password)
        except ssl.SSLError as error:
            raise UsageError(self._why(error)) from error

    def _look_into(self, part: str, path: Path) -> None:
        try:
            path.read_bytes()
        except OSError as error:
            raise UsageError(f"{self._setting}_{part}: cannot read {path}: {error.strerror}") from error

    def _has_password(self) -> str:
        raise UsageError(f"{self._setting}_key: {self._key_path} has a password; take a key without one")

    def _why(self, error: ssl.SSLError) -> str:
        if error.reason == "KEY_VALUES_MISMATCH":
            return (
                f"{self._setting}_key: the key in {self._key_path} is that of another certificate than "
                f"{self._certificate}"
            )
        lacks = "or no key" if self._key is None else f"or {self._key} no key"
        return f"{self._setting}_certificate: {self._certificate} holds no certificate in PEM, {lacks}"

    @property
    def _key_path(self) -> Path:
        return self._key or self._certificate


def _state(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino
