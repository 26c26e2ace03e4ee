"""The message's `context`: where and on what it happened (docs/mapping.md, "Context")."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ..messages import (
    LIBRARY,
    App,
    Campaign,
    Context,
    Device,
    Location,
    Network,
    Os,
    Page,
    Screen,
)
from .urls import url_search

_WHOLE = "$ip $locale $browser_language $timezone $raw_user_agent $user_agent $session_id".split()
# By the part of `Context`: the properties that its fields stand for, in their order.
_PARTS: dict[type, list[str]] = {
    App: "$app_name $app_version $app_build $app_namespace".split(),
    Os: "$os $os_version".split(),
    Device: "$device_id $device_type $device_model $device_manufacturer $device_name".split(),
    Network: "$network_wifi $network_cellular $network_bluetooth $network_carrier".split(),
    Screen: "$screen_width $screen_height".split(),
    Page: "$current_url $pathname title $referrer $host".split(),
    Campaign: "utm_source utm_medium utm_campaign utm_term utm_content".split(),
    Location: (
        "$geoip_city_name $geoip_country_name $geoip_subdivision_1_name $geoip_latitude $geoip_longitude"
    ).split(),
}
_LIBRARY_VERSION = "posthog_version"

CONTEXT_NAMES = [*_WHOLE, _LIBRARY_VERSION, *(name for names in _PARTS.values() for name in names)]
"""The properties that Segment's `context` has a place for."""


def context_code(values: Mapping[str, str], *, ip: str | None) -> str:
    """Python code whose value is the context of an event; account and traits are the mapper's to add.

    Code and not a function, because a function that looks up what an event has costs more than all that it
    makes: what no event of a layout has, such as the network of a browser, is not even mentioned.

    Args:
        values: By property, the code whose value it is: no object and no list. One that no event has is
            missing.
        ip: The code for an address that counts more than the property; None where neither is sent.
    """

    def first(*names: str) -> str:
        """The first value that is there."""
        codes = [values[name] for name in names if name in values] or ["None"]
        return "".join(f"{code} if {code} is not None else " for code in codes[:-1]) + codes[-1]

    def part(kind: type, names: list[str]) -> str:
        """A part, where one of its fields is there: most events have no app, network or campaign."""
        codes = [values.get(name, "None") for name in names]
        found = [code for code in codes if code != "None"]
        if kind is App:
            codes[1] = first("$app_version", _LIBRARY_VERSION)
            found += [values[_LIBRARY_VERSION]] if _LIBRARY_VERSION in values else []
        if not found:
            return "None"
        if kind is Page:
            codes.insert(2, f"page_search({codes[0]})")
        return f"None if {' is '.join(found)} is None else {kind.__name__}({', '.join(codes)})"

    fields = {
        "ip": "None" if ip is None else f"{ip} if {ip} is not None else {first('$ip')}",
        "locale": first("$locale", "$browser_language"),
        "timezone": first("$timezone"),
        "user_agent": first("$raw_user_agent", "$user_agent"),
        "session_id": first("$session_id"),
    }
    fields |= {kind.__name__.lower(): part(kind, names) for kind, names in _PARTS.items()}
    ordered = [fields.get(field, "None") for field in Context.__struct_fields__[1:]]
    return f"Context(LIBRARY, {', '.join(ordered)})"


def page_search(url: Any) -> str | None:
    """The query of the page's address with its `?`; None without one. A broken address costs only this."""
    if type(url) is not str or "?" not in url:
        return None
    return _search(url) or None


# People look at the same pages, and taking an address apart takes 1.2 µs.
_search = lru_cache(2_000)(url_search)


CONTEXT_SCOPE: dict[str, Any] = {
    "Context": Context,
    "LIBRARY": LIBRARY,
    "page_search": page_search,
    **{kind.__name__: kind for kind in _PARTS},
}
"""What that code calls."""


PAGE_FIELDS = Page.__struct_fields__
"""Segment's page properties."""


def page_properties(page: Page | None, own: dict[str, Any] | None) -> dict[str, Any] | None:
    """Segment's page properties, and the event's own ones, which win where they have the same name."""
    if page is None:
        return own
    properties = {name: value for name in PAGE_FIELDS if (value := getattr(page, name)) is not None}
    if own is not None:
        properties.update(own)
    return properties
