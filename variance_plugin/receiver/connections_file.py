"""Several connections as a TOML file declares them: one table each, named as the connection is."""

from pathlib import Path
from typing import Final

import msgspec

from ..errors import UsageError
from .access import Credentials
from .connections import Connection
from .matching import EVERY_WAY, Matching, Way


class Declared(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table."""

    authorization: str | None = None
    secret: str | None = None
    enforce: bool = True
    accounts: Way = EVERY_WAY.way
    account_id_trait: str = EVERY_WAY.id_trait
    account_name_trait: str = EVERY_WAY.name_trait
    updates_last_seen: bool = True


_EXAMPLE: Final = 'write, for example: [website] and, below it, authorization = "Bearer …"'


def read_connections(path: Path) -> list[Connection]:
    """The connections of a file, in its order.

    Raises:
        UsageError: it cannot be read, or says something that it cannot say.
    """
    try:
        tables = msgspec.toml.decode(path.read_bytes(), type=dict[str, Declared])
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}; name a file with connections") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {error}; {_EXAMPLE}") from error
    if not tables:
        raise UsageError(f"{path} has no connections; {_EXAMPLE}")
    return [
        Connection(
            name=name,
            credentials=Credentials(authorization=declared.authorization, secret=declared.secret),
            enforced=declared.enforce,
            matching=Matching(
                way=declared.accounts,
                id_trait=declared.account_id_trait,
                name_trait=declared.account_name_trait,
            ),
            updates_last_seen=declared.updates_last_seen,
        )
        for name, declared in tables.items()
    ]
