"""The doubles as a sender meets them: on sockets, with secrets in files, and gone afterwards."""

import http.client
import smtplib
import socket
import ssl
import stat
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from urllib.parse import urlsplit

import pytest
import requests
import trustme

from stack.receivers import ON_CALL_ADDRESS, Receivers
from stack.waiting import wait_until

HEADLINE = "[FIRING] HIGH SlowResponseTime on softfactory: P95 is 1.5 s"
SECRETS = ["pagerduty_routing_key", "slack_incidents_url", "slack_alerts_url", "smtp_password"]


@pytest.fixture
def received():
    return []


@pytest.fixture
def receivers(tmp_path, received):
    with Receivers(tmp_path / "secrets", received.append) as running:
        yield running


@pytest.fixture
def secret(tmp_path, receivers):
    return lambda name: (tmp_path / "secrets" / name).read_text()


@pytest.fixture
def trust(receivers):
    return ssl.create_default_context(cafile=receivers.smtp_ca_file)


@pytest.fixture
def connection(receivers):
    host, port = receivers.smtp_smarthost.split(":")
    with smtplib.SMTP(host, int(port), timeout=5) as client:
        yield client


def mail():
    message = EmailMessage()
    message["From"] = "alertmanager@softfactory.example"
    message["To"] = ON_CALL_ADDRESS
    message["Date"] = "Mon, 24 Nov 2025 09:00:00 +0000"
    message["Subject"] = HEADLINE
    message.set_content("runbook: https://runbooks.example/slow")
    return message


def page(secret, **changes):
    return {
        "routing_key": secret("pagerduty_routing_key"),
        "event_action": "trigger",
        "payload": {"summary": HEADLINE, "source": "alertmanager", "severity": "error"},
        **changes,
    }


def test_secrets_are_files_of_their_owner_alone(tmp_path, receivers, secret):
    for name in SECRETS:
        assert stat.S_IMODE((tmp_path / "secrets" / name).stat().st_mode) == 0o600
        assert secret(name) == secret(name).strip()
    assert len(secret("pagerduty_routing_key")) == 32


def test_secrets_are_new_in_every_run_and_replace_old_files(tmp_path):
    seen = set()
    for _ in range(2):
        with Receivers(tmp_path, lambda _: None):
            seen.update((tmp_path / name).read_text() for name in SECRETS)
        for name in SECRETS:
            (tmp_path / name).chmod(0o644)
    assert len(seen) == 2 * len(SECRETS)


def test_a_page_and_a_message_arrive_and_are_kept_in_order(receivers, secret, received):
    before = time.time()
    paged = requests.post(receivers.pagerduty_url, json=page(secret), timeout=5)
    posted = requests.post(
        secret("slack_alerts_url"), json={"attachments": [{"title": HEADLINE}]}, timeout=5
    )
    assert (paged.status_code, posted.status_code, posted.text) == (202, 200, "ok")
    assert receivers.deliveries == received
    assert [delivery.receiver for delivery in received] == ["pagerduty", "slack #alerts"]
    assert before <= received[0].at <= received[1].at <= time.time()


def test_one_connection_serves_many_requests(receivers, secret):
    address = urlsplit(secret("slack_incidents_url"))
    client = http.client.HTTPConnection(address.hostname, address.port, timeout=5)
    try:
        client.connect()
        first = client.sock
        for body, status in [('{"text": "a"}', 200), ("{", 400), ('{"text": "b"}', 200)]:
            client.request("POST", address.path, body, {"Content-Type": "application/json"})
            answer = client.getresponse()
            answer.read()
            assert answer.status == status
            assert client.sock is first
    finally:
        client.close()


def test_many_senders_at_once_lose_nothing(receivers, secret):
    url = secret("slack_alerts_url")
    with ThreadPoolExecutor(16) as pool:
        answers = list(
            pool.map(
                lambda n: requests.post(url, json={"text": f"message {n}"}, timeout=10), range(48)
            )
        )
    assert {answer.status_code for answer in answers} == {200}
    assert {delivery.text for delivery in receivers.deliveries} == {
        f"message {n}" for n in range(48)
    }


def test_a_body_that_breaks_off_is_no_delivery(receivers, secret, received):
    address = urlsplit(receivers.pagerduty_url)
    with socket.create_connection((address.hostname, address.port), timeout=5) as half:
        half.sendall(b"POST /v2/enqueue HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{")
        half.shutdown(socket.SHUT_WR)
        assert half.recv(1024) == b""
    assert received == []


def test_a_body_of_unknown_length_is_refused(receivers, received):
    answer = requests.post(receivers.pagerduty_url, data=iter([b"{}"]), timeout=5)
    assert answer.status_code == 411
    assert received == []


def test_a_mail_arrives_over_verified_tls_with_a_login(connection, trust, receivers, secret):
    connection.starttls(context=trust)
    connection.login(receivers.smtp_username, secret("smtp_password"))
    connection.send_message(mail(), to_addrs=[ON_CALL_ADDRESS])
    (delivery,) = receivers.deliveries
    assert (delivery.receiver, delivery.accepted) == ("email on-call", True)
    assert (delivery.status, delivery.alert) == ("firing", "SlowResponseTime")
    assert "https://runbooks.example/slow" in delivery.text


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_each_login_mechanism_is_checked(connection, trust, receivers, secret, mechanism):
    connection.starttls(context=trust)
    connection.ehlo()
    assert connection.esmtp_features["auth"].split() == ["LOGIN", "PLAIN"]
    connection.user = receivers.smtp_username
    check = getattr(connection, f"auth_{mechanism.lower()}")
    connection.password = "wrong"
    with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
        connection.auth(mechanism, check)
    assert refused.value.smtp_code == 535
    connection.password = secret("smtp_password")
    assert connection.auth(mechanism, check)[0] == 235


def test_a_wrong_password_is_on_record(connection, trust, receivers):
    connection.starttls(context=trust)
    connection.ehlo()
    connection.user, connection.password = receivers.smtp_username, "wrong"
    with pytest.raises(smtplib.SMTPAuthenticationError):
        connection.auth("PLAIN", connection.auth_plain)
    (delivery,) = receivers.deliveries
    assert delivery.receiver == "email <unknown>"
    assert delivery.refusal == "535 5.7.8 Authentication credentials invalid"
    assert not delivery.accepted


def test_mail_without_starttls_is_refused(connection, receivers):
    connection.ehlo()
    assert "auth" not in connection.esmtp_features
    assert connection.mail(receivers.smtp_username)[0] == 530
    assert [delivery.refusal for delivery in receivers.deliveries] == [
        "530 Must issue a STARTTLS command first"
    ]


def test_mail_without_a_login_is_refused(connection, trust, receivers):
    connection.starttls(context=trust)
    connection.ehlo()
    assert connection.mail(receivers.smtp_username)[0] == 530
    assert [delivery.refusal for delivery in receivers.deliveries] == [
        "530 5.7.0 Authentication required"
    ]


def test_mail_to_a_stranger_or_from_a_stranger_is_refused(connection, trust, receivers, secret):
    connection.starttls(context=trust)
    connection.login(receivers.smtp_username, secret("smtp_password"))
    assert connection.mail("ceo@softfactory.example")[0] == 553
    assert connection.mail(receivers.smtp_username)[0] == 250
    assert connection.rcpt("nobody@softfactory.example")[0] == 550
    assert [delivery.accepted for delivery in receivers.deliveries] == [False, False]


def test_a_mail_that_is_no_internet_message_is_refused(connection, trust, receivers, secret):
    connection.starttls(context=trust)
    connection.login(receivers.smtp_username, secret("smtp_password"))
    with pytest.raises(smtplib.SMTPDataError) as refused:
        connection.sendmail(receivers.smtp_username, [ON_CALL_ADDRESS], "no headers")
    assert refused.value.smtp_code == 550
    assert [delivery.receiver for delivery in receivers.deliveries] == ["email on-call"]


def test_a_client_that_trusts_other_authorities_is_on_record(connection, receivers):
    other = ssl.create_default_context()
    trustme.CA().configure_trust(other)
    with pytest.raises(ssl.SSLCertVerificationError):
        connection.starttls(context=other)
    connection.close()
    (delivery,) = wait_until(
        lambda: receivers.deliveries or None, what="the broken handshake", timeout_seconds=5
    )
    assert delivery.refusal.startswith("454 4.7.0 TLS not available")


def test_a_failing_observer_fails_the_run_but_not_the_receiver(tmp_path):
    def fail(delivery):
        raise LookupError(delivery.receiver)

    def run():
        with Receivers(tmp_path, fail) as receivers:
            url = (tmp_path / "slack_alerts_url").read_text()
            assert requests.post(url, json={"text": "x"}, timeout=5).status_code == 200
            assert len(receivers.deliveries) == 1

    with pytest.raises(ExceptionGroup) as failed:
        run()
    assert [str(error) for error in failed.value.exceptions] == ["slack #alerts"]


def test_nothing_is_left_when_connections_are_open(tmp_path):
    before = set(threading.enumerate())
    with Receivers(tmp_path, lambda _: None) as receivers:
        smtp = receivers.smtp_smarthost
        web = [receivers.pagerduty_url, (tmp_path / "slack_alerts_url").read_text()]
        addresses = [smtp, *(urlsplit(url).netloc for url in web)]
        targets = [(host, int(port)) for host, port in (a.split(":") for a in addresses)]
        idle = [socket.create_connection(target, timeout=5) for target in targets]
        idle[0].recv(1024)
        idle[1].sendall(b"POST /v2/enqueue HTTP/1.1\r\n")
        encrypted = smtplib.SMTP(*targets[0], timeout=5)
        encrypted.starttls(context=ssl.create_default_context(cafile=receivers.smtp_ca_file))
        started = time.monotonic()
    assert time.monotonic() - started < 2
    for client in [*idle, encrypted.sock]:
        client.close()
    assert set(threading.enumerate()) <= before
    for target in targets:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(target, timeout=5)


def test_a_run_that_fails_leaves_nothing(tmp_path):
    before = set(threading.enumerate())

    def run():
        with Receivers(tmp_path, lambda _: None):
            raise KeyError("the drill failed")

    with pytest.raises(KeyError):
        run()
    assert set(threading.enumerate()) <= before


def test_waiting_costs_no_cpu(receivers):
    spent = time.process_time()
    threading.Event().wait(0.5)  # an idle stretch is what is measured, so there is no condition
    assert time.process_time() - spent < 0.05
