"""The last line of defence: known secrets, taken out of what is about to leave."""

from collections.abc import Iterable
from typing import Any

from .secret import Secret

MASKED = "***"

# A shorter text may stand anywhere by chance, and is none that could be kept secret.
_SHORTEST = 8


class Mask:
    """Replaces every occurrence of the secrets that it knows, and of the credentials in them.

    Args:
        secrets: Those that are configured. Of one with a scheme in front (`Bearer …`) what follows counts
            too; texts below 8 characters do not count.
    """

    def __init__(self, secrets: Iterable[Secret]) -> None:
        texts = {text for secret in secrets for text in _parts(secret.reveal()) if len(text) >= _SHORTEST}
        # The longest first, so that nothing is left of it where a shorter one is a part of it.
        self._texts = tuple(sorted(texts, key=len, reverse=True))

    def __repr__(self) -> str:
        return f"Mask(of {len(self._texts)} texts)"

    def text(self, text: str) -> str:
        """The text without them."""
        for secret in self._texts:
            text = text.replace(secret, MASKED)
        return text

    def value(self, value: Any) -> Any:
        """A JSON value without them, also in its keys."""
        if not self._texts:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.value(key): self.value(member) for key, member in value.items()}
        if isinstance(value, list):
            return [self.value(element) for element in value]
        return value


def _parts(text: str) -> tuple[str, ...]:
    return text, text.strip(), text.partition(" ")[2].strip()
