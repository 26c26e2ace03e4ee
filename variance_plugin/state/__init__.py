"""What has to be known after a restart, in one SQLite file: see `StateFile` for what it promises.

Positions, plugin storage, cache, jobs, dead letters and the spool each have a module of their own; all of
them share the file, its one writing thread and its commits.
"""

from .cache import StoredCache
from .dead_letters import DeadLetterStore, Group
from .file import StateFile
from .jobs import JobQueue, StoredJob
from .letter import NO_PLUGIN, DeadLetter, LetterFilter, Refusal
from .memory import InMemoryCache, InMemoryCursor, InMemoryJobQueue, InMemoryStorage
from .owner import owner_of
from .positions import Positions
from .spool import Spool
from .storage import StoredCursor, StoredStorage

__all__ = [
    "NO_PLUGIN",
    "DeadLetter",
    "DeadLetterStore",
    "Group",
    "InMemoryCache",
    "InMemoryCursor",
    "InMemoryJobQueue",
    "InMemoryStorage",
    "JobQueue",
    "LetterFilter",
    "Positions",
    "Refusal",
    "Spool",
    "StateFile",
    "StoredCache",
    "StoredCursor",
    "StoredJob",
    "StoredStorage",
    "owner_of",
]
