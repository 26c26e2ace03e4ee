"""What an answer to the test message tells about the settings, and what to do. Pure."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from ..delivery import Answer, DeliverySettings, Failure, Outcome, classify
from ..delivery.outcome import results_of
from .wording import printable


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """In plain words."""

    found: str
    advice: str = ""
    """Empty when all is well."""

    @property
    def well(self) -> bool:
        """Whether the message was taken."""
        return not self.advice


def diagnose(answer: Answer, settings: DeliverySettings) -> Diagnosis:
    """Say what the answer to a single message means for who wants to send many."""
    here = urlsplit(settings.webhook_url)
    if answer.status is None:
        found, advice = _NO_ANSWER[answer.failure or Failure.BROKEN_ANSWER]
        detail = f" ({answer.detail})" if answer.detail else ""
        return Diagnosis(found=found.format(host=here.netloc, name=here.hostname) + detail, advice=advice)
    if classify(answer) is Outcome.DELIVERED:
        return _taken(answer)
    found = f"{here.netloc} answered {answer.reason()}"
    if 300 <= answer.status < 400:  # noqa: PLR2004 -- HTTP's own
        return Diagnosis(found=found, advice=_redirect(answer.location, settings))
    other = _RECEIVER_AT_FAULT if classify(answer) is Outcome.RETRY else _PAYLOAD
    return Diagnosis(found=found, advice=_ADVICE.get(answer.status, other))


def _taken(answer: Answer) -> Diagnosis:
    for result in results_of(answer, 1):
        if result.outcome is not Outcome.DELIVERED:
            reason = printable(result.reason or str(result.status or "no reason given"))
            return Diagnosis(
                found=f"The request was taken, but the message in it was refused: {reason}",
                advice="address and secret are right; the reason above says what the receiver wants",
            )
    if answer.is_page:
        return Diagnosis(
            found=f"The message was taken (HTTP {answer.status}), but by a web page", advice=_PAGE
        )
    return Diagnosis(found=f"All is well: the message was taken (HTTP {answer.status}).")


def _redirect(location: str | None, settings: DeliverySettings) -> str:
    here = urlsplit(settings.webhook_url)
    try:
        target = urlsplit(location or "")
    except ValueError:
        target = urlsplit("")
    if (target.hostname, target.path) == (here.hostname, here.path) and target.scheme != here.scheme:
        return f"begin webhookUrl with {target.scheme}://; redirects are not followed"
    to = f"to {printable(target.netloc)}" if target.netloc else "to another path of the same host"
    return (
        f"the address leads on {to}; redirects are not followed, since the events would be lost on the way. "
        "Set webhookUrl to where it leads, if your events shall go there"
    )


_NO_ANSWER = {
    Failure.UNRESOLVED: (
        "There is no host named {name}",
        "look for a slip of the pen in webhookUrl; if it is right, this machine's DNS does not know it",
    ),
    Failure.ADDRESS: (
        "No request can be made to this address",
        "look for a slip of the pen in webhookUrl",
    ),
    Failure.FORBIDDEN: (
        "Nothing is sent to {host}",
        "allow it as it says there if it is yours, else look for a slip of the pen in webhookUrl",
    ),
    Failure.NETWORK: (
        "There is no connection to {host}",
        "check host and port of webhookUrl, whether the receiver runs, and whether a firewall is in between",
    ),
    Failure.TIMEOUT: (
        "{host} did not answer in time",
        "check host and port of webhookUrl and the firewall; for a slow receiver, raise readTimeoutSeconds",
    ),
    Failure.TLS: (
        "There is no secure connection to {host}",
        "name the authority of its certificate in caCertificate; so, too, when a proxy on the way opens TLS",
    ),
    Failure.CERTIFICATE_DATE: (
        "There is no secure connection to {host}",
        "who runs the receiver has to renew its certificate; if it is, set the clock of this machine right",
    ),
    Failure.CERTIFICATE_NAME: (
        "There is no secure connection to {host}",
        "call the receiver in webhookUrl by a name that its certificate has, or ask who runs it",
    ),
    Failure.NO_TLS: (
        "There is no secure connection to {host}",
        "check the port of webhookUrl; for a receiver without TLS, begin with http://",
    ),
    Failure.PROXY: (
        "The proxy did not let the request pass",
        "check proxyUrl, or the environment variables HTTPS_PROXY and NO_PROXY",
    ),
    Failure.BROKEN_ANSWER: (
        "What {host} answered is no HTTP",
        "check the port of webhookUrl, and whether it should begin with https://",
    ),
}

_WAIT = "nothing: the receiver is busy, and an export waits for as long as that takes"
_CREDENTIALS = (
    "the receiver expects another secret; compare authHeader, word for word and with its first word (such as "
    "Bearer), or sharedSecret, with your Variance connection"
)
_PATH = "the host is right, the rest of webhookUrl is not; compare it with your Variance connection"
_PAGE = (
    "a webhook answers with JSON or nothing; a page is what a website or its login shows to everybody, and "
    "events that it takes are lost. Compare webhookUrl with your Variance connection"
)
_METHOD = "this address takes no POST; compare webhookUrl with your Variance connection"
_PAYLOAD = (
    "address and secret are right, but the receiver does not understand the payload; look at what it "
    "answered, and try payloadFormat=array, ndjson or single"
)
_RECEIVER_AT_FAULT = (
    "nothing here is wrong: the receiver has a fault of its own, and an export waits until that is over; if "
    "it stays, ask who runs the receiver"
)
_ADVICE = {
    401: _CREDENTIALS,
    403: _CREDENTIALS,
    404: _PATH,
    405: _METHOD,
    407: "the proxy wants a name and a password; put them into proxyUrl",
    408: _WAIT,
    410: _PATH,
    413: "even one message is too large for the receiver, so its limit is wrong; ask who runs it",
    415: "the receiver wants another payload; try compression=none, or payloadFormat=array or single",
    425: _WAIT,
    429: _WAIT,
    501: _METHOD,
}
