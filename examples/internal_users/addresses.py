"""Where PostHog's events have the e-mail address of their user."""

from variance_plugin.hooks import Event


def domain_of(event: Event) -> str | None:
    """The domain of the user's address; None when the event has none."""
    for properties in (event.properties.get("$set"), event.person_properties, event.properties):
        address = properties.get("email") if isinstance(properties, dict) else None
        if isinstance(address, str) and "@" in address:
            return address.rpartition("@")[2].strip().lower()
    return None
