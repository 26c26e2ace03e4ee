"""The optional dependencies: what each extra of the package brings, and what to say when it is missing."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from importlib.util import find_spec

from .__about__ import NAME
from .errors import UsageError


class Extra(StrEnum):
    """An extra, as `pip` calls it; `pyproject.toml` lists the packages."""

    FILES = "files"
    GEOIP = "geoip"
    BUCKET = "bucket"
    SERVE = "serve"
    KAFKA = "kafka"

    @property
    def modules(self) -> tuple[str, ...]:
        """What it adds, as Python imports it."""
        return _MODULES[self]

    @property
    def is_installed(self) -> bool:
        """Whether all of that is there; nothing is imported to find out."""
        return all(find_spec(module) is not None for module in self.modules)

    @property
    def install(self) -> str:
        """The line that installs it."""
        return f"pip install '{NAME}[{self}]'"


_MODULES = {
    Extra.FILES: ("brotli",),
    Extra.GEOIP: ("maxminddb",),
    Extra.BUCKET: ("brotli", "obstore", "pyarrow"),
    Extra.SERVE: ("httptools", "uvicorn"),
    Extra.KAFKA: ("confluent_kafka",),
}


@contextmanager
def needed(extra: Extra, by: str) -> Iterator[None]:
    """Around the imports of an extra's packages.

    Args:
        extra: Which one.
        by: Who needs it, as the beginning of a sentence: `geoip.database`.

    Raises:
        UsageError: When they are not installed, with the line that installs them.
    """
    try:
        yield
    except ImportError as error:
        raise UsageError(f"{by} needs packages that are not installed: {extra.install}") from error
