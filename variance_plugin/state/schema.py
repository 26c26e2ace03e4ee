"""The tables of the state file, and how an older file gets those of today.

Text that comes from outside is kept as its bytes (`json_text.text_bytes`): a text with half a surrogate
pair or a NUL is none to SQLite. Times are whole microseconds since 1970, UTC.
"""

from pathlib import Path

from ..errors import UsageError
from .connection import Connection

# The letters "vari": how anybody sees whose file it is.
APPLICATION_ID = 0x76617269

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE positions (
            source BLOB, stream BLOB, position BLOB NOT NULL, PRIMARY KEY (source, stream)) WITHOUT ROWID""",
        """CREATE TABLE storage (
            plugin BLOB, key BLOB, value BLOB NOT NULL, PRIMARY KEY (plugin, key))""",
        """CREATE TABLE cursors (
            plugin BLOB, key BLOB, value BLOB NOT NULL, PRIMARY KEY (plugin, key)) WITHOUT ROWID""",
        """CREATE TABLE cache (
            plugin BLOB, key BLOB, value BLOB NOT NULL, expires_at INTEGER, PRIMARY KEY (plugin, key))""",
        "CREATE INDEX cache_expiry ON cache (expires_at) WHERE expires_at IS NOT NULL",
        # AUTOINCREMENT: an id is never given twice, or the end of a job might be taken for that of another.
        """CREATE TABLE jobs (
            id INTEGER PRIMARY KEY AUTOINCREMENT, plugin BLOB NOT NULL, name BLOB NOT NULL,
            payload BLOB NOT NULL, due_at INTEGER NOT NULL, failed_at INTEGER, reason BLOB)""",
        "CREATE INDEX jobs_due ON jobs (due_at, id) WHERE failed_at IS NULL",
        "CREATE INDEX jobs_failed ON jobs (failed_at, id) WHERE failed_at IS NOT NULL",
        """CREATE TABLE dead_letters (
            id INTEGER PRIMARY KEY AUTOINCREMENT, plugin BLOB NOT NULL, event BLOB NOT NULL, uuid BLOB,
            distinct_id BLOB, source BLOB, reason BLOB NOT NULL, status INTEGER, attempts INTEGER NOT NULL,
            first_at INTEGER NOT NULL, last_at INTEGER NOT NULL, replay_at INTEGER,
            history BLOB NOT NULL, fingerprint BLOB UNIQUE, record BLOB NOT NULL, message BLOB)""",
        "CREATE INDEX dead_letters_last ON dead_letters (last_at)",
        "CREATE INDEX dead_letters_kind ON dead_letters (plugin, status)",
        "CREATE INDEX dead_letters_replay ON dead_letters (plugin, id) WHERE replay_at IS NOT NULL",
        # Each spool has its records in a table of its own, `spool_<id>`: new ones come at its end, and go
        # from its beginning.
        """CREATE TABLE spools (
            id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE, last_seq INTEGER NOT NULL,
            records INTEGER NOT NULL, size_bytes INTEGER NOT NULL)""",
    ),
)
"""The statements that lead from each version to the next; what has been released is never changed."""


def is_new(connection: Connection, path: Path) -> bool:
    """Whether there is nothing in the file yet.

    Raises:
        UsageError: when it holds something else, or was written by a newer version of this program.
    """
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    if application_id != APPLICATION_ID:
        (objects,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if application_id or objects:
            raise UsageError(f"{path} is a database of another program: give the state a file of its own")
        return True
    version, newest = _version(connection), len(MIGRATIONS)
    if version > newest:
        raise UsageError(
            f"the state file {path} was written by a newer version of this program "
            f"(its form is {version}, this one knows {newest}): upgrade this one"
        )
    return False


def is_current(connection: Connection) -> bool:
    """Whether the file has the tables of today."""
    return _version(connection) == len(MIGRATIONS)


def migrate(connection: Connection, migrations: tuple[tuple[str, ...], ...] = MIGRATIONS) -> None:
    """Give the file the tables of today; all of them or, after an error, none."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statements in migrations[_version(connection) :]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(migrations)}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _version(connection: Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)
