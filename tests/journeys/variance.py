"""What a person sees in Variance after events were exported to it, in sentences."""

from collections.abc import Iterable
from types import SimpleNamespace

from variance_plugin import VariancePlugin
from variance_plugin.formats import events
from variance_plugin.receiver import Account, Contact, LocalVariance


class Variance:
    """A Variance on this machine."""

    def __init__(self, running: LocalVariance) -> None:
        self._running = running

    def receive(self, records: Iterable[bytes], **parameters: str) -> None:
        """Export records to it with the plugin, as one run with these parameters."""
        address = {"webhookUrl": self._running.url, "authHeader": "Bearer demo", "allowedHosts": "127.0.0.1"}
        meta = SimpleNamespace(config=address | parameters)
        plugin = VariancePlugin()
        plugin.setup_plugin(meta)
        plugin.export_events([event for record in records for event in events(record)], meta)  # type: ignore[misc]
        plugin.teardown_plugin(meta)

    def shows(self) -> list[str]:
        """Its contacts, its accounts, and who is neither."""
        summary = self._running.summary()
        names = {account.account_id: account.name for account in summary.accounts}
        told = sorted(_contact(contact, names) for contact in summary.contacts)
        told += sorted(map(_account, summary.accounts))
        if summary.users_without_identify:
            told.append(f"{summary.users_without_identify} known by id only")
        if summary.anonymous_visitors:
            told.append(f"{summary.anonymous_visitors} anonymous")
        return told


def _contact(contact: Contact, names: dict[str, str]) -> str:
    who = f"{contact.name or 'Nobody'} <{contact.email or '-'}>"
    where = " and ".join(names[account] for account in contact.accounts)
    events = f"{contact.events} event{'' if contact.events == 1 else 's'}"
    return f"{contact.user_id} is {who}{where and ' at '}{where}, {events}"


def _account(account: Account) -> str:
    return f"{account.name} has {', '.join(sorted(account.contacts)) or 'nobody'}"
