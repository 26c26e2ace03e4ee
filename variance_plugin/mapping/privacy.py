"""What the user wants kept out or hashed, taken out of the event itself before anything is made of it.

So it can leak through no field: not through properties, traits or `context.traits`, not through the
page's title or the IP address in `context`, not through the account derived from an email.

The ids of a message (`userId`, `anonymousId`, `groupId`, `previousId`) are there whatever is excluded:
without them nobody could be told apart. Hashed they can be, all of a kind or none, or joins would break.
"""

from hashlib import sha256
from typing import Any

import msgspec

from ..errors import InvalidRecord
from ..events import Event
from ..exact_json import encode
from .identity import id_text, is_nobody
from .patterns import Patterns
from .settings import MappingSettings

_PERSON_IDS = ("distinct_id", "$user_id", "$device_id", "$anon_distinct_id")
_GROUP_IDS = ("$group_key", *(f"$group_{index}" for index in range(5)))
# The text of the clicked element, `$el_text`, stands in these as well.
_ELEMENTS = ("$elements_chain", "$elements")
# What a message calls them: who wants no `referrer` may have seen it there, and not PostHog's name for it.
_NAMES_IN_MESSAGES = {
    "$current_url": "url",
    "$pathname": "path",
    "$referrer": "referrer",
    "$host": "host",
    "$group_type": "posthog_group_type",
}


class Privacy:
    """Excludes and hashes by name, at any depth."""

    def __init__(self, settings: MappingSettings) -> None:
        excluded = settings.properties_to_exclude
        if not settings.send_ip and "$ip" in Patterns(settings.include_posthog_properties):
            excluded = (*excluded, "$ip")
        self._excluded = Patterns(excluded)
        self._hashed = Patterns(settings.properties_to_hash)
        self._salt = settings.hash_salt.reveal().encode()
        self._hides_persons = self._hashes(*_PERSON_IDS, "alias")
        self._hides_groups = self._hashes(*_GROUP_IDS, "$groups")
        element_names = ("$el_text", "elements_chain", *_ELEMENTS)
        self._hides_elements = self._hashes(*element_names) or self._excludes(*element_names)

    def __bool__(self) -> bool:
        return bool(self._excluded) or bool(self._hashed)

    def apply(self, event: Event) -> Event:
        """A copy without what is excluded and with hashes for what is hashed; the event stays as it is.

        Raises:
            InvalidRecord: when it is nested too deep to be looked through.
        """
        person = event.person_properties
        try:
            properties = self._object(self._with_hidden_ids(event.properties))
            person = self._object(person) if isinstance(person, dict) else person
        except RecursionError as error:
            raise InvalidRecord("nested too deep to exclude or hash anything in it") from error
        for name in _ELEMENTS if self._hides_elements else ():
            properties.pop(name, None)
        for name, sent_as in _NAMES_IN_MESSAGES.items():
            if name in properties and name not in self._hashed:
                properties[name] = self.value(sent_as, properties[name])
        return msgspec.structs.replace(
            event,
            properties=properties,
            person_properties=person,
            ip=self._ip(event.ip),
            elements_chain=None if self._hides_elements else event.elements_chain,
        )

    def ids(self, event: Event) -> Event:
        """The event to read the message's ids from."""
        without = self._ids_to_leave_out(event)
        if not (self._hides_persons or self._hides_groups or without):
            return event
        properties = self._with_hidden_ids(event.properties, also_hashed=True)
        if self._hides_persons and "alias" in properties:
            properties["alias"] = self._id(properties["alias"])
        for name in without:
            del properties[name]
        distinct_id, user_id = event.distinct_id, event.user_id
        if self._hides_persons:
            distinct_id, user_id = self._id(distinct_id), self._id(user_id)
        return msgspec.structs.replace(event, properties=properties, distinct_id=distinct_id, user_id=user_id)

    def value(self, name: str, value: Any) -> Any:
        """What of a value may be sent under a name: itself, its hash, or None."""
        if name in self._excluded:
            return None
        return self._hash(value) if name in self._hashed else value

    def company(self, company: dict[str, Any]) -> dict[str, Any]:
        """What may be sent of a company made of a person's other traits, whose values are seen to already."""
        if self._excludes("company") or self._hashes("company"):
            return {}
        return {name: value for name, value in company.items() if name not in self._excluded}

    def _with_hidden_ids(self, properties: dict[str, Any], *, also_hashed: bool = False) -> dict[str, Any]:
        """A copy in which the ids are hashed that the settings do not name, but others of their kind.

        Those that they name are hashed with everything else, or here too when `also_hashed`.
        """
        kept = dict(properties)
        names = (_PERSON_IDS if self._hides_persons else ()) + (_GROUP_IDS if self._hides_groups else ())
        for name in names:
            if name in kept and (also_hashed or name not in self._hashed):
                kept[name] = self._id(kept[name])
        groups = kept.get("$groups")
        if self._hides_groups and isinstance(groups, dict) and (also_hashed or "$groups" not in self._hashed):
            kept["$groups"] = {type_: self._id(key) for type_, key in groups.items()}
        return kept

    def _ids_to_leave_out(self, event: Event) -> set[str]:
        """The excluded ones among those that a message can do without."""
        properties = event.properties
        without = {name for name in ("$device_id", "$anon_distinct_id", "$groups") if self._excludes(name)}
        # It tells an anonymous visitor, who has no other id.
        distinct_id = id_text(event.distinct_id) or id_text(properties.get("distinct_id"))
        if "$user_id" not in properties and id_text(properties.get("$device_id")) == distinct_id:
            without.discard("$device_id")
        return without & properties.keys()

    def _excludes(self, *names: str) -> bool:
        return any(name in self._excluded for name in names)

    def _hashes(self, *names: str) -> bool:
        return any(name in self._hashed for name in names)

    def _ip(self, ip: Any) -> Any:
        """The address beside the properties, which PostHog also keeps as `$ip` among them."""
        if self._excludes("$ip", "ip"):
            return None
        return self._hash(ip) if self._hashes("$ip", "ip") else ip

    def _object(self, members: dict[str, Any]) -> dict[str, Any]:
        kept = {}
        for name, value in members.items():
            if name not in self._excluded:
                kept[name] = self._hash(value) if name in self._hashed else self._inside(value)
        return kept

    def _inside(self, value: Any) -> Any:
        if isinstance(value, dict):
            return self._object(value)
        if isinstance(value, list):
            return [self._inside(member) for member in value]
        return value

    def _id(self, value: Any) -> Any:
        """An id's hash; one that stands for nobody has to be known as such."""
        id_ = id_text(value)
        return value if id_ is None or is_nobody(id_) else self._hash(id_)

    def _hash(self, value: Any) -> Any:
        """SHA-256 of salt and text in lower-case hex; the text of what is no text is its JSON."""
        if value is None:
            return None
        text = value.encode(errors="surrogatepass") if isinstance(value, str) else encode(value)
        return sha256(self._salt + text).hexdigest()
