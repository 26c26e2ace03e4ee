"""What came of the messages that a local Variance received, in a few lines. Pure."""

from collections.abc import Iterator, Mapping

from rich.cells import set_cell_size

from ..plurals import many
from ..receiver import Account, Contact, Summary
from .wording import printable, shortened, sums

_MOST_LISTED = 12
_WIDTH = 28


def receipt(summary: Summary) -> Iterator[str]:
    """Counts first, then people and companies."""
    yield f"{many(sum(summary.messages.values()), 'message')} in {many(summary.posts, 'request')}"
    if summary.messages:
        yield f"  {sums(_by_count(summary.messages))}"
    if summary.duplicates:
        yield f"  {many(summary.duplicates, 'message')} came twice and counted once"
    for reason, count in _by_count(summary.invalid).items():
        yield f"  {count:,} not taken as a message: {printable(reason)}"
    for reason, count in _by_count(summary.rejected).items():
        yield f"  {many(count, 'request')} refused: {printable(reason)}"
    yield from contacts(summary)
    yield from accounts(summary)
    if summary.events:
        yield f"{many(len(summary.events), 'event name')}"
        names = (f"{printable(name)} ({count:,})" for name, count in _by_count(summary.events).items())
        yield f"  {_some(names)}"


def contacts(summary: Summary) -> Iterator[str]:
    """Who Variance would know, and beside them whom it would not."""
    yield f"{many(len(summary.contacts), 'contact')}"
    for contact in summary.contacts[:_MOST_LISTED]:
        yield f"  {_contact(contact, summary)}"
    yield from _more(len(summary.contacts))
    if summary.anonymous_visitors:
        yield f"  and {many(summary.anonymous_visitors, 'anonymous visitor')}, who are no contacts"
    if summary.users_without_identify:
        yield f"  and {many(summary.users_without_identify, 'user')} of whom nothing but the id is known"


def accounts(summary: Summary) -> Iterator[str]:
    """The companies, with how they were found."""
    yield f"{many(len(summary.accounts), 'account')}"
    for account in summary.accounts[:_MOST_LISTED]:
        yield f"  {_account(account)}"
    yield from _more(len(summary.accounts))


def _contact(contact: Contact, summary: Summary) -> str:
    names = {account.account_id: account.name for account in summary.accounts}
    known_as = contact.name or contact.email or contact.user_id
    at = ", ".join(names.get(account_id, account_id) for account_id in contact.accounts)
    company = f"at {_cell(at)}" if at else ""
    about = [_cell(known_as), _cell(contact.email or ""), many(contact.events, "event").rjust(9), company]
    return "  ".join(about).rstrip()


def _account(account: Account) -> str:
    about = [_cell(account.name), many(len(account.contacts), "contact"), f"found by {account.found_by}"]
    return "  ".join(about)


def _cell(text: str) -> str:
    # Chinese and Japanese letters take two cells of a terminal.
    return set_cell_size(shortened(printable(text), _WIDTH), _WIDTH)


def _more(count: int) -> Iterator[str]:
    if count > _MOST_LISTED:
        yield f"  and {count - _MOST_LISTED:,} more"


def _by_count(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda entry: -entry[1]))


def _some(texts: Iterator[str]) -> str:
    listed = list(texts)
    more = len(listed) - _MOST_LISTED
    return ", ".join(listed[:_MOST_LISTED]) + (f" and {more:,} more" if more > 0 else "")
