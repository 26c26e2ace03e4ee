"""Certificates and keys in files, in PEM: loaded for TLS, or refused with the reason."""

import ssl
from pathlib import Path

from .errors import Fault

CERTIFICATE, KEY = "certificate", "key"


class _HasPassword(Exception):
    """Asked for, and never given: else OpenSSL would ask the terminal."""


def load_pair(context: ssl.SSLContext, certificate: Path, key: Path | None) -> Fault | None:
    """Let a context use a certificate and its key.

    Args:
        context: For a server or a client.
        certificate: In PEM, with the certificates that lead to its authority.
        key: In PEM, without a password; None: it is in the same file.

    Returns:
        Why they cannot be used, of the `certificate` or the `key`; None when they can.
    """
    for part, path in ((CERTIFICATE, certificate), (KEY, key)):
        if path is not None and (problem := _unreadable(path)):
            return Fault(key=part, problem=problem)
    key_path = key or certificate
    try:
        context.load_cert_chain(certificate, key, password=_refuse)
    except _HasPassword:
        return Fault(key=KEY, problem=f"{key_path} has a password; take a key without one")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            problem = f"the key in {key_path} is that of another certificate than {certificate}"
            return Fault(key=KEY, problem=problem)
        lacks = "or no key" if key is None else f"or {key} no key"
        return Fault(key=CERTIFICATE, problem=f"{certificate} holds no certificate in PEM, {lacks}")
    return None


def authorities_fault(file: Path) -> str | None:
    """Why a file cannot name the authorities that are trusted; None when it can."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except OSError:
        return f"{file} holds no certificate in PEM"
    return None


def _unreadable(path: Path) -> str | None:
    try:
        path.read_bytes()
    except OSError as error:
        return f"cannot read {path}: {error.strerror}"
    return None


def _refuse() -> str:
    raise _HasPassword
