"""Numbers of things, for a person."""


def many(count: int, noun: str, plural: str = "") -> str:
    """`1 event`, `2,000 events`; `plural` where an s does not do."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
