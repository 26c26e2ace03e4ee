"""What an error of obstore means.

obstore raises one and the same exception for nearly everything, and what happened is in its text only. This
is the one place that reads it. The text is never shown: it may hold key ids and signed addresses.
"""

import re

from .store import StoreFault, Trouble

_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>(\w{1,64})</Code>")
_METADATA_SERVICES = ("169.254.169.254", "169.254.170.2", "metadata.google.internal", "metadata/identity")
_CREDENTIAL_WORDS = ("credential", "account must be specified", "service account", "token request")
_SHOWN_CHARACTERS = 200
_ARCHIVED = ("InvalidObjectState", "BlobArchived")

_NO_CREDENTIALS = {
    "s3": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or source.profile, or give this machine a role",
    "gs": "set GOOGLE_APPLICATION_CREDENTIALS to a key file, or give this machine a service account",
    "az": "set AZURE_STORAGE_ACCOUNT_NAME with AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_KEY, or give "
    "this machine an identity",
}
_FAILURES = {  # words of the libraries below it, and ours
    "dns error": "its name does not resolve",
    "Connection refused": "the connection was refused",
    "ConnectionRefused": "the connection was refused",
    "ConnectionReset": "the connection was cut",
    "certificate": "its certificate is not valid",
    "InvalidContentType": "it does not speak TLS; is the endpoint's address one with http:// instead?",
    "TimedOut": "no answer in time",
    "timed out": "no answer in time",
    "body error": "its answer was cut short",
    "non-partial response": "it gave another part than it was asked for",
}


def fault_of(error: Exception, *, scheme: str) -> StoreFault:
    """What to make of an error while talking to a store of that scheme: `s3`, `gs` or `az`."""
    text = str(error)
    status, code = _first(_STATUS, text), _first(_CODE, text)
    answer = f"HTTP {status}" + (f" ({code})" if code else "")
    if type(error).__name__ == "PreconditionError":
        return StoreFault(Trouble.CHANGED, "it was written anew since it was listed")
    if code in _ARCHIVED:
        return StoreFault(Trouble.LOCKED, f"it is in an archive, and has to be restored first: {answer}")
    if isinstance(error, FileNotFoundError) and code != "NoSuchBucket":
        return StoreFault(Trouble.GONE, "it is gone: it was deleted since it was listed")
    if refusal := _refusal(error, text, code, scheme):
        return StoreFault(Trouble.REFUSED, refusal)
    if status in ("401", "403"):
        reason = f"the credentials do not open it: {answer}; it takes the right to list and to read"
        return StoreFault(Trouble.REFUSED, reason)
    if status:
        is_passing = status.startswith("5") or status in ("408", "425", "429")
        if is_passing:
            return StoreFault(Trouble.UNREACHABLE, answer)
        hint = "" if code else f", which no store of {scheme}:// says; look at source.endpoint"
        return StoreFault(Trouble.REFUSED, answer + hint)
    failure = next((ours for theirs, ours in _FAILURES.items() if theirs in text), None)
    if failure or "HTTP error" in text:
        return StoreFault(Trouble.UNREACHABLE, failure or "the connection failed")
    return StoreFault(Trouble.REFUSED, f"it cannot be used: {_plain(text) or type(error).__name__}")


def _refusal(error: Exception, text: str, code: str | None, scheme: str) -> str | None:
    """What a person has to mend, where the error says so."""
    if any(service in text for service in _METADATA_SERVICES):
        return f"no credentials were found: {_NO_CREDENTIALS[scheme]}"
    if code == "NoSuchBucket" or "ContainerNotFound" in text:
        return "there is no such bucket; look at source.url, and source.endpoint"
    if code == "AuthorizationHeaderMalformed" or "incorrectly configured region" in text:
        return "the bucket is in another region; set source.region"
    if "invalid list response" in text:
        return f"what answers there does not speak the protocol of {scheme}://; look at source.endpoint"
    if type(error).__name__ == "InvalidPathError":
        return (
            "it holds an object with `.`, `..` or nothing between two slashes of its name; narrow source.url "
            "to a prefix without it"
        )
    has_asked = "HTTP error" in text or _STATUS.search(text)
    if not has_asked and any(word in text.lower() for word in _CREDENTIAL_WORDS):
        return f"the credentials cannot be used: {_NO_CREDENTIALS[scheme]}"
    return None


def _plain(text: str) -> str:
    """The first line, unless it holds an address or an answer."""
    line = text.partition("\n")[0].rpartition(" error: ")[2][:_SHOWN_CHARACTERS]
    return "" if "://" in line or "<" in line else line


def _first(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.search(text)
    return found[1] if found else None
