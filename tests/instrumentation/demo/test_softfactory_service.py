"""The endpoints answer as documented, and a payment's outcome is counted for what it was."""

import json
import subprocess
import sys
import time

import pytest
from sqlalchemy import create_engine, text

from stack.waiting import wait_until

VISA = "pm_card_visa"
DECLINED = "pm_card_chargeDeclined"


@pytest.fixture
def pay(client):
    def post(payment_method=VISA, **changes):
        body = {"user_id": 1, "amount_cents": 1250, "payment_method": payment_method, **changes}
        return client.post("/api/payments", json=body)

    return post


@pytest.fixture
def attempts(client, metric):
    def read():
        return tuple(
            metric(client, f'softfactory_payment_attempts_total{{outcome="{outcome}"}}')
            for outcome in ("succeeded", "declined", "failed")
        )

    return read


@pytest.fixture
def payments_in_database(environment):
    def read():
        engine = create_engine(environment["DATABASE_URL"])
        with engine.connect() as connection:
            rows = connection.execute(text("SELECT status, gateway_id FROM payments ORDER BY id"))
            return [tuple(row) for row in rows]

    return read


def test_users_are_listed_and_shown(client):
    users = client.get("/api/users").json["users"]
    assert len(users) >= 3
    assert client.get("/api/users/1").json == users[0]


@pytest.mark.parametrize("user", ["99", "0", "99999999999999999999", "ada"])
def test_a_user_that_does_not_exist_is_not_found(client, user):
    answer = client.get(f"/api/users/{user}")
    assert (answer.status_code, answer.json["error"]) == (404, "Not Found")


def test_a_booking_is_made_and_listed_first(client):
    client.post("/api/bookings", json={"user_id": 1, "room": "old"})
    made = client.post("/api/bookings", json={"user_id": 2, "room": "Turing"})
    assert made.status_code == 201
    assert made.json["created_at"].endswith("Z")
    assert client.get("/api/bookings").json["bookings"][0] == made.json


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"room": "x"}, "user_id"),
        ({"user_id": True, "room": "x"}, "user_id"),
        ({"user_id": 2**40, "room": "x"}, "user_id"),
        ({"user_id": 1}, "room"),
        ({"user_id": 1, "room": " "}, "room"),
        ({"user_id": 1, "room": "a\x00b"}, "room"),
        ({"user_id": 1, "room": "x" * 101}, "room"),
        ([], "JSON object"),
    ],
)
def test_a_booking_that_is_not_as_it_should_be_is_refused_by_its_field(client, body, field):
    answer = client.post("/api/bookings", json=body)
    assert answer.status_code == 400
    assert field in answer.json["message"]


@pytest.mark.parametrize(
    "changes",
    [
        {"amount_cents": 0},
        {"amount_cents": 10**9},
        {"amount_cents": "1250"},
        {"payment_method": ""},
        {"payment_method": "pm_\n"},
    ],
)
def test_a_payment_that_is_not_as_it_should_be_never_reaches_the_gateway(
    pay, attempts, changes, gateway_log
):
    assert pay(**changes).status_code == 400
    assert attempts() == (0, 0, 0)
    assert gateway_log.read_text() == ""


def test_a_body_that_is_no_json_is_refused(client):
    answer = client.post("/api/payments", data="user_id=1")
    assert answer.status_code == 400


def test_a_body_beyond_all_measure_is_refused(client):
    assert client.post("/api/bookings", data=b"x" * 100_000).status_code in (400, 413)


def test_nobody_books_or_pays_for_a_user_that_does_not_exist(client, pay, gateway_log):
    assert client.post("/api/bookings", json={"user_id": 99, "room": "x"}).status_code == 404
    assert pay(user_id=99).status_code == 404
    assert gateway_log.read_text() == ""


def test_all_outcomes_are_counted_from_zero_on(attempts):
    assert attempts() == (0, 0, 0)


def test_a_payment_succeeds(pay, attempts, payments_in_database, gateway_log):
    answer = pay()
    assert (answer.status_code, answer.json["status"]) == (201, "succeeded")
    assert attempts() == (1, 0, 0)
    ((status, gateway_id),) = payments_in_database()
    assert status == "succeeded"
    assert gateway_id.startswith("pi_")
    (line,) = gateway_log.read_text().splitlines()
    assert json.loads(line)["status"] == 200


def test_a_declined_card_is_no_failure(pay, attempts, payments_in_database):
    answer = pay(DECLINED)
    assert (answer.status_code, answer.json["reason"]) == (402, "card_declined")
    assert attempts() == (0, 1, 0)
    ((status, gateway_id),) = payments_in_database()
    assert status == "declined"
    assert gateway_id.startswith("pi_")


def test_a_gateway_that_declines_everything_is_no_failure(pay, attempts, control):
    control.write_text("decline")
    assert pay().status_code == 402
    assert attempts() == (0, 1, 0)


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("error500", "APIError"),
        ("timeout", "APIConnectionError"),
        ("refuse_key", "AuthenticationError"),
    ],
)
def test_a_gateway_that_misbehaves_is_a_failure_of_each_attempt(
    pay, attempts, control, payments_in_database, behaviour, reason
):
    control.write_text(behaviour)
    answer = pay()
    assert (answer.status_code, answer.json["reason"]) == (502, reason)
    assert attempts() == (0, 0, 1)
    assert payments_in_database() == [("failed", None)]
    control.write_text("normal")
    assert pay().status_code == 201


def test_a_card_that_the_gateway_does_not_know_is_a_failure(pay, attempts):
    assert pay("pm_card_unheard_of").status_code == 502
    assert attempts() == (0, 0, 1)


def test_a_gateway_that_is_gone_is_a_failure(make_client, metric, tmp_path, monkeypatch, gateway):
    key_file = tmp_path / "key"
    key_file.write_text("sk_test_0123456789abcdef")
    monkeypatch.setenv("STRIPE_API_KEY_FILE", str(key_file))
    monkeypatch.setenv("STRIPE_API_BASE", "http://127.0.0.1:1")  # nobody listens there
    client = make_client()
    body = {"user_id": 1, "amount_cents": 1250, "payment_method": VISA}
    assert client.post("/api/payments", json=body).status_code == 502
    assert metric(client, 'softfactory_payment_attempts_total{outcome="failed"}') == 1


def test_without_a_key_every_payment_fails_and_the_log_said_so(make_client, read_log):
    client = make_client()
    body = {"user_id": 1, "amount_cents": 1250, "payment_method": VISA}
    assert client.post("/api/payments", json=body).status_code == 502
    assert "STRIPE_API_KEY_FILE is not set" in "".join(read_log())


def test_a_proxy_of_the_environment_does_not_stand_before_this_machine(pay, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert pay().status_code == 201


def test_the_log_says_on_whose_behalf_a_request_came(client, read_log):
    client.get("/api/users", headers={"X-User-Id": "7", "X-Request-Id": "asked"})
    records = [json.loads(line) for line in read_log()]
    (record,) = [one for one in records if one.get("request_id") == "asked"]
    assert (record["user.id"], record["url.path"]) == ("7", "/api/users")


def test_no_secret_reaches_the_log_or_the_client(pay, control, read_log):
    control.write_text("refuse_key")
    answer = pay()
    for said in (answer.text, "".join(read_log())):
        assert "0123456789abcdef" not in said


def test_a_database_that_is_away_is_told_within_the_promised_time_and_so_is_its_return(
    client, metric, tmp_path
):
    def database_is(wanted):
        wait_until(
            lambda: metric(client, 'softfactory_database_up{database="default"}') == wanted or None,
            what=f"softfactory_database_up {wanted}",
            timeout_seconds=10,
        )

    assert metric(client, 'softfactory_database_up{database="default"}') == 1
    path = tmp_path / "softfactory.sqlite3"
    away = path.rename(tmp_path / "softfactory.away")
    database_is(0)
    assert client.get("/api/users").status_code == 500
    assert client.get("/api/users").json["error"] == "Internal Server Error"
    wait_until(  # an answer is believed for a second, and the gauge asks all the time
        lambda: client.get("/api/metrics/ready").status_code == 503,
        what="ready to say 503",
        timeout_seconds=10,
    )
    assert client.get("/api/metrics/health").status_code == 200
    assert not path.exists()
    away.rename(path)
    database_is(1)
    assert client.get("/api/users").status_code == 200


def test_rows_are_counted_in_the_background(client, metric):
    client.post("/api/bookings", json={"user_id": 1, "room": "x"})
    wait_until(
        lambda: metric(client, "softfactory_database_bookings") == 1 or None,
        what="the booking to be counted",
        timeout_seconds=10,
    )
    assert metric(client, "softfactory_database_users") == 5


def test_numbers_that_can_no_longer_be_counted_keep_their_last_value_and_the_failure_counts(
    client, metric, tmp_path
):
    failures = 'softfactory_background_failures_total{task="business"}'
    assert metric(client, "softfactory_database_users") == 5
    assert metric(client, failures) == 0
    path = tmp_path / "softfactory.sqlite3"
    path.rename(tmp_path / "softfactory.away")
    wait_until(lambda: metric(client, failures) or None, what="a failed count", timeout_seconds=10)
    assert metric(client, "softfactory_database_users") == 5


def test_the_queries_of_requests_are_timed_and_those_of_the_probe_are_not(client, metric):
    name = "softfactory_database_query_duration_seconds_count"
    inserts = f'{name}{{database="default",operation="insert"}}'
    assert metric(client, inserts) == 0  # the probe has written already, and does again
    client.post("/api/bookings", json={"user_id": 1, "room": "x"})
    assert metric(client, inserts) == 1


def test_a_query_that_fails_is_counted_as_an_error_of_the_database(client, metric, tmp_path):
    errors = 'softfactory_database_errors_total{database="default",kind="OperationalError"}'
    assert metric(client, errors) == 0
    path = tmp_path / "softfactory.sqlite3"
    path.rename(tmp_path / "softfactory.away")
    assert client.get("/api/users").status_code == 500
    assert metric(client, errors) >= 1


def test_the_age_of_the_last_backup_is_that_of_the_moment_and_absent_without_one(
    client, metric, tmp_path
):
    age = "softfactory_backup_age_seconds"
    with pytest.raises(AssertionError, match=age):
        metric(client, age)
    record = tmp_path / "backups" / "last-backup.json"
    record.parent.mkdir()
    completed_at = time.time() - 3600
    record.write_text(json.dumps({"completed_at": completed_at}))
    wait_until(
        lambda: metric(client, "softfactory_backup_last_success_timestamp_seconds") or None,
        what="the backup's record",
        timeout_seconds=10,
    )
    asked_at = time.time()
    first = metric(client, age)
    assert asked_at - completed_at <= first <= time.time() - completed_at
    assert metric(client, age) > first


def test_the_last_backup_is_read_again_and_again(client, metric, tmp_path):
    def last_backup_is(wanted):
        wait_until(
            lambda: (
                metric(client, "softfactory_backup_last_success_timestamp_seconds") == wanted
                or None
            ),
            what=f"the last backup at {wanted}",
            timeout_seconds=10,
        )

    record = tmp_path / "backups" / "last-backup.json"
    assert metric(client, "softfactory_backup_last_success_timestamp_seconds") == 0
    record.parent.mkdir()
    record.write_text(json.dumps({"completed_at": 1234567890.5, "path": "x", "bytes": 1}))
    last_backup_is(1234567890.5)
    record.write_text("{half of a rec")
    last_backup_is(0)
    record.write_text(json.dumps({"completed_at": 1234567891}))
    last_backup_is(1234567891)
    record.unlink()
    last_backup_is(0)


def test_importing_has_no_effect(tmp_path):
    code = (
        "import threading; from instrumentation.demo import create_app; "
        "assert threading.active_count() == 1"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr, list(tmp_path.iterdir())) == (0, "", [])


def test_asking_for_the_factory_loads_what_is_expensive_and_the_gateway_does_not():
    code = (
        "import sys; import instrumentation.demo.gateway; "
        "assert not {'sqlalchemy', 'stripe', 'flask'} & set(sys.modules); "
        "from instrumentation.demo import create_app; "
        "assert {'sqlalchemy', 'stripe', 'flask'} <= set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
