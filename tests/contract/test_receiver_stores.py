"""What the receiver's book asks of the place where it is kept, for every such place."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from variance_plugin.receiver.book import Book
from variance_plugin.receiver.file_store import FileStore
from variance_plugin.receiver.memory import MemoryStore
from variance_plugin.receiver.message import read_message
from variance_plugin.receiver.records import ChangeKind, Person, Visitor
from variance_plugin.receiver.store import Store

Opened: TypeAlias = Callable[[], Store]


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Each of them, empty."""
    made: Store = MemoryStore() if request.param == "memory" else FileStore(tmp_path / "state.db")
    with closing(made):
        yield made


def add(store: Store, *messages: dict[str, Any], received: float = 0.0) -> None:
    """Apply these messages as one post."""
    raws = [msgspec.Raw(json.dumps(message).encode()) for message in messages]
    Book(store).add(map(read_message, raws), raws=raws, received=received)
    store.commit()


def identify(user_id: str, *, anonymous_id: str | None = None, **traits: object) -> dict[str, Any]:
    """An identify message."""
    return {
        "type": "identify",
        "messageId": f"identify {user_id}",
        "userId": user_id,
        "anonymousId": anonymous_id,
        "traits": traits,
    }


def page(who: str, number: int = 0, *, seen: str = "2026-01-01T00:00:00Z") -> dict[str, Any]:
    """A page of a user (`u…`) or of a visitor (`a…`)."""
    whose = {"userId": who} if who.startswith("u") else {"anonymousId": who}
    return {"type": "page", "messageId": f"page {who} {number}", "timestamp": seen, **whose}


def test_contacts_are_found_by_any_of_their_words(store: Store) -> None:
    """Id, name, email, former ids and accounts; all words have to be there, in any case."""
    add(
        store,
        page("a-visitor"),
        identify("u-1", anonymous_id="a-visitor", name="Ada Løvelace", email="ada@acme.example"),
        identify("u-2", name="Grace", company={"id": "acme"}),
        page("u-3"),
    )

    def found(*words: str) -> list[str]:
        return sorted(person.user_id for person in store.find_contacts(words, 10)[0])

    assert [["u-1", "u-2"], ["u-1", "u-2"], ["u-1"], ["u-1"], ["u-1"], []] == [
        found(*words)
        for words in ((), ("acme",), ("acme", "ada"), ("løve",), ("a-visitor",), ("acme", "nobody"))
    ]
    assert ([], 2) == store.find_contacts((), 0)


def test_who_was_seen_last_comes_first(store: Store) -> None:
    """Of all contacts, and among the members of an account."""
    add(store, *(identify(f"u-{n}", company={"id": "acme"}) for n in (1, 2, 3)))
    for n, day in ((1, "02"), (2, "03"), (3, "01")):
        add(store, page(f"u-{n}", seen=f"2026-01-{day}T00:00:00Z"))

    assert ["u-2", "u-1", "u-3"] == [person.user_id for person in store.find_contacts((), 9)[0]]
    members, count = store.members("acme", 2)
    assert (["u-2", "u-1"], 3) == ([person.user_id for person in members], count)


def test_accounts_are_found_by_name_and_id(store: Store) -> None:
    """In the order of their names."""
    for account_id, name in (("g-1", "Wayne"), ("g-2", "Acme"), ("g-3", "acme labs")):
        add(store, {"type": "group", "groupId": account_id, "traits": {"name": name}})

    def found(*words: str) -> list[str]:
        return [company.account_id for company in store.find_companies(words, 10)[0]]

    assert [["g-2", "g-3", "g-1"], ["g-2", "g-3"], ["g-1"]] == [found(), found("acme"), found("g-1")]
    assert 3 == store.find_companies((), 1)[1]


def test_a_person_with_another_id_is_found_by_both(store: Store) -> None:
    """What is known of them and what they did goes along; nobody has the former id any more."""
    add(store, identify("u-old", name="Ada"), page("u-old"))
    add(store, {"type": "alias", "previousId": "u-old", "userId": "u-new"}, page("u-old", 2))

    person = store.person("u-new")
    assert person is not None
    assert ("Ada", 2, ["u-old"]) == (person.name, person.events, person.names)
    assert store.person("u-old") is None
    assert ["u-new"] == [one.user_id for one in store.find_contacts(("u-old",), 5)[0]]
    assert 4 == len(store.entries(limit=9, owners=person.keys))


def test_an_account_that_somebody_left_is_without_them(store: Store) -> None:
    """And stays an account."""
    add(store, identify("u-1", company={"id": "acme"}))
    add(store, {**identify("u-1", company={"id": "initech"}), "messageId": "again"})

    assert ([], 0) == store.members("acme", 5)
    assert ["u-1"] == [person.user_id for person in store.members("initech", 5)[0]]
    assert ["acme", "initech"] == [company.account_id for company in store.companies()]


def test_everything_is_counted(store: Store) -> None:
    """Contacts without who was never identified, visitors without who is linked."""
    add(store, page("a-1"), page("a-2"), page("u-1"))
    add(store, identify("u-2", anonymous_id="a-2", company={"id": "acme"}))

    assert (1, 1, 1) == (store.count_contacts(), store.count_companies(), store.count_visitors())


def test_messages_follow_whom_they_belong_to(store: Store) -> None:
    """Through an identify and a merge; each is kept as it was sent."""
    add(
        store,
        page("a-1"),
        identify("u-old", anonymous_id="a-1"),
        page("u-old"),
        identify("u-new"),
        page("u-other"),
        {"type": "alias", "previousId": "u-old", "userId": "u-new", "messageId": "alias"},
        page("a-1", 2),
    )

    person = store.person("u-new")
    assert person is not None
    entries = store.entries(limit=10, owners=person.keys)
    assert [
        "page a-1 2",
        "alias",
        "identify u-new",
        "page u-old 0",
        "identify u-old",
        "page a-1 0",
    ] == [entry.message_id for entry in entries]
    assert page("a-1", 2) == msgspec.json.decode(entries[0].raw)
    owners = store.owners(entry.owner for entry in entries)
    assert {"u-new"} == {owner.user_id for owner in owners.values() if isinstance(owner, Person)}
    assert store.person("u-old") is None


def test_messages_are_paged(store: Store) -> None:
    """Newest first, between two numbers, and each by its own."""
    add(store, *(page("u-1", number) for number in range(1, 8)))

    assert [7, 6] == [entry.number for entry in store.entries(limit=2)]
    assert [4, 3] == [entry.number for entry in store.entries(limit=9, before=5, after=2)]
    middle = store.entry(4)
    assert middle is not None
    assert middle.message_id == "page u-1 4"
    assert store.entry(8) is None
    assert store.last_number == 7


def test_group_messages_are_an_accounts(store: Store) -> None:
    """Whoever sent them."""
    add(
        store,
        {"type": "group", "groupId": "acme", "messageId": "g-1", "traits": {"name": "Acme"}},
        {"type": "group", "groupId": "acme", "messageId": "g-2", "userId": "u-1"},
        {"type": "group", "groupId": "other", "messageId": "g-3"},
    )

    assert ["g-2", "g-1"] == [entry.message_id for entry in store.group_entries("acme", 5)]


def test_a_visitor_owns_their_messages_until_they_are_somebody(store: Store) -> None:
    """Counted as one who is linked to nobody."""
    add(store, page("a-1"), page("a-2"), identify("u-1", anonymous_id="a-2"))

    [identified, of_a2, of_a1] = store.entries(limit=3)
    owners = store.owners({identified.owner, of_a2.owner, of_a1.owner})
    assert isinstance(owners[of_a1.owner], Visitor)
    assert owners[of_a2.owner] == owners[identified.owner] == store.person("u-1")
    assert store.count_visitors() == 1


def test_memory_forgets_old_messages_but_not_their_ids() -> None:
    """What they made stays, and a repeat is still one."""
    store = MemoryStore(kept_bytes=1_000)
    for number in range(100):
        add(store, page("u-1", number))
    add(store, page("u-1", 0))

    assert 0 < len(store.entries(limit=100)) < 100
    assert store.entry(1) is None
    assert store.entry(100) is not None
    assert (100, 1) == (store.tally.types["page"], store.tally.duplicates)


@contextmanager
def a_file() -> Iterator[Opened]:
    """Opens the same file each time, after closing it."""
    with TemporaryDirectory() as folder:
        yield lambda: FileStore(Path(folder) / "state.db")


texts = st.sampled_from(["a", "b", "c", chr(0xD83D)])
ids = st.none() | texts
messages = st.fixed_dictionaries(
    {"type": st.sampled_from(["page", "track", "identify", "group", "alias"])},
    optional={
        "messageId": st.none() | st.integers(0, 9).map(str),
        "userId": ids,
        "anonymousId": ids,
        "previousId": ids,
        "groupId": ids,
        "event": ids,
        "timestamp": st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-02", "x"]),
        "traits": st.dictionaries(texts, ids | st.fixed_dictionaries({"id": ids, "name": ids}))
        | st.fixed_dictionaries({"company": st.fixed_dictionaries({"id": ids})}),
    },
)


@settings(max_examples=50)
@given(st.lists(st.lists(messages, max_size=8), max_size=6))
def test_a_file_that_is_opened_anew_for_every_post_equals_memory(posts: list[list[dict[str, Any]]]) -> None:
    """Same people, same accounts, same messages, down to each change and where each trait came from."""
    memory = MemoryStore()
    with a_file() as open_file:
        for number, post in enumerate(posts):
            add(memory, *post, received=number)
            with closing(open_file()) as store:
                add(store, *post, received=number)
        with closing(open_file()) as store:
            assert Book(memory).summary() == Book(store).summary()
            assert list(memory.persons()) == list(store.persons())
            assert list(memory.companies()) == list(store.companies())
            assert memory.entries(limit=99) == store.entries(limit=99)
            keys = {entry.owner for entry in memory.entries(limit=99)}
            assert memory.owners(keys) == store.owners(keys)
            assert memory.last_number == store.last_number


@settings(max_examples=25)
@given(st.lists(messages, max_size=8), st.lists(messages, max_size=8))
def test_what_is_rolled_back_has_never_been(kept: list[dict[str, Any]], undone: list[dict[str, Any]]) -> None:
    """The same post can come again, and is no duplicate."""
    memory = MemoryStore()
    add(memory, *kept)
    add(memory, *undone)
    with a_file() as open_file, closing(open_file()) as store:
        add(store, *kept)
        Book(store).add(read_message(msgspec.Raw(json.dumps(message).encode())) for message in undone)
        store.rollback()
        add(store, *undone)

        assert Book(memory).summary() == Book(store).summary()
        assert list(memory.persons()) == list(store.persons())


def test_a_file_holds_more_than_is_at_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """People who were let go of are read again, with all that was known."""
    monkeypatch.setattr("variance_plugin.receiver.file_store._AT_HAND", 5)
    with closing(FileStore(tmp_path / "state.db")) as store:
        for round_number in range(3):
            for number in range(20):
                add(store, {"type": "page", "userId": f"u-{number}", "messageId": f"{round_number} {number}"})

        assert {3} == {person.events for person in store.persons()}
        assert 20 == len(list(store.persons()))


def test_a_merge_shows_in_the_history(store: Store) -> None:
    """With the id that was merged, its events, and the message that said so."""
    add(
        store,
        identify("u-old", email="ada@acme.example"),
        page("u-old"),
        identify("u-new"),
        {"type": "alias", "previousId": "u-old", "userId": "u-new", "messageId": "m-alias"},
    )

    person = store.person("u-new")
    assert person is not None
    [merged] = [change for change in person.changes if change.kind is ChangeKind.MERGED]
    assert ("u-old", 1, "m-alias") == (merged.other, merged.events, merged.origin.message_id)
    assert person.names == ["u-old"]
    assert person.traits["email"].origin.message_id == "identify u-old"
