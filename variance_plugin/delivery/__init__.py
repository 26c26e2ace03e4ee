"""Messages to requests, answers to outcomes. `deliverer.py` is where to begin reading."""

from .deliverer import Attempt, Deliverer, Pause, Refused, Report
from .outcome import Answer, Failure, Outcome, classify
from .request import Request
from .settings import Compression, DeliverySettings, PayloadFormat
from .transport import RequestsTransport, Transport

__all__ = [
    "Answer",
    "Attempt",
    "Compression",
    "Deliverer",
    "DeliverySettings",
    "Failure",
    "Outcome",
    "Pause",
    "PayloadFormat",
    "Refused",
    "Report",
    "Request",
    "RequestsTransport",
    "Transport",
    "classify",
]
