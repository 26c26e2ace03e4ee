"""How numbers, times and strangers' texts are spelled."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from variance_plugin.cli.wording import address, duration, printable, shortened
from variance_plugin.plurals import many


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 ms"),
        (0.0404, "40 ms"),
        (1.0, "1.0 s"),
        (9.94, "9.9 s"),
        (42.4, "42 s"),
        (200.0, "3 min 20 s"),
        (7_500.0, "2 h 5 min"),
    ],
)
def test_a_duration_is_as_exact_as_one_cares(seconds: float, text: str) -> None:
    """Milliseconds at the start, minutes at the end."""
    assert text == duration(seconds)


def test_a_noun_follows_its_number() -> None:
    """One event, two events, thousands apart."""
    assert ["1 event", "0 events", "2,000 events"] == [many(count, "event") for count in (1, 0, 2000)]


@given(st.text())
def test_a_strangers_text_cannot_move_the_terminal(text: str) -> None:
    """Only what is printed stays, and nothing is lost but what is not."""
    shown = printable(text)

    assert len(text) == len(shown)
    assert all(character.isprintable() or character == "\N{ZERO WIDTH JOINER}" for character in shown)


@given(st.text(), st.integers(0, 50))
def test_a_shortened_text_fits(text: str, width: int) -> None:
    """One that fits already stays as it is."""
    assert len(shortened(text, width)) <= max(width, 1)
    assert text == shortened(text, len(text))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://h.example/a", "https://h.example/a"),
        ("https://h.example:8443/a?token=hush#hush", "https://h.example:8443/a?***"),
        ("http://user:hush@h.example/", "http://h.example/"),
    ],
)
def test_an_address_is_shown_without_what_may_be_secret(url: str, shown: str) -> None:
    """Query, fragment, and user are nobody's business."""
    assert shown == address(url)
