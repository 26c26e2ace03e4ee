"""The deliverer against an endpoint that takes requests of some size only: halving, and its memory."""

from collections.abc import Callable, Iterable

from tests.benches.deliverer import OK, Bench
from variance_plugin.delivery import (
    Answer,
    Request,
)
from variance_plugin.delivery.size_limit import Search, SizeLimit

# Of one size, so that a limit in bytes is one in number too.
FOUR_DIGITS = range(1_000, 9_000)


def at_most(events: int = 10_000, body_bytes: int = 10**9) -> Callable[[Request], Answer]:
    """An endpoint with a limit of its own."""
    return lambda request: (
        Answer(status=413) if request.count > events or len(request.body) > body_bytes else OK
    )


def padded(sizes: Iterable[int]) -> list[bytes]:
    """Messages of these sizes in bytes."""
    return [b'{"n":%d,"x":"%b"}' % (number, b"x" * (size - 16)) for number, size in enumerate(sizes)]


def test_what_is_too_large_is_halved_until_it_is_taken() -> None:
    """In order, each once."""
    bench = Bench(at_most(events=3))

    report = bench.deliver(range(20))

    assert {*range(20)} == report.delivered
    taken = [numbers for numbers in bench.posts if len(numbers) <= 3]
    assert [*range(20)] == [number for numbers in taken for number in numbers]


def test_the_size_that_was_taken_is_remembered() -> None:
    """After the first batch no request is refused for its size again, in any lane."""
    bench = Bench(at_most(events=3))
    bench.deliver(range(100, 112))
    before = len(bench.posts)

    bench.deliver(range(200, 230))

    assert [3] * 10 == [len(numbers) for numbers in bench.posts[before:]]


def test_a_limit_in_bytes_does_not_limit_the_number_of_small_messages() -> None:
    """Large messages taught the limit; later as many small ones as fit go into one request."""
    bench = Bench(at_most(body_bytes=10_000))
    report = bench.deliverer.deliver(padded([1_000] * 40))
    assert 40 == len(report.delivered)
    before = len(bench.posts)

    bench.deliverer.deliver(padded([40] * 200))

    assert len(bench.posts) - before <= 2


def test_a_limit_in_number_is_found_behind_one_in_bytes() -> None:
    """Where as many bytes were taken before, the number of messages is what was too large."""
    bench = Bench(at_most(events=10))
    bench.deliverer.deliver(padded([1_000] * 40))
    bench.deliverer.deliver(padded([40] * 200))
    before = len(bench.transport.requests)

    bench.deliverer.deliver(padded([40] * 200))

    assert all(request.count <= 10 for request in bench.transport.requests[before:])
    before = len(bench.posts)
    bench.deliverer.deliver(padded([900] * 5))
    assert 1 == len(bench.posts) - before


def test_a_single_message_that_is_too_large_is_refused_and_teaches_nothing() -> None:
    """It explains why its batch was refused; the next batch of usual messages goes whole."""
    bench = Bench(at_most(body_bytes=10_000))

    report = bench.deliverer.deliver(padded([100] * 20 + [50_000] + [100] * 20))

    assert ({20}, 413) == ({*report.refused}, report.refused[20].status)
    assert 40 == len(report.delivered)
    before = len(bench.posts)

    bench.deliverer.deliver(padded([100] * 90))

    assert 1 == len(bench.posts) - before


# --- and growing again --------------------------------------------------------------------------


def test_a_limit_that_was_lowered_for_a_while_is_tried_again() -> None:
    """After a hundred full requests one twice as large: no restart is needed for what was a passing limit."""
    most = [3]
    bench = Bench(lambda request: Answer(status=413) if request.count > most[0] else OK, max_batch_events=24)
    bench.deliver(FOUR_DIGITS[:24])
    most[0] = 10_000

    before = len(bench.posts)
    bench.deliver(FOUR_DIGITS[:996])
    counts = [len(numbers) for numbers in bench.posts[before:]]

    # Among the hundred are those of the search for the limit.
    assert [3, 6, 12] == list(dict.fromkeys(counts))
    assert 90 <= counts.count(3) <= 100
    assert [*FOUR_DIGITS[:996]] == [number for numbers in bench.posts[before:] for number in numbers]


def test_it_grows_back_to_what_is_set_and_no_further() -> None:
    """With traffic enough, a passing limit leaves no trace."""
    most = [3]
    bench = Bench(lambda request: Answer(status=413) if request.count > most[0] else OK, max_batch_events=24)
    bench.deliver(FOUR_DIGITS[:24])
    most[0] = 10_000

    bench.deliver(FOUR_DIGITS)

    assert 24 == max(len(numbers) for numbers in bench.posts)
    assert [24] * 10 == [len(numbers) for numbers in bench.posts[-11:-1]]  # the last is what was left


def test_a_limit_that_stays_costs_a_request_now_and_then() -> None:
    """Each try in vain doubles the time to the next, and what was known to be taken stays known."""
    bench = Bench(at_most(events=3), max_batch_events=24)
    for _call in range(100):
        report = bench.deliver(FOUR_DIGITS[:240])
        assert 240 == len(report.delivered)
    refused = sum(len(numbers) > 3 for numbers in bench.posts)

    # Of 8,000 requests 7 in the search at the start, then tries after 100, 200, 400, 800, 1600 and 3200.
    assert 7 + 6 == refused
    assert 3 == max(len(numbers) for numbers in bench.posts[-100:])


def test_a_limit_in_bytes_grows_as_well() -> None:
    """And a try in vain does not lower it, though the halves of the larger request are of unequal size."""
    most_bytes = [10_000]
    bench = Bench(
        lambda request: Answer(status=413) if len(request.body) > most_bytes[0] else OK,
        max_batch_bytes=40_000,
    )
    messages = padded([300, 900, 150, 2_000, 40] * 400)
    bench.deliverer.deliver(messages)
    before = len(bench.transport.requests)
    bench.deliverer.deliver(messages)
    taken = [len(r.body) for r in bench.transport.requests[before:] if len(r.body) <= most_bytes[0]]

    assert max(taken) > 7_000
    most_bytes[0] = 10**9
    for _call in range(10):
        bench.deliverer.deliver(messages)

    assert 36_000 < len(bench.transport.requests[-2].body) <= 40_000


def test_a_large_message_that_is_taken_shows_that_there_is_room() -> None:
    """It went alone, since it is larger than the limit that was learned; now as much goes together."""
    most_bytes = [10_000]
    bench = Bench(lambda request: Answer(status=413) if len(request.body) > most_bytes[0] else OK)
    bench.deliverer.deliver(padded([1_000] * 40))
    most_bytes[0] = 10**9

    bench.deliverer.deliver(padded([30_000]))
    before = len(bench.posts)
    bench.deliverer.deliver(padded([1_000] * 25))

    assert 1 == len(bench.posts) - before


def test_small_batches_are_no_reason_to_try_a_larger_one() -> None:
    """What fits anyway tells nothing about the limit."""
    bench = Bench(at_most(events=3), max_batch_events=24)
    bench.deliver(FOUR_DIGITS[:24])
    before = len(bench.posts)

    for _call in range(500):
        bench.deliver(FOUR_DIGITS[:3])

    assert [3] * 500 == [len(numbers) for numbers in bench.posts[before:]]


def test_lanes_that_try_together_fail_as_one() -> None:
    """Four larger requests at once, all refused, are one try in vain: the next is not put off eightfold."""
    limit = SizeLimit(max_events=24, max_bytes=10**9)
    halves = Search()
    halves.took([1] * 3)
    limit.learn([1] * 6, halves, too_large=True, full=True)
    assert slice(0, 3) == limit.first_run([1] * 100, 0)
    tries = []
    for number in range(1_000):
        run = limit.first_run([1] * 100, 0)
        if run.stop > 3:
            tries.append(number)
            for _lane in range(4):
                limit.learn([1] * run.stop, halves, too_large=True, full=True)
        else:
            limit.learn([1] * run.stop, Search(), too_large=False, full=True)

    assert [100, 301, 702] == tries
