"""What every plugin cache has to do: the one in the state file and the one in memory."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from variance_plugin.hooks import Cache
from variance_plugin.state import StateFile, StoredCache
from variance_plugin.testing import FakeClock, InMemoryCache


@pytest.fixture
def clock() -> FakeClock:
    """The time, which only `advance` moves."""
    return FakeClock()


@pytest.fixture(params=["file", "file, each value on disk", "memory"])
def cache(request: pytest.FixtureRequest, clock: FakeClock, tmp_path: Path) -> Iterator[Cache]:
    """Each implementation in turn; the one in the file also as it is once nothing is in memory."""
    if request.param == "memory":
        yield InMemoryCache(clock)
        return
    state = StateFile.open(tmp_path / "state.db", clock)
    yield (StoredCache if request.param == "file" else Flushed)(state, "variance")
    state.close()


class Flushed(StoredCache):
    """Reads everything from disk."""

    def get(self, key: str, default: object = None) -> object:
        """See `Cache`."""
        self.flush()
        return super().get(key, default)

    def llen(self, key: str) -> int:
        """See `Cache`."""
        self.flush()
        return super().llen(key)

    def lrange(self, key: str, start: int, stop: int) -> list[object]:
        """See `Cache`."""
        self.flush()
        return super().lrange(key, start, stop)

    def incr(self, key: str) -> int:
        """See `Cache`."""
        self.flush()
        return super().incr(key)

    def expire(self, key: str, ttl_seconds: float) -> bool:
        """See `Cache`."""
        self.flush()
        return super().expire(key, ttl_seconds)


def test_a_value_stays_until_it_expires(cache: Cache, clock: FakeClock) -> None:
    """To the moment: at the end of its time it is gone."""
    cache.set("colour", ["red"], 10)
    clock.advance(9.999)
    before = cache.get("colour")
    clock.advance(0.001)

    assert (["red"], "none") == (before, cache.get("colour", "none"))


def test_a_value_without_a_time_stays(cache: Cache, clock: FakeClock) -> None:
    """As long as the host does."""
    cache.set("colour", "red")
    clock.advance(10_000_000)

    assert "red" == cache.get("colour")


def test_setting_a_value_anew_forgets_the_old_time_to_live(cache: Cache, clock: FakeClock) -> None:
    """As Redis does."""
    cache.set("colour", "red", 10)
    cache.set("colour", "green")
    clock.advance(11)

    assert "green" == cache.get("colour")


def test_a_key_can_be_given_a_time_to_live_later(cache: Cache, clock: FakeClock) -> None:
    """`expire` tells whether the key is there, and counts from now."""
    cache.set("colour", "red", 5)
    clock.advance(4)
    found = [cache.expire("colour", 5), cache.expire("shape", 5)]
    clock.advance(4)
    found.append(cache.get("colour"))
    clock.advance(1)
    found += [cache.get("colour"), cache.expire("colour", 5)]

    assert [True, False, "red", None, False] == found


def test_a_time_to_live_of_nothing_forgets_at_once(cache: Cache) -> None:
    """Zero or less."""
    cache.set("colour", "red", 0)
    cache.set("shape", "round")
    cache.expire("shape", -1)

    assert (None, None) == (cache.get("colour"), cache.get("shape"))


def test_counting_goes_on_and_keeps_the_time_to_live(cache: Cache, clock: FakeClock) -> None:
    """From 0 on, past 2^63, and from the beginning once it has expired."""
    cache.set("near the end", 2**63 - 1)
    counted = [cache.incr("visits"), cache.incr("visits"), cache.incr("near the end")]
    cache.expire("visits", 10)
    counted.append(cache.incr("visits"))
    clock.advance(10)
    counted.append(cache.incr("visits"))

    assert [1, 2, 2**63, 3, 1] == counted


@pytest.mark.parametrize("value", ["1", 1.5, True, None, [1]], ids=repr)
def test_only_whole_numbers_can_be_counted_up(cache: Cache, value: object) -> None:
    """Anything else is the plugin's mistake, and stays as it was."""
    cache.set("visits", value)

    with pytest.raises(TypeError, match="no whole number under 'visits'"):
        cache.incr("visits")

    assert value == cache.get("visits")


def test_a_value_that_is_not_json_is_refused(cache: Cache) -> None:
    """As in the storage."""
    with pytest.raises(TypeError, match="not JSON"):
        cache.set("colours", {"red", "green"})


def test_a_list_grows_at_its_front(cache: Cache) -> None:
    """The last element pushed leads; the new length is told."""
    lengths = [cache.lpush("names", "a"), cache.lpush("names", "b", {"c": 1}), cache.lpush("names")]

    assert ([1, 3, 3], [{"c": 1}, "b", "a"]) == (lengths, cache.lrange("names", 0, -1))


@pytest.mark.parametrize(
    ("start", "stop", "expected"),
    [
        (0, -1, "abcde"),
        (1, 2, "bc"),
        (-2, -1, "de"),
        (-100, 1, "ab"),
        (3, 100, "de"),
        (3, 2, ""),
        (9, 10, ""),
        (0, -6, ""),
    ],
)
def test_a_part_of_a_list_is_cut_as_redis_does(cache: Cache, start: int, stop: int, expected: str) -> None:
    """Both ends are included, and places beyond the ends are no mistake."""
    cache.lpush("letters", *"edcba")

    assert list(expected) == cache.lrange("letters", start, stop)


def test_elements_are_taken_off_the_front(cache: Cache) -> None:
    """One by default, all that there are at the most; a list without elements is none."""
    cache.lpush("letters", *"dcba")
    taken = [cache.lpop("letters"), cache.lpop("letters", 2), cache.lpop("letters", 0)]
    taken += [cache.lpop("letters", 9), cache.lpop("letters")]

    assert [["a"], ["b", "c"], [], ["d"], []] == taken
    assert (0, None) == (cache.llen("letters"), cache.get("letters"))


@pytest.mark.parametrize(
    ("count", "removed", "left"),
    [(0, 3, "bc"), (2, 2, "bca"), (-2, 2, "abc"), (9, 3, "bc")],
    ids=["all", "the first two", "the last two", "more than there are"],
)
def test_equal_elements_are_removed(cache: Cache, count: int, removed: int, left: str) -> None:
    """From the front, from the end, or all."""
    cache.lpush("letters", *reversed("abaca"))

    assert (removed, list(left)) == (cache.lrem("letters", count, "a"), cache.lrange("letters", 0, -1))


def test_true_is_not_one(cache: Cache) -> None:
    """It is in Python, and not in JSON."""
    cache.lpush("mixed", 1, True)  # noqa: FBT003 -- the value is the point

    assert (1, [1]) == (cache.lrem("mixed", 0, True), cache.lrange("mixed", 0, -1))  # noqa: FBT003


def test_a_list_keeps_its_time_to_live(cache: Cache, clock: FakeClock) -> None:
    """Whatever is pushed and taken."""
    cache.lpush("letters", "a", "b")
    cache.expire("letters", 10)
    cache.lpush("letters", "c")
    cache.lpop("letters")
    cache.lrem("letters", 0, "a")
    clock.advance(10)

    assert 0 == cache.llen("letters")


def test_a_list_is_asked_of_lists_alone(cache: Cache) -> None:
    """Anything else is the plugin's mistake."""
    cache.set("letters", "abc")

    for use in (cache.lpush, cache.llen, cache.lpop):
        with pytest.raises(TypeError, match="no list under 'letters'"):
            use("letters")
    with pytest.raises(TypeError, match="no list under 'letters'"):
        cache.lrange("letters", 0, -1)
    with pytest.raises(TypeError, match="no list under 'letters'"):
        cache.lrem("letters", 0, "a")


def test_a_list_got_as_a_value_is_a_copy(cache: Cache) -> None:
    """A change of it is not kept."""
    cache.lpush("letters", "a")
    cache.get("letters").append("b")
    cache.lrange("letters", 0, -1).append("c")

    assert ["a"] == cache.get("letters")


def test_threads_count_every_step(cache: Cache) -> None:
    """Eight threads lose none, and push as many elements as they count."""

    def count() -> None:
        for _ in range(25):
            cache.lpush("steps", cache.incr("visits"))

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (200, list(range(1, 201))) == (cache.get("visits"), sorted(cache.lrange("steps", 0, -1)))
