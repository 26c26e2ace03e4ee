"""The message's `context`: where and on what it happened (docs/mapping.md, "Context")."""

from collections.abc import Mapping
from typing import Any

from ..events import Event
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

# In the order in which `context_of` unpacks them; one pass in C instead of fifty look-ups.
_NAMES = (
    "$app_name $app_version posthog_version $app_build $app_namespace "
    "$ip $locale $browser_language $timezone $raw_user_agent $user_agent $os $os_version "
    "$device_id $device_type $device_model $device_manufacturer $device_name "
    "$network_wifi $network_cellular $network_bluetooth $network_carrier "
    "$screen_width $screen_height "
    "$current_url $pathname title $referrer $host "
    "utm_source utm_medium utm_campaign utm_term utm_content "
    "$geoip_city_name $geoip_country_name $geoip_subdivision_1_name $geoip_latitude $geoip_longitude "
    "$session_id"
).split()

_CONTAINERS = frozenset([dict, list])


def context_of(event: Event, *, send_ip: bool) -> Context:
    """What Segment's spec has a place for in `context`; account and traits are the mapper's to add."""
    values = [*map(event.properties.get, _NAMES)]
    if not _CONTAINERS.isdisjoint(map(type, values)):
        values = [*map(plain, values)]
    # fmt: off
    (
        app_name, app_version, library_version, app_build, app_namespace,
        ip, locale, language, timezone, raw_user_agent, user_agent, os_name, os_version,
        device_id, device_type, device_model, device_manufacturer, device_name,
        wifi, cellular, bluetooth, carrier,
        width, height,
        url, path, title, referrer, host,
        source, medium, campaign, term, content,
        city, country, region, latitude, longitude,
        session_id,
    ) = values
    # fmt: on
    if app_version is None:
        app_version = library_version
    context = Context(
        LIBRARY,
        None,
        (ip if event.ip is None else plain(event.ip)) if send_ip else None,
        language if locale is None else locale,
        timezone,
        user_agent if raw_user_agent is None else raw_user_agent,
    )
    # An object is made where one of its fields is there: most events have no app, network or campaign.
    if not (app_version is app_name is app_build is app_namespace is None):
        context.app = App(app_name, app_version, app_build, app_namespace)
    if not (os_name is os_version is None):
        context.os = Os(os_name, os_version)
    if not (device_id is device_type is device_model is device_manufacturer is device_name is None):
        context.device = Device(device_id, device_type, device_model, device_manufacturer, device_name)
    if not (wifi is cellular is bluetooth is carrier is None):
        context.network = Network(wifi, cellular, bluetooth, carrier)
    if not (width is height is None):
        context.screen = Screen(width, height)
    if not (url is path is title is referrer is host is None):
        context.page = Page(url, path, page_search(url), title, referrer, host)
    if not (source is medium is campaign is term is content is None):
        context.campaign = Campaign(source, medium, campaign, term, content)
    if not (city is country is region is latitude is longitude is None):
        context.location = Location(city, country, region, latitude, longitude)
    context.session_id = session_id
    return context


def plain(value: Any) -> Any:
    """The value of one of Segment's fields; None for an object or a list, which no field can take."""
    return None if type(value) in _CONTAINERS else value


def page_search(url: Any) -> str | None:
    """The query of the page's address with its `?`; None without one. A broken address costs only this."""
    if type(url) is not str or "?" not in url:
        return None
    return url_search(url) or None


def page_properties(page: Page | None, own: Mapping[str, Any]) -> dict[str, Any]:
    """Segment's page properties, and the event's own ones, which win where they have the same name."""
    if page is None:
        return dict(own)
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
