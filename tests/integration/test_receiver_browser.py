"""The page of the local Variance in a real browser, as somebody uses it who has a keyboard and no mouse."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
import requests

from variance_plugin import VariancePlugin
from variance_plugin.cli.events_by_id import EventsById
from variance_plugin.formats import events
from variance_plugin.receiver import LocalVariance

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
MILLISECONDS = 20_000  # nothing here takes that long; what does has failed
RECORDINGS = [
    path
    for path in sorted((Path(__file__).parents[1] / "recordings").glob("*.jsonl"))
    if ".expected" not in path.name
]

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed"),
    pytest.mark.xdist_group("browser"),  # one process has them all, so there is one browser
]


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """One for all tests."""
    with playwright.sync_playwright() as started:
        # As root, which containers often run as, Chromium has no sandbox of its own.
        opened = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


@pytest.fixture
def variance() -> Iterator[LocalVariance]:
    """A local Variance that knows the events which will be exported to it."""
    with LocalVariance(event_of=EventsById(RECORDINGS).event_of) as running:
        yield running


class Looking:
    """A page that is open, and everything that it asked for and complained of."""

    def __init__(self, page: "Page", origin: str) -> None:
        self.page = page
        self.asked: list[str] = []
        self.complaints: list[str] = []
        page.set_default_timeout(MILLISECONDS)
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self._origin = origin
        page.goto(f"{origin}/")
        page.get_by_text("Nothing has arrived yet").or_(page.locator(".line").first).wait_for()

    def has_focus(self) -> str:
        """The text of what has the focus."""
        return str(self.page.evaluate("document.activeElement.textContent"))

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def never_left(self) -> bool:
        """Whether every request was for the receiver."""
        return bool(self.asked) and all(url.startswith(f"{self._origin}/") for url in self.asked)


@pytest.fixture
def looking(browser: "Browser", variance: LocalVariance) -> Iterator[Looking]:
    """Looking at it, before anything has arrived."""
    context = browser.new_context(viewport={"width": 1240, "height": 820})
    looking = Looking(context.new_page(), variance.origin)
    yield looking
    context.close()
    assert [] == looking.complaints


def export(variance: LocalVariance) -> None:
    """Send the recorded events, as the demo does."""
    address = {"webhookUrl": variance.url, "authHeader": "Bearer demo", "allowedHosts": "127.0.0.1"}
    meta = SimpleNamespace(config=address | {"accountMapping": "group", "accountGroupType": "company"})
    plugin = VariancePlugin()
    plugin.setup_plugin(meta)
    for path in RECORDINGS:
        for record in path.read_bytes().splitlines():
            plugin.export_events(events(record), meta)  # type: ignore[arg-type]
    plugin.teardown_plugin(meta)


def test_a_demo_run_appears_live(variance: LocalVariance, looking: Looking) -> None:
    """Without a reload: figures count, the newest message is on top; and no request leaves the machine."""
    page = looking.page
    export(variance)

    summary = variance.summary()
    total = str(sum(summary.messages.values()))
    page.locator(".figure-card", has_text="Messages").get_by_text(total, exact=True).wait_for()
    contacts = page.locator(".figure-card", has_text="Contacts").locator("dd")
    assert str(len(summary.contacts)) == contacts.inner_text()
    assert page.get_by_text("Nothing has arrived yet").count() == 0
    assert page.locator(".line").count() > 50
    assert total == page.locator(".line").first.get_attribute("data-number")
    for section in ("Contacts", "Accounts", "Connections"):
        page.get_by_role("navigation").get_by_role("link", name=section).click()
        page.get_by_role("heading", name=section, exact=True).wait_for()
    assert looking.never_left()


def test_a_contact_is_found_by_search_with_the_keyboard_alone(
    variance: LocalVariance, looking: Looking
) -> None:
    """Ctrl+K goes to the search, Enter to the first that was found, Enter again to what is known of them."""
    export(variance)
    page = looking.page
    looking.press("Control+K")
    page.keyboard.type("kim northwind")
    page.get_by_text("Found for “kim northwind”").wait_for()
    looking.press("Enter")
    page.locator("tbody a:focus").wait_for()
    assert "Kim Løvås" == looking.has_focus()
    looking.press("Enter")

    page.get_by_role("heading", name="Kim Løvås", level=1).wait_for()
    page.locator("h1:focus").wait_for()
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="email", exact=True))
    assert ["email", "kim@northwind.example"] == row.locator("th, .value").all_inner_texts()
    row.get_by_role("link").focus()
    looking.press("Enter")
    page.get_by_role("heading", name="The message as it was sent").wait_for()
    assert '"email": "kim@northwind.example"' in page.locator("pre.json").first.inner_text()
    assert looking.never_left()


def test_a_merge_is_seen(variance: LocalVariance, looking: Looking) -> None:
    """In how the contact came about, with the message that merged, beside the PostHog event it came from."""
    export(variance)
    page = looking.page
    page.goto(f"{variance.origin}/#/contacts/u-4711")
    merged = page.get_by_role("listitem").filter(has_text="merged with anon-7f3c9a").first
    merged.get_by_role("link").focus()
    looking.press("Enter")

    page.get_by_role("heading", name="anon-7f3c9a is u-4711").wait_for()
    message, event = page.locator("pre.json").all_inner_texts()
    assert '"previousId": "anon-7f3c9a"' in message
    assert '"event": "$create_alias"' in event


def test_an_account_shows_its_people(variance: LocalVariance, looking: Looking) -> None:
    """And each of them their account."""
    export(variance)
    page = looking.page
    page.goto(f"{variance.origin}/#/accounts")
    page.get_by_role("table").get_by_role("link", name="Northwind Räder GmbH").focus()
    looking.press("Enter")

    people = page.get_by_role("region", name="People")
    people.get_by_role("link", name="Kim Løvås").focus()
    looking.press("Enter")
    page.get_by_role("region", name="Accounts").get_by_role("link", name="Northwind Räder GmbH").wait_for()


def test_everything_can_be_reached_with_the_tab_key(variance: LocalVariance, looking: Looking) -> None:
    """In the order in which it is read, from the skip link on; what has the focus shows it."""
    export(variance)
    page = looking.page
    page.goto(f"{variance.origin}/#/connections")
    page.reload()
    page.get_by_role("heading", name="Connections", exact=True).wait_for()
    reached = []
    for _ in range(12):
        looking.press("Tab")
        reached.append(
            page.evaluate(
                "(one => one.name || one.labels?.[0]?.innerText || one.innerText)(document.activeElement)"
            ).split(",")[0]
        )
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none"
    wanted = ["Skip to the content", "Local Variance", "Live", "Contacts", "Accounts", "Connections", "words"]
    assert [*wanted, "Latest payload", "what", "delay", "times", "Do so"] == reached


def test_faults_are_asked_for_with_the_keyboard(variance: LocalVariance, looking: Looking) -> None:
    """And taken back."""
    page = looking.page
    page.goto(f"{variance.origin}/#/connections")
    page.get_by_label("for so many posts").focus()
    looking.press("Enter")
    page.get_by_text("Due now: 503 × 3").wait_for()
    page.get_by_role("button", name="Take all back").focus()
    looking.press("Enter")
    page.get_by_text("None is due").wait_for()


def test_the_stream_can_be_paused(variance: LocalVariance, looking: Looking) -> None:
    """The figures go on, what comes meanwhile is shown afterwards; the skip link leads past the bar."""
    page = looking.page
    looking.press("Tab", "Enter", "Tab")
    assert "Pause" == looking.has_focus()
    looking.press("Space")
    page.locator("#link", has_text="paused").wait_for()
    export(variance)
    total = str(sum(variance.summary().messages.values()))
    page.locator(".figure-card", has_text="Messages").get_by_text(total, exact=True).wait_for()
    assert 0 == page.locator(".line").count()
    assert "Go on" == looking.has_focus()

    looking.press("Space")
    assert total == page.locator(".line").first.get_attribute("data-number")


LANDMARKS = ("banner", "navigation", "search", "main")


def test_it_says_what_it_is_to_who_listens(variance: LocalVariance, looking: Looking) -> None:
    """Landmarks, one heading of the first level, and a name for everything that is operated."""
    export(variance)
    page = looking.page
    for address, heading in (("#/contacts", "Contacts"), ("#/accounts", "Accounts"), ("#/", "Live")):
        page.goto(f"{variance.origin}/{address}")
        page.get_by_role("heading", name=heading, level=1).wait_for()
        assert [1, 1, 1, 1] == [page.get_by_role(role).count() for role in LANDMARKS]  # type: ignore[arg-type]
        assert page.locator("h1").count() == 1
        assert [] == page.locator("a, button, input, select").evaluate_all(
            "all => all.filter(one => !(one.innerText || one.labels?.length)).map(one => one.outerHTML)"
        )
        assert 0 == page.locator("img:not([alt]), table:not(:has(caption))").count()
    assert page.locator("html").get_attribute("lang") == "en"


# For every piece of text: its colour against the first background below it that is not see-through.
CONTRAST = """
() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b]
    .map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const poor = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
    if (element.closest(".unseen, .skip")) continue;
    let below = element;
    while (below && rgba(getComputedStyle(below).backgroundColor)[3] < 200) below = below.parentElement;
    const text = getComputedStyle(element).color;
    const ground = getComputedStyle(below ?? document.body).backgroundColor;
    const [one, other] = [light(rgba(text)), light(rgba(ground))].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (other + 0.05);
    if (ratio < 4.5) poor.push(`${walker.currentNode.data.trim().slice(0, 30)}: ${ratio.toFixed(2)}`);
  }
  return poor;
}
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out(browser: "Browser", variance: LocalVariance, scheme: str) -> None:
    """By at least 4.5 to 1 (WCAG 2.2, AA), in light and dark; nothing moves for who asked for stillness."""
    export(variance)
    context = browser.new_context(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    page = Looking(context.new_page(), variance.origin).page
    grounds = set()
    for address in (
        "#/",
        "#/contacts",
        "#/contacts/u-4711",
        "#/connections",
        "#/messages/9",
        "#/search/nobody",
    ):
        page.goto(f"{variance.origin}/{address}")
        page.locator("main h1").wait_for()
        page.locator(".card").first.wait_for()
        assert [] == page.evaluate(CONTRAST)
        assert 0 == page.evaluate("document.getAnimations().length")
        grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    context.close()

    [ground] = grounds
    assert ("rgb(246" in ground) == (scheme == "light")


def test_what_was_sent_stays_text(variance: LocalVariance, looking: Looking) -> None:
    """Markup in names, events, ids and traits is shown, and nothing of it runs."""
    evil = "<img src=x onerror=alert(1)>"
    messages = [
        {"type": "identify", "userId": evil, "traits": {"name": evil, evil: evil, "company": {"id": evil}}},
        {"type": "track", "userId": evil, "event": f"<script>alert(1)</script>{evil}"},
        {"type": "alias", "userId": evil, "previousId": f"../{evil}?#"},
    ]
    requests.post(variance.url, json=messages, timeout=10)
    page = looking.page
    page.locator(".line").first.wait_for()
    page.goto(f"{variance.origin}/#/contacts")
    page.get_by_role("row").get_by_role("link", name=evil).first.focus()
    looking.press("Enter")

    page.get_by_role("heading", name=evil, level=1).wait_for()
    assert 0 == page.locator("main img, main script").count()
    assert looking.never_left()


def test_a_profile_follows_what_comes(variance: LocalVariance, looking: Looking) -> None:
    """Without a reload, and without taking the focus from where it is."""
    identify = {"type": "identify", "userId": "u-1", "traits": {"name": "Ada", "plan": "free"}}
    requests.post(variance.url, json=[identify], timeout=10)
    page = looking.page
    page.goto(f"{variance.origin}/#/contacts/u-1")
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="plan"))
    row.get_by_text("free").wait_for()
    name = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="name")).get_by_role("link")
    name.focus()

    requests.post(variance.url, json=[{**identify, "traits": {"plan": "pro"}}], timeout=10)
    row.get_by_text("pro").wait_for()
    assert name.evaluate("one => one === document.activeElement")
