"""The tables of a receiver's state file."""

import sqlite3
from typing import Final

# "LVar": tells the file from other SQLite files, so that none is overwritten by mistake.
_APPLICATION: Final = 0x4C566172
_VERSION: Final = 1

_TABLES: Final = """
CREATE TABLE person (key INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, contact INTEGER NOT NULL,
    last_seen REAL, about TEXT NOT NULL, record BLOB NOT NULL);
CREATE INDEX person_by_last_seen ON person (coalesce(last_seen, 0) DESC, key) WHERE contact;
CREATE TABLE visitor (key INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, linked INTEGER NOT NULL,
    record BLOB NOT NULL);
CREATE INDEX visitor_not_linked ON visitor (key) WHERE NOT linked;
CREATE TABLE company (number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, about TEXT NOT NULL,
    record BLOB NOT NULL);
CREATE TABLE member (account_id BLOB NOT NULL, person INTEGER NOT NULL, PRIMARY KEY (account_id, person))
    WITHOUT ROWID;
CREATE TABLE folded (id BLOB PRIMARY KEY, into_id BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE handed_over (key INTEGER PRIMARY KEY, person INTEGER NOT NULL);
CREATE TABLE message (number INTEGER PRIMARY KEY, received REAL NOT NULL, connection TEXT NOT NULL,
    type TEXT NOT NULL, message_id BLOB UNIQUE, owner INTEGER NOT NULL, account_id BLOB, raw BLOB NOT NULL);
CREATE INDEX message_by_owner ON message (owner, number);
CREATE INDEX message_by_account ON message (account_id, number) WHERE account_id IS NOT NULL;
CREATE TABLE tally (one INTEGER PRIMARY KEY, record BLOB NOT NULL);
"""


def open_schema(database: sqlite3.Connection) -> None:
    """Take the file for this process alone, and make its tables if it is new.

    Raises:
        sqlite3.Error: another process has it, or it is something else.
    """
    # One process has the file, for as long as it is open: what is at hand in memory is the truth.
    database.execute("PRAGMA locking_mode = EXCLUSIVE")
    [(application,)] = database.execute("PRAGMA application_id")
    [(tables,)] = database.execute("SELECT count(*) FROM sqlite_schema")
    [(version,)] = database.execute("PRAGMA user_version")
    if tables and application != _APPLICATION:
        raise sqlite3.DatabaseError("it is the database of another program")
    if tables and version != _VERSION:
        raise sqlite3.DatabaseError(f"it has version {version}, and this program reads version {_VERSION}")
    database.execute("PRAGMA journal_mode = WAL")
    # A kill loses nothing; after a power cut the last moments may be missing.
    database.execute("PRAGMA synchronous = NORMAL")
    # Message ids come in no order, and each touches a page of its own: 32 MB hold half a million of them.
    database.execute("PRAGMA cache_size = -32768")
    # Every 40 MB, not 4: the disk is waited for then, and with it the answer.
    database.execute("PRAGMA wal_autocheckpoint = 10000")
    if not tables:
        database.executescript(
            f"BEGIN IMMEDIATE; {_TABLES} PRAGMA application_id = {_APPLICATION};"
            f" PRAGMA user_version = {_VERSION}; COMMIT;"
        )
    else:
        database.execute("BEGIN EXCLUSIVE")
        database.execute("COMMIT")
