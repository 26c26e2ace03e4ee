"""The app runner: loads a plugin, feeds it batches, waits when it asks to, keeps what it rejects."""

from .buffer import BufferSettings
from .counts import Counts
from .dead_letters import DeadLetterFile, DeadLetters
from .host import Host, Wait
from .loading import LoadedPlugin, load_plugin

__all__ = [
    "BufferSettings",
    "Counts",
    "DeadLetterFile",
    "DeadLetters",
    "Host",
    "LoadedPlugin",
    "Wait",
    "load_plugin",
]
