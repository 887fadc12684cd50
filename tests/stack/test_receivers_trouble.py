"""Receivers fail as they are told to, for as long as they are told to, and are whole afterwards."""

import smtplib
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage

import pytest
import requests

from stack.receivers import ON_CALL_ADDRESS, Receivers, Trouble
from stack.waiting import wait_until

HEADLINE = "[FIRING] HIGH SlowResponseTime on shop: slow | since 14:03 UTC | do: look"


@pytest.fixture
def receivers(tmp_path):
    with Receivers(tmp_path / "secrets", lambda _: None) as running:
        yield running


@pytest.fixture
def post(tmp_path, receivers):
    """Post a good message to a receiver; return the status."""

    def send(receiver, timeout=5.0):
        secret = lambda name: (tmp_path / "secrets" / name).read_text()  # noqa: E731 - one expression
        if receiver == "pagerduty":
            payload = {"summary": HEADLINE, "source": "am", "severity": "error"}
            event = {
                "routing_key": secret("pagerduty_routing_key"),
                "event_action": "trigger",
                "payload": payload,
            }
            return requests.post(receivers.pagerduty_url, json=event, timeout=timeout).status_code
        if receiver == "discord #ops":
            body = {"embeds": [{"title": HEADLINE}]}
            return requests.post(secret("discord_ops_url"), json=body, timeout=timeout).status_code
        url = secret("slack_alerts_url")
        return requests.post(url, json={"text": HEADLINE}, timeout=timeout).status_code

    return send


@pytest.fixture
def mail(tmp_path, receivers):
    """Send a mail to the on-call address; return the code of the mail server's last reply."""

    def send(timeout=5.0):
        host, port = receivers.smtp_smarthost.split(":")
        message = EmailMessage()
        message["From"] = receivers.smtp_username
        message["To"] = ON_CALL_ADDRESS
        message["Date"] = "Mon, 24 Nov 2025 09:00:00 +0000"
        message["Subject"] = HEADLINE
        message.set_content("text")
        with smtplib.SMTP(host, int(port), timeout=timeout) as client:
            client.starttls(context=ssl.create_default_context(cafile=receivers.smtp_ca_file))
            password = (tmp_path / "secrets" / "smtp_password").read_text()
            client.login(receivers.smtp_username, password)
            try:
                client.send_message(message)
            except smtplib.SMTPDataError as refused:
                return refused.smtp_code
        return 250

    return send


WEB = {"pagerduty": 202, "slack #alerts": 200, "discord #ops": 204}


@pytest.mark.parametrize(("trouble", "status"), [("rate limited", 429), ("server error", 500)])
@pytest.mark.parametrize("receiver", WEB)
def test_a_status_is_answered_a_number_of_times_and_then_no_more(
    receivers, post, receiver, trouble, status
):
    with receivers.failing(receiver, Trouble(trouble), times=2) as spell:
        assert [post(receiver) for _ in range(3)] == [status, status, WEB[receiver]]
    assert spell.hits == 2
    assert [each.accepted for each in receivers.deliveries] == [False, False, True]
    assert {each.alert for each in receivers.deliveries} == {"SlowResponseTime"}
    assert receivers.deliveries[0].refusal.startswith(str(status))


def test_trouble_of_one_receiver_is_nobody_elses(receivers, post):
    with receivers.failing("discord #ops", Trouble.SERVER_ERROR):
        assert post("slack #alerts") == 200
        assert post("discord #ops") == 500
    assert post("discord #ops") == 204


def test_trouble_may_last_some_seconds(receivers, post):
    with receivers.failing("slack #alerts", Trouble.SERVER_ERROR, seconds=0.3) as spell:
        assert post("slack #alerts") == 500
        assert spell.over.wait(5)
        assert post("slack #alerts") == 200


def test_silence_takes_the_message_and_never_answers(receivers, post):
    with receivers.failing("slack #alerts", Trouble.SILENT):
        with pytest.raises(requests.ReadTimeout):
            post("slack #alerts", timeout=0.3)
        assert [each.accepted for each in receivers.deliveries] == [True]
    assert post("slack #alerts") == 200


def test_who_waits_in_silence_is_let_go_when_it_ends(receivers, post):
    with ThreadPoolExecutor(1) as pool:
        with receivers.failing("slack #alerts", Trouble.SILENT):
            waiting = pool.submit(post, "slack #alerts")
            wait_until(lambda: receivers.deliveries or None, what="it", timeout_seconds=5)
        with pytest.raises(requests.ConnectionError):
            waiting.result(5)


def test_refused_connections_are_accepted_again_on_the_same_port(receivers, post):
    with requests.Session() as kept:
        url = receivers.pagerduty_url
        assert kept.get(url, timeout=5).status_code == 405
        with receivers.failing("pagerduty", Trouble.REFUSED):
            with pytest.raises(requests.ConnectionError):
                kept.get(url, timeout=5)
            with pytest.raises(requests.ConnectionError, match="refused"):
                post("pagerduty")
        assert kept.get(url, timeout=5).status_code == 405
    assert receivers.pagerduty_url == url
    assert post("pagerduty") == 202


def test_refusal_may_last_some_seconds(receivers, post):
    with receivers.failing("slack #alerts", Trouble.REFUSED, seconds=0.2) as spell:
        with pytest.raises(requests.ConnectionError):
            post("slack #alerts")
        assert spell.over.wait(5)
        assert post("slack #alerts") == 200


@pytest.mark.parametrize("trouble", [Trouble.RATE_LIMITED, Trouble.SERVER_ERROR])
def test_a_mail_server_asks_to_come_again(receivers, mail, trouble):
    with receivers.failing("email on-call", trouble, times=1):
        assert [mail(), mail()] == [451, 250]
    assert [each.accepted for each in receivers.deliveries] == [False, True]


def test_a_silent_mail_server_takes_the_mail(receivers, mail):
    with receivers.failing("email digest", Trouble.SILENT):
        with pytest.raises((TimeoutError, smtplib.SMTPServerDisconnected)):
            mail(timeout=0.5)
        assert [each.accepted for each in receivers.deliveries] == [True]
    assert mail() == 250


def test_a_mail_server_that_nobody_reaches_comes_back_on_its_port(receivers, mail):
    with receivers.failing("email on-call", Trouble.REFUSED), pytest.raises(ConnectionRefusedError):
        mail()
    assert mail() == 250


def test_trouble_ends_with_its_block_even_when_that_fails(receivers, post):
    def fail():
        with receivers.failing("slack #alerts", Trouble.REFUSED):
            raise KeyError("the drill failed")

    with pytest.raises(KeyError, match="the drill failed"):
        fail()
    assert post("slack #alerts") == 200


def test_what_cannot_be_told_is_refused(receivers):
    with pytest.raises(KeyError, match="there are pagerduty, slack"):
        receivers.failing("pager", Trouble.SILENT).__enter__()
    with pytest.raises(ValueError, match="bound them by seconds"):
        receivers.failing("pagerduty", Trouble.REFUSED, times=1).__enter__()
    with receivers.failing("pagerduty", Trouble.SILENT), pytest.raises(RuntimeError):
        receivers.failing("pagerduty", Trouble.SERVER_ERROR).__enter__()


def test_a_run_that_ends_in_trouble_leaves_nothing(tmp_path):
    before = set(threading.enumerate())
    started = time.monotonic()
    with Receivers(tmp_path, lambda _: None) as receivers:
        with receivers.failing("slack #alerts", Trouble.REFUSED, seconds=60):
            pass
        with receivers.failing("email on-call", Trouble.REFUSED, seconds=60):
            pass
    assert time.monotonic() - started < 5
    assert set(threading.enumerate()) <= before
