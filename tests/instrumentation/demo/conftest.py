"""The SoftFactory service for tests: in this process, beside a real gateway double."""

import pytest
from flask.testing import FlaskClient

from instrumentation.demo import create_app
from instrumentation.demo.gateway import GatewayDouble

API_KEY = "sk_test_0123456789abcdef"


class ReadingClient(FlaskClient):
    """Reads each answer to its end, as a server writes it; until then a request is not over."""

    def open(self, *arguments, buffered=True, **options):
        return super().open(*arguments, buffered=buffered, **options)


@pytest.fixture
def control(tmp_path):
    """The file that chooses the gateway's behaviour."""
    return tmp_path / "gateway-behaviour"


@pytest.fixture
def gateway_log(tmp_path):
    return tmp_path / "gateway.jsonl"


@pytest.fixture
def gateway(control, gateway_log):
    double = GatewayDouble(api_key=API_KEY, control_file=control, log_file=gateway_log)
    with double.serving():
        yield double


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """Variables of a service that works below ``tmp_path`` and looks around quickly."""
    for name in ("DATABASE_URL", "STRIPE_API_KEY_FILE", "STRIPE_API_BASE", "BACKUP_STATUS_FILE"):
        monkeypatch.delenv(name, raising=False)
    variables = {
        "DATABASE_URL": f"sqlite:///{tmp_path}/softfactory.sqlite3",
        "DATABASE_PROBE_SECONDS": "0.1",
        "DATABASE_PROBE_TIMEOUT_SECONDS": "0.5",
        "BUSINESS_REFRESH_SECONDS": "0.1",
        "PAYMENT_TIMEOUT_SECONDS": "0.3",
        "BACKUP_DIR": f"{tmp_path}/backups",
        "INSTRUMENT_SAMPLE_SECONDS": "0.1",
        "INSTRUMENT_LOG_FILE": f"{tmp_path}/app.log",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


@pytest.fixture
def make_client(environment):
    """Make the service as its environment is by then; its background work ends with the test."""
    apps = []

    def make():
        app = create_app()
        app.test_client_class = ReadingClient
        apps.append(app)
        return app.test_client()

    yield make
    for app in apps:
        app.extensions["instrumentation"].tasks.stop()


@pytest.fixture
def client(make_client, gateway, tmp_path, monkeypatch):
    """A client of a service that pays through the double."""
    key_file = tmp_path / "key"
    key_file.write_text(f"{API_KEY}\n")
    monkeypatch.setenv("STRIPE_API_KEY_FILE", str(key_file))
    monkeypatch.setenv("STRIPE_API_BASE", gateway.url)
    return make_client()


@pytest.fixture
def metric():
    """Read one sample of a service, by its whole name with labels."""

    def read(client, sample):
        for line in client.get("/api/metrics/prometheus").text.splitlines():
            name, _, value = line.rpartition(" ")
            if name == sample:
                return float(value)
        raise AssertionError(f"no sample {sample}")

    return read
