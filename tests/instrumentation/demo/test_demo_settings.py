"""The service's environment is read once, and a wrong value is refused with its name."""

from pathlib import Path

import pytest

from instrumentation.demo.settings import DemoSettings, read_api_key
from instrumentation.settings import SettingsError


def test_an_empty_environment_gives_the_defaults():
    assert DemoSettings.from_env({}) == DemoSettings()


def test_an_empty_variable_counts_as_unset():
    assert DemoSettings.from_env({"DATABASE_URL": "", "BACKUP_DIR": ""}) == DemoSettings()


def test_the_status_file_lies_in_the_backup_directory_unless_it_is_named():
    moved = DemoSettings.from_env({"BACKUP_DIR": "/b"})
    assert moved.backup_status_file == Path("/b/last-backup.json")
    named = DemoSettings.from_env({"BACKUP_DIR": "/b", "BACKUP_STATUS_FILE": "/s.json"})
    assert named.backup_status_file == Path("/s.json")


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "soon"])
@pytest.mark.parametrize(
    "name",
    [
        "PAYMENT_TIMEOUT_SECONDS",
        "DATABASE_PROBE_SECONDS",
        "DATABASE_PROBE_TIMEOUT_SECONDS",
        "BUSINESS_REFRESH_SECONDS",
    ],
)
def test_a_duration_that_is_none_is_refused_by_name(name, value):
    with pytest.raises(SettingsError, match=name):
        DemoSettings.from_env({name: value})


def test_a_gateway_address_without_a_scheme_is_refused():
    with pytest.raises(SettingsError, match="STRIPE_API_BASE"):
        DemoSettings.from_env({"STRIPE_API_BASE": "api.stripe.com"})


def test_the_api_key_is_read_without_its_line_end(tmp_path):
    file = tmp_path / "key"
    file.write_text("sk_test_1\n")
    assert read_api_key(file) == "sk_test_1"


@pytest.mark.parametrize("content", [b"", b"\n", b"two words", b"two\nlines", b"\xff\xfe"])
def test_a_key_file_without_a_key_is_refused_in_one_line(tmp_path, content):
    file = tmp_path / "key"
    file.write_bytes(content)
    with pytest.raises(SettingsError, match="STRIPE_API_KEY_FILE") as refused:
        read_api_key(file)
    assert len(str(refused.value).splitlines()) == 1


def test_a_missing_key_file_is_refused_in_one_line(tmp_path):
    with pytest.raises(SettingsError, match="No such file") as refused:
        read_api_key(tmp_path / "none")
    assert len(str(refused.value).splitlines()) == 1
