"""The app runner: hosts plugins, feeds them events, waits when they ask to, keeps what they reject."""

from .assembly import Shared, hosted, lone_host
from .dead_letters import DeadLetterFile, DeadLetters
from .host import Host
from .lane import LaneSettings, Mark
from .loading import Hook, Hooks, LoadedPlugin, load_plugin
from .outage import Wait
from .unwanted import LeftOut
from .watching.counts import Counts

__all__ = [
    "Counts",
    "DeadLetterFile",
    "DeadLetters",
    "Hook",
    "Hooks",
    "Host",
    "LaneSettings",
    "LeftOut",
    "LoadedPlugin",
    "Mark",
    "Shared",
    "Wait",
    "hosted",
    "load_plugin",
    "lone_host",
]
