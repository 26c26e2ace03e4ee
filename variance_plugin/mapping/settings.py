"""What the mapping can be told to do; the plugin's parameters of the same names, checked."""

from dataclasses import dataclass
from enum import StrEnum

from ..secret import Secret


class AnonymousUsers(StrEnum):
    """What becomes of the events of visitors who are nobody yet."""

    SEND = "send"
    SKIP = "skip"


class AccountMapping(StrEnum):
    """By which of Variance's three ways a contact finds its account."""

    AUTO = "auto"
    GROUP = "group"
    TRAITS = "traits"
    EMAIL_DOMAIN = "email_domain"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingSettings:
    """See `docs/configuration.md` for each; patterns are names in which `*` and `?` stand for any text."""

    events_to_export: tuple[str, ...] = ()
    export_events_to_ignore: tuple[str, ...] = ()
    system_events: tuple[str, ...] = ()
    anonymous_users: AnonymousUsers = AnonymousUsers.SEND
    identify_from_events: bool = True
    group_from_events: bool = True
    send_person_traits: bool = False
    historical: bool = False
    account_mapping: AccountMapping = AccountMapping.AUTO
    account_group_type: str = ""
    account_id_trait: str = ""
    account_name_trait: str = ""
    include_posthog_properties: tuple[str, ...] = ()
    properties_to_exclude: tuple[str, ...] = ()
    properties_to_hash: tuple[str, ...] = ()
    hash_salt: Secret = Secret("")
    send_ip: bool = True
    payload_version: int = 2
