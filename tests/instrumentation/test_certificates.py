"""The end of a certificate is told as its file says, also after the file was replaced."""

import datetime
import importlib.util
import os

import pytest
import trustme
from cryptography.x509 import load_pem_x509_certificate

from instrumentation import InstrumentSettings
from instrumentation.certificates import Certificates
from instrumentation.settings import SettingsError
from stack.waiting import wait_until

NAME = 'softfactory_certificate_not_after_timestamp_seconds{certificate="shop"}'
FAILURES = 'softfactory_background_failures_total{task="certificates"}'
SOON = datetime.datetime(2035, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "shop.pem"


def write(file, not_after=None):
    """Put a certificate in the file's place, as those who renew them do."""
    issued = trustme.CA().issue_cert("shop.example", not_after=not_after)
    fresh = file.with_suffix(".new")
    issued.private_key_and_cert_chain_pem.write_to_path(fresh)
    fresh.replace(file)
    return load_pem_x509_certificate(issued.cert_chain_pems[0].bytes())


@pytest.fixture
def app(make_app, file):
    write(file)
    app = make_app(certificate_files=(file,))
    app.extensions["instrumentation"].start()
    return app


def test_it_is_told_from_the_first_scrape_on(make_app, file, value):
    written = write(file)
    app = make_app(certificate_files=(file,))
    assert value(app, NAME) == written.not_valid_after_utc.timestamp()


def test_a_certificate_that_was_replaced_is_read_again(app, file, value):
    write(file, SOON)
    wait_until(lambda: value(app, NAME) == SOON.timestamp(), what="the new one", timeout_seconds=30)


def test_of_a_chain_the_one_counts_that_ends_first(make_app, file, value):
    authority = trustme.CA()
    issued = authority.issue_cert("shop.example", not_after=SOON)
    file.write_bytes(authority.cert_pem.bytes() + issued.cert_chain_pems[0].bytes())
    assert value(make_app(certificate_files=(file,)), NAME) == SOON.timestamp()


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_a_file_that_holds_none_has_no_series_and_counts_as_failure(app, file, value, content):
    def is_exposed():
        return NAME in app.test_client().get("/api/metrics/prometheus").text

    assert is_exposed()
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    wait_until(lambda: not is_exposed(), what="no series", timeout_seconds=30)
    wait_until(lambda: value(app, FAILURES) > 0, what="a failure", timeout_seconds=30)
    write(file)
    wait_until(is_exposed, what="the series", timeout_seconds=30)


def test_an_unchanged_file_is_not_read_again(file):
    write(file)
    certificates = Certificates([file], prefix="softfactory")
    about = file.stat()
    file.write_bytes(b"x" * about.st_size)
    os.utime(file, ns=(about.st_atime_ns, about.st_mtime_ns))
    certificates.read()
    (family,) = certificates.collect()
    assert [sample.labels for sample in family.samples] == [{"certificate": "shop"}]


def test_two_files_of_one_name_are_refused():
    with pytest.raises(SettingsError, match="INSTRUMENT_CERTIFICATE_FILES"):
        InstrumentSettings.from_env({"INSTRUMENT_CERTIFICATE_FILES": "a/shop.pem, b/shop.crt"})


def test_without_the_package_the_error_says_what_to_install(file, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        "instrumentation.certificates.find_spec",
        lambda name: None if name == "cryptography" else real(name),
    )
    with pytest.raises(SettingsError, match=r"pip install 'alertproof\[certificates\]'"):
        Certificates([file], prefix="softfactory")
