"""What every plugin storage and cursor has to do: the ones in the state file and the ones in memory."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from variance_plugin.hooks import Cursor, Storage
from variance_plugin.state import StateFile, StoredCursor, StoredStorage
from variance_plugin.testing import FakeClock, InMemoryCursor, InMemoryStorage


@dataclass(frozen=True)
class Kind:
    """Ways to make a storage and a cursor for a plugin."""

    storage: Callable[[str], Storage]
    cursor: Callable[[str], Cursor]


@pytest.fixture(params=["file", "memory"], scope="module")
def kind(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kind]:
    """Each implementation in turn."""
    if request.param == "memory":
        yield Kind(lambda _: InMemoryStorage(), lambda _: InMemoryCursor())
        return
    path = tmp_path_factory.mktemp("state") / "state.db"
    state = StateFile.open(path, FakeClock())
    yield Kind(lambda plugin: StoredStorage(state, plugin), lambda plugin: StoredCursor(state, plugin))
    state.close()


@pytest.fixture
def storage(kind: Kind, request: pytest.FixtureRequest) -> Storage:
    """A storage that nothing is in yet."""
    return kind.storage(request.node.name)


@pytest.fixture
def cursor(kind: Kind, request: pytest.FixtureRequest) -> Cursor:
    """A cursor that nobody has begun."""
    return kind.cursor(request.node.name)


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=[]), max_size=20),
    lambda children: (
        st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=5), children, max_size=4)
    ),
    max_leaves=20,
)


def test_what_is_not_there_is_the_default(storage: Storage) -> None:
    """None, or what the caller names."""
    assert (None, 7) == (storage.get("colour"), storage.get("colour", 7))


def test_none_is_a_value_like_others(storage: Storage) -> None:
    """A key that holds None is there."""
    storage.set("colour", None)

    assert storage.get("colour", 7) is None


def test_a_value_takes_the_place_of_the_earlier_one(storage: Storage) -> None:
    """The last one counts."""
    storage.set("colour", "red")
    storage.set("colour", {"name": "green"})

    assert {"name": "green"} == storage.get("colour")


def test_a_key_can_be_deleted_also_twice(storage: Storage) -> None:
    """Deleting what is not there is no mistake."""
    storage.set("colour", "red")
    storage.delete("colour")
    storage.delete("colour")

    assert storage.get("colour") is None


@pytest.mark.parametrize(
    "value",
    [{"a", "b"}, b"bytes", object(), {1: "one"}, [float("nan")], {"deep": [float("inf")]}, Decimal("NaN")],
    ids=["set", "bytes", "object", "key not text", "NaN", "infinity", "decimal NaN"],
)
def test_what_is_not_json_is_refused_and_changes_nothing(storage: Storage, value: object) -> None:
    """It would come back as something else, or not at all."""
    storage.set("colour", "red")

    with pytest.raises(TypeError, match="not JSON"):
        storage.set("colour", value)

    assert "red" == storage.get("colour")


def test_what_is_nested_too_deep_is_refused(storage: Storage) -> None:
    """Nothing may bring the stack to its end."""
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]

    with pytest.raises(TypeError, match="not JSON"):
        storage.set("deep", value)


def test_a_change_of_a_value_is_not_kept_unless_it_is_set(storage: Storage) -> None:
    """What was set and what was got are copies."""
    value = ["red"]
    storage.set("colours", value)
    value.append("green")
    storage.get("colours").append("blue")

    assert ["red"] == storage.get("colours")


@given(key=st.text(st.characters(exclude_categories=[]), max_size=10), value=_JSON)
def test_any_json_comes_back_as_it_was(kind: Kind, key: str, value: object) -> None:
    """Under any key: large integers, lone surrogates, empty keys, everything."""
    storage = kind.storage("any")
    storage.set(key, value)

    found = storage.get(key)
    assert (repr(value), type(value)) == (repr(found), type(found))


def test_threads_may_write_at_the_same_time(storage: Storage) -> None:
    """Each finds its own."""

    def use(lane: int) -> None:
        for number in range(20):
            storage.set(f"{lane}/{number}", [lane, number])

    _in_threads(use)

    assert [[lane, number] for lane in range(8) for number in range(20)] == [
        storage.get(f"{lane}/{number}") for lane in range(8) for number in range(20)
    ]


def test_a_cursor_counts_from_where_it_began(cursor: Cursor) -> None:
    """From 0 if it was never begun, in any steps, and anew when it is begun again."""
    values = [cursor.increment("page"), cursor.increment("page", 10), cursor.increment("page", -1)]
    cursor.init("page", 2**70)
    values.append(cursor.increment("page"))
    cursor.init("page")
    values.append(cursor.increment("page"))

    assert [1, 11, 10, 2**70 + 1, 1] == values


def test_a_cursor_gives_no_value_twice(cursor: Cursor) -> None:
    """Eight threads share the steps."""
    given_out: list[int] = []

    _in_threads(lambda _: given_out.extend([cursor.increment("page") for _ in range(25)]))

    assert list(range(1, 201)) == sorted(given_out)


def _in_threads(use: Callable[[int], object]) -> None:
    threads = [threading.Thread(target=use, args=[lane]) for lane in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
