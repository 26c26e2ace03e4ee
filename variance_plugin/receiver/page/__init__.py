"""The page of a local Variance: contacts, accounts and events as they come, for a browser on this machine.

guard    who may look
site     which address shows what
views    what is shown, as values that become JSON;  lines  a message in one line
stream   what is new, as it comes
static/  the page itself: no build step, nothing from elsewhere
"""

from .site import EventOf, Site
from .stream import Stream

__all__ = ["EventOf", "Site", "Stream"]
