"""What Variance would make of all that came: a value, and its JSON form."""

from enum import StrEnum

import msgspec

from .json_form import from_json, to_json


class FoundBy(StrEnum):
    """How an account was found, the surest way first."""

    GROUP = "group"
    TRAITS = "identify traits"
    DOMAIN = "email domain"


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """A user who was identified, with everything that was folded into them."""

    user_id: str
    email: str | None = None
    name: str | None = None
    accounts: tuple[str, ...] = ()
    events: int = 0
    """Pages, screens and tracks, also those from before the identify."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A company."""

    account_id: str
    name: str
    found_by: FoundBy
    contacts: tuple[str, ...] = ()
    """The `user_id` of each."""


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """All counts at one moment. Every message of a post that was taken is in one of the first three."""

    messages: dict[str, int] = {}
    """Applied messages by type."""

    duplicates: int = 0
    """Messages whose `messageId` was applied before."""

    invalid: dict[str, int] = {}
    """What came in place of messages, by reason."""

    incomplete: dict[str, int] = {}
    """Applied messages that lack something the Segment spec wants, by what it is."""

    posts: int = 0
    """All requests but those for /summary and /health, rejected or not."""

    rejected: dict[str, int] = {}
    """Posts of which no message counts, by reason."""

    contacts: tuple[Contact, ...] = ()
    accounts: tuple[Account, ...] = ()

    anonymous_visitors: int = 0
    """Anonymous ids that no identify or alias has linked to a user."""

    users_without_identify: int = 0
    """User ids that came in other messages only: no contacts."""

    events: dict[str, int] = {}
    """Tracks by name."""

    @property
    def received(self) -> int:
        """All messages of the posts that were taken."""
        return sum(self.messages.values()) + self.duplicates + sum(self.invalid.values())

    def to_json(self) -> bytes:
        """The JSON form."""
        return to_json(self)

    @classmethod
    def from_json(cls, text: bytes) -> "Summary":
        """What `to_json` wrote, as another process reads it from `/summary`."""
        return from_json(text, cls)
