"""The people of the generated traffic: devices, sessions, and what PostHog knows of a person."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

SITE = "https://app.boards.example"
_PATHS = "/ /pricing /boards /boards/7f3a/cards /boards/7f3a/settings /reports/weekly /docs/api".split()
_SYSTEMS = [
    ("Windows", "10", "Windows NT 10.0; Win64; x64", 1920, 1080),
    ("Mac OS X", "15.7", "Macintosh; Intel Mac OS X 10_15_7", 1728, 1117),
    ("Linux", None, "X11; Linux x86_64", 2560, 1440),
    ("Android", "16", "Linux; Android 16; Pixel 11", 412, 915),
]
# City, country, continent, postal code, latitude, longitude, time zone, region.
_PLACES = """
Berlin|Germany|DE|Europe|EU|10115|52.5323|13.3846|Europe/Berlin|BE|State of Berlin
Lyon|France|FR|Europe|EU|69001|45.7701|4.8292|Europe/Paris|ARA|Auvergne-Rhône-Alpes
Austin|United States|US|North America|NA|78701|30.2711|-97.7437|America/Chicago|TX|Texas
São Paulo|Brazil|BR|South America|SA|01000|-23.5475|-46.6361|America/Sao_Paulo|SP|São Paulo
""".split("\n")[1:-1]
# posthog-js sends each of them that the landing page's address lacks as a null.
_CLICK_IDS = (
    "gad_source mc_cid gclid gclsrc dclid gbraid wbraid fbclid msclkid twclid li_fat_id igshid".split()
)
# What ingestion copies from an event into the person (`personInitialAndUTMProperties` in PostHog's code).
_COPIED_TO_PERSON = (
    "$browser $browser_version $current_url $device_type $os $os_version $pathname $referrer".split()
)


def uuid7(random: Random, milliseconds: int) -> str:
    """A UUID of version 7, as PostHog's SDKs make them."""
    bits = f"{milliseconds:012x}7{random.getrandbits(12):03x}{0x8000 | random.getrandbits(14):04x}"
    text = bits + f"{random.getrandbits(48):012x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


@dataclass(slots=True)
class Person:
    """Somebody with an account."""

    distinct_id: str
    company: str
    traits: dict[str, Any]

    @classmethod
    def number(cls, number: int) -> "Person":
        """The person of that number: always the same one."""
        company = f"company-{number % 90}"
        return cls(
            distinct_id=f"user-{number}",
            company=company,
            traits={
                "email": f"person{number}@{company}.example",
                "name": f"Kim Løvås {number}",
                "plan": ("trial", "team", "business")[number % 3],
                "seats": number % 40 + 1,
            },
        )


@dataclass(slots=True)
class Visitor:
    """A browser with a session; anonymous until `person` is set."""

    device_id: str
    person: Person | None = None
    device: dict[str, Any] = field(default_factory=dict)
    """What every event of this browser carries."""
    landing: dict[str, Any] = field(default_factory=dict)
    """What every event of this session carries."""
    visited: str = SITE + "/"
    referrer: str = "$direct"

    @classmethod
    def arriving(cls, random: Random, milliseconds: int, person: Person | None = None) -> "Visitor":
        """A new browser in a new session."""
        visitor = cls(device_id=uuid7(random, milliseconds), person=person)
        visitor.device = _device(random, visitor.device_id)
        visitor.landing = _landing(random, milliseconds)
        return visitor

    @property
    def distinct_id(self) -> str:
        """Of the person, or of the browser of nobody known."""
        return self.device_id if self.person is None else self.person.distinct_id

    def go(self, random: Random) -> None:
        """On to another page."""
        self.referrer = self.visited
        query = f"?tab={random.randrange(9)}&ref=menu" if random.random() < 0.4 else ""
        self.visited = SITE + random.choice(_PATHS) + query

    def page(self) -> dict[str, Any]:
        """The properties that tell where it is."""
        path = self.visited.removeprefix(SITE).partition("?")[0]
        return {
            "$current_url": self.visited,
            "$host": "app.boards.example",
            "$pathname": path,
            "$referrer": self.referrer,
            "$referring_domain": "$direct" if self.referrer == "$direct" else "app.boards.example",
            "title": f"Acme Boards: {path}",
        }

    def updates(self, properties: dict[str, Any]) -> dict[str, Any]:
        """`$set` and `$set_once` as ingestion adds them, which it does for persons only."""
        if self.person is None:
            return {"$process_person_profile": False, "$is_identified": False}
        copied = {name: properties[name] for name in _COPIED_TO_PERSON}
        first = {f"$initial_{name.lstrip('$')}": value for name, value in copied.items()}
        return {
            "$set": copied,
            "$set_once": first,
            "$is_identified": True,
            "$groups": {"company": self.person.company},
            "$group_0": self.person.company,
        }

    def person_properties(self, properties: dict[str, Any]) -> dict[str, Any] | None:
        """The person as the export has it beside the event."""
        if self.person is None:
            return None
        return {**self.person.traits, "$browser": properties["$browser"], "$os": properties["$os"]}


def _device(random: Random, device_id: str) -> dict[str, Any]:
    os, os_version, platform, width, height = random.choice(_SYSTEMS)
    place = random.choice(_PLACES).split("|")
    city, country, code, continent, continent_code, postal, latitude, longitude, zone, region_code, region = (
        place
    )
    browser_version = random.randrange(140, 157)
    return {
        "$os": os,
        "$os_version": os_version,
        "$browser": "Chrome",
        "$browser_version": browser_version,
        "$browser_language": "en-GB",
        "$browser_language_prefix": "en",
        "$device_type": "Mobile" if os == "Android" else "Desktop",
        "$raw_user_agent": f"Mozilla/5.0 ({platform}) AppleWebKit/537.36 (KHTML, like Gecko) "
        f"Chrome/{browser_version}.0.0.0 Safari/537.36",
        "$screen_height": height,
        "$screen_width": width,
        "$viewport_height": height - 132,
        "$viewport_width": width,
        "$lib": "web",
        "$lib_version": "1.449.2",
        "$timezone": zone,
        "$timezone_offset": -60,
        "$device_id": device_id,
        "$sdk_dist_channel": "npm",
        "$config_defaults": "2025-05-24",
        "$configured_session_timeout_ms": 1_800_000,
        "$sdk_debug_extensions_init_method": "synchronous",
        "$sdk_debug_extensions_init_time_ms": random.randrange(4, 40),
        "$autocapture_disabled_server_side": False,
        "$web_vitals_enabled_server_side": False,
        "$exception_capture_enabled_server_side": False,
        "$recording_status": "disabled",
        "$active_feature_flags": ["new-board", "weekly-report", "annual-billing"],
        "$feature/new-board": "test",
        "$feature/weekly-report": True,
        "$feature/annual-billing": "control",
        "$feature/dark-mode": False,
        "$ip": f"203.0.113.{random.randrange(1, 255)}",
        "$geoip_city_name": city,
        "$geoip_country_name": country,
        "$geoip_country_code": code,
        "$geoip_continent_name": continent,
        "$geoip_continent_code": continent_code,
        "$geoip_postal_code": postal,
        "$geoip_latitude": float(latitude),
        "$geoip_longitude": float(longitude),
        "$geoip_accuracy_radius": 20,
        "$geoip_time_zone": zone,
        "$geoip_subdivision_1_code": region_code,
        "$geoip_subdivision_1_name": region,
        "$transformations_succeeded": ["GeoIP (018f2b64-55aa-7b3c-9e21-6a7b8c9d0e1f)"],
        "$transformations_failed": [],
        "token": "phc_demoAcmeBoards00000000000000000000000000",
    }


def _landing(random: Random, milliseconds: int) -> dict[str, Any]:
    """The session's own properties; three in ten sessions come by a campaign."""
    url = SITE + random.choice(_PATHS)
    session: dict[str, Any] = {
        "$session_id": uuid7(random, milliseconds),
        "$window_id": uuid7(random, milliseconds),
        "$session_entry_url": url,
        "$session_entry_host": "app.boards.example",
        "$session_entry_pathname": url.removeprefix(SITE),
        "$session_entry_referrer": "$direct",
        "$session_entry_referring_domain": "$direct",
    }
    if random.random() < 0.3:
        campaign = {"utm_source": "spring", "utm_medium": "email", "utm_campaign": "webinar 2026"}
        session |= {f"$session_entry_{name}": value for name, value in campaign.items()}
        session |= campaign | dict.fromkeys(_CLICK_IDS)
    return session
