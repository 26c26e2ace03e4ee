"""Reads typed values out of a plugin's configuration, and gathers all that is wrong with them."""

from collections.abc import Mapping
from typing import Any

from .errors import Fault, SettingsError
from .secret import Secret


class Parameters:
    """Typed access by key; a value that cannot be used becomes a fault, and the default is returned."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = config
        self._faults: list[Fault] = []

    def fault(self, key: str, problem: str) -> None:
        """Note that something is wrong with the value of `key`, in the user's words."""
        self._faults.append(Fault(key=key, problem=problem))

    def has_fault(self, key: str) -> bool:
        """Whether something was found wrong with the value of `key`."""
        return any(fault.key == key for fault in self._faults)

    def check(self) -> None:
        """Raise what was found.

        Raises:
            SettingsError: with all faults, if there is one.
        """
        if self._faults:
            raise SettingsError(self._faults)

    def text(self, key: str, default: str = "") -> str:
        """A text without surrounding blanks."""
        value = self._config.get(key)
        return default if value is None or value == "" else str(value).strip()

    def names(self, key: str) -> tuple[str, ...]:
        """Names separated by commas, or a list of them."""
        value = self._config.get(key)
        parts = value if isinstance(value, list | tuple) else str(value or "").split(",")
        return tuple(name for part in parts if (name := str(part).strip()))

    def yes(self, key: str) -> bool:
        """Whether the choice is yes."""
        return self._config.get(key) == "yes"

    def secret(self, key: str) -> Secret:
        """A secret; the line end that files and copying put after it is not part of it."""
        value = self._config.get(key)
        if isinstance(value, Secret):
            value = value.reveal()
        text = str(value or "").rstrip("\r\n")
        if any(ord(character) < _FIRST_PRINTABLE or ord(character) == _DELETE for character in text):
            self.fault(key, "holds a line break or another control character; a header cannot carry that")
            return Secret("")
        try:
            text.encode()
        except UnicodeEncodeError:
            # Such as an environment variable that was not UTF-8: it would fail at every single request.
            self.fault(key, "holds something that is not text")
            return Secret("")
        if text and not text.strip():
            self.fault(key, "is only blanks")
        return Secret(text)

    def whole(self, key: str, *, low: int, high: int, default: int) -> int:
        """A whole number within bounds."""
        value = self._config.get(key)
        if value is None or value == "":
            return default
        try:
            number = int(str(value).strip().replace("_", ""))
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            self.fault(key, f"{str(value)[:40]!r} is not a whole number from {low} to {high}")
            return default
        return number

    def seconds(self, key: str, *, low: float, high: float, default: float) -> float:
        """A number, with a fraction if need be, within bounds."""
        value = self._config.get(key)
        if value is None or value == "":
            return default
        try:
            number = float(str(value).strip())
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            self.fault(key, f"{str(value)[:40]!r} is not a number from {low:g} to {high:g}")
            return default
        return number


_FIRST_PRINTABLE = 0x20
_DELETE = 0x7F
