import pytest

from instrumentation.settings import InstrumentSettings, SettingsError


def test_an_empty_environment_gives_the_defaults_with_faults_off():
    settings = InstrumentSettings.from_env({})
    assert settings == InstrumentSettings()
    assert settings.fault_secret() is None
    assert 1000.0 in settings.latency_buckets_ms


def test_every_variable_is_read(secret_file):
    settings = InstrumentSettings.from_env(
        {
            "INSTRUMENT_FAULT_SECRET_FILE": str(secret_file),
            "INSTRUMENT_MEMORY_LIMIT_BYTES": "134217728",
            "INSTRUMENT_CPU_LIMIT_CORES": "0.25",
            "INSTRUMENT_SAMPLE_SECONDS": "0.25",
            "INSTRUMENT_LATENCY_BUCKETS_MS": "1, 2.5,10",
            "INSTRUMENT_LOG_FILE": "somewhere/app.log",
        }
    )
    assert settings.memory_limit_bytes == 134217728
    assert settings.cpu_limit_cores == 0.25
    assert settings.sample_seconds == 0.25
    assert settings.latency_buckets_ms == (1.0, 2.5, 10.0)
    assert str(settings.log_file) == "somewhere/app.log"
    assert settings.fault_secret() == secret_file.read_bytes().strip()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("INSTRUMENT_MEMORY_LIMIT_BYTES", "128M"),
        ("INSTRUMENT_MEMORY_LIMIT_BYTES", "-1"),
        ("INSTRUMENT_CPU_LIMIT_CORES", "nan"),
        ("INSTRUMENT_SAMPLE_SECONDS", "0"),
        ("INSTRUMENT_LATENCY_BUCKETS_MS", "10,5"),
        ("INSTRUMENT_LOG_RETENTION_DAYS", "0.5"),
        ("INSTRUMENT_LOG_RECORD_MAX_BYTES", "1e400"),
        ("INSTRUMENT_DRAIN_SECONDS", "-1"),
        ("INSTRUMENT_DRAIN_SECONDS", "1e300"),
        ("INSTRUMENT_SAMPLE_SECONDS", "1e300"),
        ("INSTRUMENT_LOG_RETENTION_DAYS", "1000000"),
        ("INSTRUMENT_CONSTANT_LABELS", "service=x"),
        ("INSTRUMENT_CONSTANT_LABELS", "region"),
        ("INSTRUMENT_CONSTANT_LABELS", "1st=x"),
        ("INSTRUMENT_METRICS_BIND", "9100"),
        ("INSTRUMENT_METRICS_BIND", "127.0.0.1:99999"),
        ("INSTRUMENT_METRICS_ALLOW", "10.0.0.0/33"),
        ("INSTRUMENT_LOG_SAMPLE", "/ok=1.5"),
        ("INSTRUMENT_LOG_SAMPLE", "/ok"),
        ("INSTRUMENT_FAULTS_IN_PRODUCTION", "maybe"),
        ("INSTRUMENT_LATENCY_BUCKETS_MS", "5,,10"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_by_name(name, text):
    with pytest.raises(SettingsError, match=name):
        InstrumentSettings.from_env({name: text})


@pytest.mark.parametrize("content", [None, b"", b"short"])
def test_a_service_that_should_accept_faults_does_not_start_without_a_secret(tmp_path, content):
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match="INSTRUMENT_FAULT_SECRET_FILE"):
        InstrumentSettings(fault_secret_file=path).fault_secret()
