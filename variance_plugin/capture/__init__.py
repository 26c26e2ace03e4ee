"""What PostHog's SDKs post: the JSON in a body, the events in that JSON, and what ingestion adds to them."""

from .body import MAX_BODY_BYTES, BodyTooLarge, decode_body
from .ingestion import Reception, Skew, as_ingested
from .posted import Member, NoProjectKey, Posted, members

__all__ = [
    "MAX_BODY_BYTES",
    "BodyTooLarge",
    "Member",
    "NoProjectKey",
    "Posted",
    "Reception",
    "Skew",
    "as_ingested",
    "decode_body",
    "members",
]
