import pytest
from werkzeug.middleware.proxy_fix import ProxyFix

from instrumentation.access import Access, Refusal
from instrumentation.settings import InstrumentSettings, SettingsError

TOKEN = "a token of the tests, long enough"
READERS = ("summary", "errors", "prometheus")
PROBES = ("live", "ready", "health")


def networks(text):
    return InstrumentSettings.from_env({"INSTRUMENT_METRICS_ALLOW": text}).metrics_allow


@pytest.fixture
def token_file(tmp_path):
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    return path


def bearer(token=TOKEN, scheme="Bearer"):
    return {"Authorization": f"{scheme} {token}"}


def peer(address):
    return {"environ_base": {"REMOTE_ADDR": address}}


@pytest.mark.parametrize("name", READERS)
def test_with_a_token_set_nobody_reads_without_it(make_app, ask, token_file, name):
    app = make_app(metrics_token_file=token_file)
    refused = ask(app, f"/api/metrics/{name}")
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")
    assert ask(app, f"/api/metrics/{name}", headers=bearer()).status_code == 200
    assert ask(app, f"/api/metrics/{name}", "HEAD", headers=bearer()).status_code == 200
    assert ask(app, f"/api/metrics/{name}", "HEAD").status_code == 401


@pytest.mark.parametrize(
    "authorization",
    ["", TOKEN, f"Basic {TOKEN}", "Bearer", "Bearer wrong", f"Bearer {TOKEN}x", "Bearer ü"],
)
def test_anything_but_the_token_is_refused(authorization):
    access = Access(token=TOKEN.encode())
    refusal = access.refusal(remote_address="127.0.0.1", authorization=authorization)
    assert refusal is Refusal.TOKEN


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_name_of_the_scheme_may_be_written_in_any_case(scheme):
    authorization = bearer(scheme=scheme)["Authorization"]
    access = Access(token=TOKEN.encode())
    assert access.refusal(remote_address="", authorization=authorization) is None


def test_the_token_is_neither_logged_nor_shown(make_app, ask, token_file, read_log):
    app = make_app(metrics_token_file=token_file, debug=True)
    for headers in (bearer(), bearer("wrong-but-secret-all-the-same")):
        ask(app, "/api/metrics/summary", headers=headers)
    told = "\n".join(read_log()) + repr(app.extensions["instrumentation"].access)
    assert TOKEN not in told
    assert "wrong-but-secret" not in told


def test_a_token_too_short_to_be_one_is_refused_at_the_start(make_app, tmp_path):
    (tmp_path / "short").write_text("short")
    with pytest.raises(SettingsError, match="METRICS_TOKEN_FILE"):
        make_app(metrics_token_file=tmp_path / "short")


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("10.1.2.3", True),
        ("11.1.2.3", False),
        ("::ffff:10.1.2.3", True),
        ("::ffff:11.1.2.3", False),
        ("fd00::1", True),
        ("fd01::1", False),
        ("", False),
        ("unix:", False),
    ],
)
def test_a_network_is_judged_by_the_peers_own_address(address, allowed):
    access = Access(allow=networks("10.0.0.0/8, fd00::/16"))
    refusal = access.refusal(remote_address=address, authorization="")
    assert refusal is (None if allowed else Refusal.NETWORK)


@pytest.mark.parametrize("name", READERS)
def test_a_header_that_any_client_can_write_opens_nothing(make_app, ask, name):
    app = make_app(metrics_allow=networks("10.0.0.0/8"))
    forged = {"X-Forwarded-For": "10.0.0.1", "Forwarded": "for=10.0.0.1", "X-Real-Ip": "10.0.0.1"}
    path = f"/api/metrics/{name}"
    assert ask(app, path, headers=forged, **peer("192.0.2.1")).status_code == 403
    assert ask(app, path, **peer("10.0.0.1")).status_code == 200


def test_what_proxy_fix_believes_of_a_header_opens_nothing_either(make_app, ask):
    app = make_app(metrics_allow=networks("10.0.0.0/8"))
    app.wsgi_app = ProxyFix(app.wsgi_app)
    forwarded = {"X-Forwarded-For": "10.1.2.3"}
    path = "/api/metrics/prometheus"
    assert ask(app, path, headers=forwarded, **peer("192.0.2.1")).status_code == 403
    assert ask(app, path, headers=forwarded, **peer("10.0.0.1")).status_code == 200


def test_where_both_are_set_both_must_hold(make_app, ask, token_file):
    app = make_app(metrics_token_file=token_file, metrics_allow=networks("10.0.0.0/8"))
    path = "/api/metrics/summary"
    assert ask(app, path, headers=bearer(), **peer("192.0.2.1")).status_code == 403
    assert ask(app, path, **peer("10.0.0.1")).status_code == 401
    assert ask(app, path, headers=bearer(), **peer("10.0.0.1")).status_code == 200


@pytest.mark.parametrize("name", PROBES)
def test_a_probe_without_the_token_learns_the_status_and_nothing_else(
    make_app, ask, token_file, name
):
    app = make_app(metrics_token_file=token_file)

    @app.extensions["instrumentation"].ready_check("database")
    def database():
        raise ConnectionError("at db.internal")

    answer = ask(app, f"/api/metrics/{name}")
    status, code = ("fail", 503) if name == "ready" else ("pass", 200)
    assert (answer.status_code, answer.json) == (code, {"status": status})
    full = ask(app, "/api/metrics/ready", headers=bearer()).json
    assert full["checks"]["database"][0]["output"] == "ConnectionError: at db.internal"
