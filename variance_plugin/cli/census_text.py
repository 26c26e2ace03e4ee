"""A census on a terminal, or in a file: who and what would come to Variance, and what would not."""

from collections import Counter
from collections.abc import Iterator, Mapping
from textwrap import wrap
from typing import Any, TypeAlias

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from ..mapping import AccountMapping
from ..plurals import many
from .census import OTHERS, Census
from .difference import account_rule
from .sample import Sample
from .wording import printable, sums

_MOST_LISTED = 10
_WIDTH_OF_FILES = 100
_LABEL_WIDTH = 16
_COUNT_WIDTH = 11
_DAY = len("2026-11-21")

Counts: TypeAlias = list[tuple[str, str, str]]
"""Count, name, and what is to be said of it."""


class Report:
    """Prints a census.

    Args:
        census: All of it.
        first_fault: Place and reason of the first event that cannot be sent.
        stopped: It is not all of it: somebody stopped the counting.
    """

    def __init__(self, census: Census, *, first_fault: str | None, stopped: bool) -> None:
        self._census = census
        self._settings = census.settings
        self._first_fault = first_fault
        self._stopped = stopped
        self._users = census.present()
        self._console = Console(highlight=False)
        if not self._console.is_terminal:
            self._console = Console(highlight=False, width=_WIDTH_OF_FILES)

    def print(self) -> None:
        """Everything, in the order in which somebody asks before switching it on."""
        self._events()
        self._people()
        self._without_account()
        self._names("Left out", self._skipped())
        self._names("Sent as track", self._tracks())
        self._traits("Traits of contacts", *self._traits_of_contacts())
        self._traits("Traits of accounts", *self._traits_of_accounts())
        self._hidden()
        self._console.print(Text("\nNothing was sent."))

    def _events(self) -> None:
        census = self._census
        left_out = census.skipped.total()
        total = many(census.sent + left_out + census.unusable, "event")
        if census.first_time is not None and census.last_time is not None:
            first, last = census.first_time[:_DAY], census.last_time[:_DAY]
            days = f"of {first}" if first == last else f"from {first} to {last}"
            total += f"; those that would be sent are {days}"
        if self._stopped:
            self._console.print(Text("Stopped before the end; this is what was read until then.", "yellow"))
        self._console.print(Text(total + "\n", style="bold"))
        messages = many(census.messages.total(), "message")
        self._line("Would be sent", f"{many(census.sent, 'event')} as {messages}")
        if census.messages:
            self._line("", sums(dict(census.messages.most_common())))
        self._line("Left out", many(left_out, "event"))
        if census.unusable:
            self._line("Cannot be sent", many(census.unusable, "event"), style="bold red")
            self._line("", f"the first: {printable(self._first_fault or '')}")

    def _people(self) -> None:
        users, census = self._users, self._census
        contacts = sum(user.identified for user in users)
        about = f", estimated from one in {census.users.share}" if census.users.share > 1 else ""
        self._head(f"People and accounts{about}")
        self._line("Contacts", self._of_users(contacts))
        if contacts < len(users):
            self._line("", f"and {self._of_users(len(users) - contacts)} more with an id, never identified")
        visitors = len(census.visitors) * census.visitors.share
        joined = sum(joined for _, (joined,) in census.visitors.items()) * census.visitors.share
        self._line("Visitors", f"{visitors:,}" + (f", of whom {joined:,} became known" if joined else ""))
        self._line("Accounts", f"{_size(census.accounts)}, {account_rule(self._settings)}")
        types = list(census.group_types)
        if len(types) > 1 and not self._settings.account_group_type:
            named = ", ".join(map(printable, types[:_MOST_LISTED]))
            would_be = f"groups of {len(types)} types would be accounts: {named};"
            self._line("", f"{would_be} name the one that is in accountGroupType", style="yellow")

    def _without_account(self) -> None:
        without = [user for user in self._users if not user.in_account]
        reasons = Counter(map(self._census.reason, without))
        if not without:
            return
        total = f"{self._of_users(len(without))} of {self._of_users(len(self._users))} users"
        self._head(f"Without an account: {total}")
        self._table([(self._of_users(count), reason, "") for reason, count in reasons.most_common()])
        mails = sum(user.mail == "company" for user in without)
        if mails and self._census.way is not AccountMapping.EMAIL_DOMAIN:
            have = f"Among them, with the email of a company: {self._of_users(mails)}."
            domains = _size(self._census.domains)
            how = f"A connection set to email domains finds these; all emails are of {domains} companies."
            for part in wrap(f"{have} {how}", self._console.width - 2):
                self._console.print(Text(f"  {part}"), soft_wrap=True)

    def _skipped(self) -> Counts:
        found = self._census.skipped.most_common(_MOST_LISTED)
        rest = len(self._census.skipped) - len(found)
        counts = [(f"{count:,}", _name(name), reason) for (name, reason), count in found]
        return [*counts, *_rest(rest)]

    def _tracks(self) -> Counts:
        found = self._census.tracks.most_common(_MOST_LISTED)
        rest = len(self._census.tracks) - len(found)
        return [*((f"{count:,}", _name(name), "") for name, count in found), *_rest(rest)]

    def _traits_of_contacts(self) -> tuple[Mapping[str, int], Mapping[str, str]]:
        bits = Counter(user.traits for user in self._users)
        return self._census.traits.counted(bits, self._census.users.share), self._census.traits.examples

    def _traits_of_accounts(self) -> tuple[Mapping[str, int], Mapping[str, str]]:
        accounts, traits = self._census.accounts, self._census.account_traits
        bits = Counter(account.traits for _, account in accounts.items())
        return traits.counted(bits, accounts.share), traits.examples

    def _names(self, what: str, counts: Counts) -> None:
        if counts:
            self._head(f"{what}, by name")
            self._table(counts)

    def _traits(self, what: str, counts: Mapping[str, int], examples: Mapping[str, str]) -> None:
        listed = [(name, count) for name, count in counts.items() if count]
        if not listed:
            return
        self._head(f"{what}, with an example")
        rows = [(f"{count:,}", _name(name), examples.get(name, "null")) for name, count in listed]
        self._table(rows[: 2 * _MOST_LISTED] + list(_rest(len(rows) - 2 * _MOST_LISTED)))

    def _hidden(self) -> None:
        settings = self._settings
        for what, names in (
            ("Never sent", settings.properties_to_exclude),
            ("Sent as a hash", settings.properties_to_hash),
        ):
            if names:
                self._console.print(Text(f"\n{what}: {', '.join(map(printable, names))}"))

    def _of_users(self, count: int) -> str:
        return f"{count * self._census.users.share:,}"

    def _head(self, text: str) -> None:
        self._console.print(Text(f"\n{text}", style="bold"))

    def _line(self, label: str, text: str, style: str = "") -> None:
        margin = 2 + _LABEL_WIDTH
        for number, part in enumerate(wrap(text, max(self._console.width - margin, _LABEL_WIDTH))):
            line = Text(f"  {label if number == 0 else '':<{_LABEL_WIDTH}}").append(part, style=style)
            self._console.print(line, soft_wrap=True)

    def _table(self, counts: Counts) -> None:
        room = self._console.width - _COUNT_WIDTH - 2
        longest = max(cell_len(name) for _, name, _ in counts)
        width = min(longest, room if not any(said for _, _, said in counts) else room * 2 // 5)
        for count, name, said in counts:
            line = Text(f"{count:>{_COUNT_WIDTH}}  ").append(_cut(name, width))
            if said:
                line.pad_right(_COUNT_WIDTH + 2 + width - line.cell_len)
                line.append("  ").append(_cut(said, room - width - 2), style="dim")
            self._console.print(line, soft_wrap=True)


def _cut(text: str, width: int) -> str:
    return text if cell_len(text) <= width else set_cell_size(text, width - 1).rstrip() + "…"


def _size(sample: Sample[Any]) -> str:
    return f"{len(sample) * sample.share:,}"


def _name(name: str) -> str:
    return "other names" if name == OTHERS else printable(name)


def _rest(count: int) -> Iterator[tuple[str, str, str]]:
    if count > 0:
        yield "", f"and {count:,} more", ""
