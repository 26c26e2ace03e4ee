"""The properties that the mapping knows by name; all others are only passed on or left out."""

from typing import Any

import msgspec

_WITHOUT_DOLLAR = frozenset("name category distinct_id alias".split())


def _spelled(attribute: str) -> str:
    attribute = attribute.rstrip("_")
    return attribute if attribute in _WITHOUT_DOLLAR else "$" + attribute


class Known(msgspec.Struct, gc=False, rename=_spelled):
    """One event's values of them, as they stand; None for what is null or not there.

    Those of `context` are not among them. None of the first ones is an object or a list.
    """

    name: Any = None
    category: Any = None
    screen_name: Any = None
    device_id: Any = None

    # From here on a value can be anything.
    user_id: Any = None
    anon_distinct_id: Any = None
    distinct_id: Any = None
    is_identified: Any = None
    process_person_profile: Any = None
    is_server: Any = None
    alias: Any = None
    set_: Any = None
    set_once: Any = None
    groups: Any = None
    group_0: Any = None
    group_1: Any = None
    group_2: Any = None
    group_3: Any = None
    group_4: Any = None
    group_type: Any = None
    group_key: Any = None
    group_set: Any = None
    event_type: Any = None
    el_text: Any = None
    elements_chain: Any = None
    elements: Any = None


KNOWN_NAMES = Known.__struct_encode_fields__
"""As PostHog spells them."""

PLAIN_NAMES = KNOWN_NAMES[: KNOWN_NAMES.index("$user_id")]
"""The first ones."""
