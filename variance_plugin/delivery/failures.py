"""What `requests`, `urllib3` and the sockets raise, as a `Failure` in words of our own.

Theirs quote the address with its query, and that may hold a token.
"""

import re
import ssl
from collections.abc import Iterator

import requests
import urllib3

from .addresses import AddressRefused
from .outcome import Answer, Failure, Outcome, classify

_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})")
_UNUSABLE_ADDRESS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    urllib3.exceptions.LocationValueError,
    urllib3.exceptions.URLSchemeUnknown,
)
# The connection ended without the farewell of TLS: as for TCP, that is nobody's fault.
_TLS_ENDED = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)

# OpenSSL's numbers (`x509_vfy.h`): not valid yet, expired; another host name, another address.
_REFUSED_CERTIFICATES = {
    9: Failure.CERTIFICATE_DATE,
    10: Failure.CERTIFICATE_DATE,
    62: Failure.CERTIFICATE_NAME,
    64: Failure.CERTIFICATE_NAME,
}
# What OpenSSL says of an answer that is no TLS; the second, when it looks like HTTP.
_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE")


def failure_of(error: Exception) -> Answer:
    """The answer that stands for an attempt which ended in this exception."""
    causes = list(_causes(error))
    if (found := _tls(causes) or _address(causes)) is not None:
        return found
    place = (
        " at the proxy" if any(isinstance(cause, requests.exceptions.ProxyError) for cause in causes) else ""
    )
    for cause in causes:
        if isinstance(cause, OSError) and cause.errno is not None and cause.strerror:
            return Answer(failure=Failure.NETWORK, detail=cause.strerror.lower() + place)
    # After those with a number: to urllib3 a refused connection is a kind of time-out.
    for cause in causes:
        if isinstance(cause, requests.exceptions.ConnectTimeout | urllib3.exceptions.ConnectTimeoutError):
            return Answer(failure=Failure.TIMEOUT, detail=f"no connection in time{place}")
        if isinstance(cause, requests.exceptions.Timeout | urllib3.exceptions.TimeoutError | TimeoutError):
            return Answer(failure=Failure.TIMEOUT, detail=f"no answer in time{place}")
    if any(isinstance(cause, urllib3.exceptions.ProtocolError) for cause in causes):
        return Answer(failure=Failure.BROKEN_ANSWER, detail="the connection ended or the answer was no HTTP")
    return Answer(failure=Failure.BROKEN_ANSWER, detail=type(error).__name__)


def _tls(causes: list[BaseException]) -> Answer | None:
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            failure = _REFUSED_CERTIFICATES.get(cause.verify_code, Failure.TLS)
            return Answer(failure=failure, detail=f"certificate refused: {cause.verify_message}")
        if isinstance(cause, _TLS_ENDED):
            return Answer(failure=Failure.NETWORK, detail="the connection ended")
        if isinstance(cause, ssl.SSLError):
            failure = Failure.NO_TLS if cause.reason in _NO_TLS else Failure.TLS
            return Answer(failure=failure, detail=cause.reason or "handshake failed")
        # `requests` says it of the authorities with a bare OSError, the system of the own certificate.
        if isinstance(cause, FileNotFoundError) or (type(cause) is OSError and "invalid path" in str(cause)):
            return Answer(failure=Failure.TLS, detail="a certificate file is missing")
    if any(isinstance(cause, requests.exceptions.SSLError) for cause in causes):
        return Answer(failure=Failure.TLS, detail="handshake failed")
    return None


def _address(causes: list[BaseException]) -> Answer | None:
    """What is wrong with an address: that of the destination, or of the proxy."""
    for cause in causes:
        if isinstance(cause, AddressRefused):
            return Answer(failure=Failure.FORBIDDEN, detail=str(cause))
        if isinstance(cause, urllib3.exceptions.NameResolutionError):
            return Answer(failure=Failure.UNRESOLVED)
        if isinstance(cause, requests.exceptions.InvalidProxyURL):
            return Answer(failure=Failure.PROXY, detail="its address cannot be used")
        if isinstance(cause, _UNUSABLE_ADDRESS):
            return Answer(failure=Failure.ADDRESS)
        if isinstance(cause, OSError) and (found := _TUNNEL.match(str(cause))):
            later = classify(Answer(status=int(found[1]))) is Outcome.RETRY
            failure = Failure.NETWORK if later else Failure.PROXY
            return Answer(failure=failure, detail=f"the proxy answered {found[1]}")
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it came from; urllib3 keeps the reason in `args` and `reason` as well."""
    queue, seen = [error], set[int]()
    while queue:
        cause = queue.pop(0)
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        inner = [cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args]
        queue += [candidate for candidate in inner if isinstance(candidate, BaseException)]
