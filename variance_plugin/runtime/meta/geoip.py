"""Where an address is, by a database file of MaxMind's format (GeoLite2, GeoIP2, DB-IP)."""

from pathlib import Path
from typing import Any, cast

from ...errors import UsageError
from ...extras import Extra, needed

DATABASE_SETTING = "geoip.database"


class NoGeoip:
    """A `hooks.Geoip` without a database."""

    def locate(self, ip: str) -> dict[str, Any] | None:  # noqa: ARG002 -- the protocol's
        """None."""
        return None

    def close(self) -> None:
        """Nothing to close."""


class GeoipFile:
    """A `hooks.Geoip` on a database file, which stays open. Safe for threads.

    A new edition has to be moved into the file's place, as `geoipupdate` does, and is read from the next
    start on.

    Args:
        path: Of the file.

    Raises:
        UsageError: When the file cannot be read or is no such database, or the extra `geoip` is missing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with needed(Extra.GEOIP, DATABASE_SETTING):
            import maxminddb  # noqa: PLC0415 -- an extra
        self._broken = maxminddb.InvalidDatabaseError
        try:
            self._reader = maxminddb.open_database(path)
        except OSError as error:
            raise UsageError(f"{DATABASE_SETTING}: cannot read {path}: {error.strerror or error}") from error
        except (maxminddb.InvalidDatabaseError, ValueError) as error:
            raise UsageError(
                f"{DATABASE_SETTING}: {path} is no MaxMind database, or a damaged one"
            ) from error

    def locate(self, ip: str) -> dict[str, Any] | None:
        """See `Geoip`.

        Raises:
            UsageError: When the file turns out to be damaged.
        """
        try:
            record = self._reader.get(ip)
        except self._broken as error:
            raise UsageError(f"{DATABASE_SETTING}: {self._path} is damaged; fetch it anew") from error
        except (TypeError, ValueError):
            return None  # no address, or one of IPv6 in a database of IPv4
        return cast("dict[str, Any]", record) if isinstance(record, dict) else None

    def close(self) -> None:
        """Close the file."""
        self._reader.close()
