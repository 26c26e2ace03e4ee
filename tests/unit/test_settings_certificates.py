"""Certificates that the settings name: refused at the start where they cannot be used."""

from pathlib import Path

import pytest

from tests.benches.certificates import make_pair, needs_openssl, openssl
from variance_plugin.errors import SettingsError
from variance_plugin.settings import read_settings


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate, its key, its key with a password, and the key of another certificate."""
    folder = tmp_path_factory.mktemp("certificates")
    pair = make_pair(folder, "pair")
    make_pair(folder, "other")
    openssl("rsa", "-aes256", "-passout", "pass:x", "-in", str(pair.key), "-out", str(folder / "locked.key"))
    (folder / "events.jsonl").write_text("{}\n")
    return folder


@needs_openssl
@pytest.mark.parametrize(
    ("key", "fault", "config"),
    [
        pytest.param(
            "caCertificate",
            "events.jsonl holds no certificate in PEM",
            {"caCertificate": "events.jsonl"},
            id="no-authority",
        ),
        pytest.param(
            "caCertificate", "pair.key holds no certificate in PEM", {"caCertificate": "pair.key"}, id="a-key"
        ),
        pytest.param(
            "clientCertificate",
            "pair.pem holds no certificate in PEM, or no key",
            {"clientCertificate": "pair.pem"},
            id="without-its-key",
        ),
        pytest.param(
            "clientKey",
            "the key in other.key is that of another certificate than pair.pem",
            {"clientCertificate": "pair.pem", "clientKey": "other.key"},
            id="another-key",
        ),
        pytest.param(
            "clientKey",
            "locked.key has a password; take a key without one",
            {"clientCertificate": "pair.pem", "clientKey": "locked.key"},
            id="a-key-with-a-password",
        ),
    ],
)
def test_a_file_that_is_no_certificate_is_refused_before_anything_is_sent(
    key: str, fault: str, config: dict[str, str], certificates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else every request would fail, be tried again, and never be sent."""
    monkeypatch.chdir(certificates)
    needed = {"webhookUrl": "https://variance.example/hook", "authHeader": "Bearer demo-token"}

    with pytest.raises(SettingsError) as refused:
        read_settings({**needed, **config})

    assert {key: fault} == {fault.key: fault.problem for fault in refused.value.faults}
