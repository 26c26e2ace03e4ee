"""The message's `context`: where and on what it happened (docs/mapping.md, "Context")."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
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


def _app(name: Any, version: Any, build: Any, namespace: Any, library_version: Any) -> App:
    return App(name, library_version if version is None else version, build, namespace)


def _page(url: Any, path: Any, title: Any, referrer: Any, host: Any) -> Page:
    return Page(url, path, page_search(url), title, referrer, host)


_WHOLE = "$ip $locale $browser_language $timezone $raw_user_agent $user_agent $session_id".split()
# By the field of `Context`: what makes a part, and of which properties.
_PARTS: dict[str, tuple[Callable[..., Any], list[str]]] = {
    "app": (_app, "$app_name $app_version $app_build $app_namespace posthog_version".split()),
    "os": (Os, "$os $os_version".split()),
    "device": (
        Device,
        "$device_id $device_type $device_model $device_manufacturer $device_name".split(),
    ),
    "network": (Network, "$network_wifi $network_cellular $network_bluetooth $network_carrier".split()),
    "screen": (Screen, "$screen_width $screen_height".split()),
    "page": (_page, "$current_url $pathname title $referrer $host".split()),
    "campaign": (Campaign, "utm_source utm_medium utm_campaign utm_term utm_content".split()),
    "location": (
        Location,
        "$geoip_city_name $geoip_country_name $geoip_subdivision_1_name $geoip_latitude "
        "$geoip_longitude".split(),
    ),
}

CONTEXT_NAMES = [*_WHOLE, *(name for _, names in _PARTS.values() for name in names)]
"""The properties that Segment's `context` has a place for."""


class ContextReader:
    """Makes the context of events whose values stand in a certain order.

    Args:
        places: Of the properties that are among the values.
        nothing: The place of a None.
    """

    def __init__(self, places: Mapping[str, int], *, nothing: int) -> None:
        def taken(names: Iterable[str]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
            return itemgetter(*(places.get(name, nothing) for name in names))

        self._whole = taken(_WHOLE)
        # What no event of this layout has, such as the network of a browser, costs nothing.
        self._parts = [
            (field, make, taken(names), len(names))
            for field, (make, names) in _PARTS.items()
            if not places.keys().isdisjoint(names)
        ]

    def read(self, values: Sequence[Any]) -> Context:
        """What Segment's spec has a place for; account and traits are the mapper's to add.

        Args:
            values: No object or list among them.
        """
        ip, locale, language, timezone, raw_user_agent, user_agent, session_id = self._whole(values)
        context = Context(
            LIBRARY,
            None,
            ip,
            language if locale is None else locale,
            timezone,
            user_agent if raw_user_agent is None else raw_user_agent,
        )
        context.session_id = session_id
        # A part is made where one of its fields is there: most events have no app, network or campaign.
        for field, make, taken, length in self._parts:
            found = taken(values)
            if found.count(None) != length:
                setattr(context, field, make(*found))
        return context


def page_search(url: Any) -> str | None:
    """The query of the page's address with its `?`; None without one. A broken address costs only this."""
    if type(url) is not str or "?" not in url:
        return None
    return url_search(url) or None


def page_properties(page: Page | None, own: dict[str, Any]) -> dict[str, Any]:
    """Segment's page properties, and the event's own ones, which win where they have the same name."""
    if page is None:
        return own
    properties = {}
    if page.url is not None:
        properties["url"] = page.url
    if page.path is not None:
        properties["path"] = page.path
    if page.search is not None:
        properties["search"] = page.search
    if page.title is not None:
        properties["title"] = page.title
    if page.referrer is not None:
        properties["referrer"] = page.referrer
    if page.host is not None:
        properties["host"] = page.host
    properties.update(own)
    return properties
