"""The mask: what it finds, and what it leaves."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from variance_plugin.masking import Mask
from variance_plugin.secret import Secret

TOKEN = "tk_demo_1234567890"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just(f"x{TOKEN}x"),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just(TOKEN), inner),
)


def strings(value: Any) -> list[str]:
    """Every text in a JSON value, keys included."""
    if isinstance(value, dict):
        return [text for pair in value.items() for part in pair for text in strings(part)]
    if isinstance(value, list):
        return [text for element in value for text in strings(element)]
    return [value] if isinstance(value, str) else []


@given(value=JSON)
def test_no_secret_is_left_at_any_depth(value: Any) -> None:
    """Wherever it stands, as a value, a part of one, or a key."""
    masked = Mask([Secret(TOKEN)]).value(value)

    assert [] == [text for text in strings(masked) if TOKEN in text]


@given(value=JSON)
def test_what_holds_no_secret_stays_as_it_is(value: Any) -> None:
    """A mask changes nothing else."""
    assert value == Mask([Secret("another secret")]).value(value)


def test_the_credentials_alone_are_found_too() -> None:
    """A library may have cut the scheme off."""
    assert "sent *** to you" == Mask([Secret(f"Bearer {TOKEN}")]).text(f"sent {TOKEN} to you")


def test_a_secret_that_holds_another_leaves_nothing() -> None:
    """The longer one goes first."""
    mask = Mask([Secret(TOKEN), Secret(f"{TOKEN}-and-more")])

    assert "***" == mask.text(f"{TOKEN}-and-more")


def test_a_short_text_is_no_secret() -> None:
    """Masking `1` would make nonsense of every text."""
    assert "1 of 10" == Mask([Secret("1"), Secret("")]).text("1 of 10")


def test_a_mask_does_not_show_what_it_hides() -> None:
    """Not even in a debugger."""
    assert TOKEN not in repr(Mask([Secret(TOKEN)]))
