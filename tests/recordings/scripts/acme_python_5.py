"""The same company on posthog-python 5.4, the last line with `identify` and `page`."""

import os
from datetime import UTC, datetime
from typing import Any

import posthog

JO = "u-5001"

client: Any = posthog.Posthog(
    os.environ["POSTHOG_TOKEN"], host=os.environ["POSTHOG_HOST"], disable_geoip=False, flush_at=4, gzip=True
)

client.capture("anon-51b2", "docs searched", {"query": "gantt", "results": 3})
client.alias("anon-51b2", JO)
client.identify(JO, {"email": "jo@fabrikam.example", "name": "Jo Ødegård", "plan": "free", "age": 41})
client.page(
    JO, "https://app.acme.example/boards?utm_source=newsletter&utm_campaign=autumn", {"title": "Boards"}
)
client.group_identify(
    "company", "fabrikam", {"name": "Fabrikam AB", "employees": 1200, "domain": "fabrikam.example"}
)
client.capture(
    JO,
    "board shared",
    {"board_id": 12, "with": ["guest@contoso.example"], "public": False, "ratio": 0.30000000000000004},
    groups={"company": "fabrikam"},
)
client.set(JO, {"plan": "team", "locale": "sv-SE"})
client.set_once(JO, {"first_board": 12})
client.page(JO, "/relative/address", {"title": "A relative address"})
client.capture(
    JO, "trial ended", timestamp=datetime(2026, 11, 1, 12, 0, tzinfo=UTC), groups={"company": "fabrikam"}
)
client.identify(JO, {"seats": 18446744073709551616})
client.shutdown()
