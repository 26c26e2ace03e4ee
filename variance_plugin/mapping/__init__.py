"""Events to messages: pure functions, no I/O. `mapper.py` is where to begin reading."""

from .accounts import account_way, company_domain
from .mapped import Mapped
from .mapper import Mapper
from .memory import Fact, Memory
from .names import Kind, SkipReason
from .prepared import Prepared, bodies_of, prepared, types_of
from .settings import AccountMapping, AnonymousUsers, MappingSettings

__all__ = [
    "AccountMapping",
    "AnonymousUsers",
    "Fact",
    "Kind",
    "Mapped",
    "Mapper",
    "MappingSettings",
    "Memory",
    "Prepared",
    "SkipReason",
    "account_way",
    "bodies_of",
    "company_domain",
    "prepared",
    "types_of",
]
