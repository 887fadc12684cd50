"""The gateway's double speaks Stripe's wire format, and refuses what Stripe refuses."""

import http.client
import json
import socket
import threading
import time
from urllib.parse import urlencode

import pytest
import requests
import stripe

from instrumentation.demo.gateway import GatewayDouble
from stack.waiting import wait_until

API_KEY = "sk_test_0123456789abcdef"
ORDER = {
    "amount": "1250",
    "currency": "usd",
    "confirm": "true",
    "payment_method": "pm_card_visa",
    "payment_method_types[]": "card",
}


@pytest.fixture
def post(gateway):
    def send(changes=None, *, without=(), path="/v1/payment_intents", **headers):
        form = {
            key: value for key, value in (ORDER | (changes or {})).items() if key not in without
        }
        return requests.post(
            gateway.url + path,
            data=form,
            headers={"Authorization": f"Bearer {API_KEY}", **headers},
            timeout=10,
        )

    return send


@pytest.fixture
def official(gateway):
    return stripe.StripeClient(
        API_KEY, base_addresses={"api": gateway.url}, max_network_retries=0
    ).v1.payment_intents


def error_of(answer):
    error = answer.json()["error"]
    return answer.status_code, error["type"], error.get("code"), error.get("param")


def test_a_good_card_is_charged(post):
    answer = post({"metadata[reference]": "r1"})
    intent = answer.json()
    assert answer.status_code == 200
    assert answer.headers["Request-Id"].startswith("req_")
    assert (intent["object"], intent["status"]) == ("payment_intent", "succeeded")
    assert (intent["amount"], intent["amount_received"], intent["currency"]) == (1250, 1250, "usd")
    assert intent["metadata"] == {"reference": "r1"}


def test_the_official_client_understands_a_charge_and_finds_it_again(official):
    intent = official.create({"amount": 50, "currency": "usd", "payment_method": "pm_card_visa"})
    assert intent.status == "requires_confirmation"
    assert official.retrieve(intent.id).id == intent.id
    with pytest.raises(stripe.InvalidRequestError, match="No such payment_intent") as refused:
        official.retrieve("pi_none")
    assert refused.value.http_status == 404


def test_the_official_client_understands_a_declined_card(official):
    with pytest.raises(stripe.CardError) as declined:
        official.create(
            {
                "amount": 1250,
                "currency": "usd",
                "confirm": True,
                "payment_method": "pm_card_chargeDeclined",
                "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            }
        )
    assert (declined.value.http_status, declined.value.code) == (402, "card_declined")
    assert declined.value.error.decline_code == "generic_decline"
    assert declined.value.error.payment_intent.status == "requires_payment_method"


def test_an_intent_without_a_card_waits_for_one(post):
    intent = post({"confirm": "false"}, without=["payment_method"]).json()
    assert intent["status"] == "requires_payment_method"


@pytest.mark.parametrize(
    ("changes", "without", "expected"),
    [
        ({}, ["amount"], (400, "invalid_request_error", "parameter_missing", "amount")),
        ({}, ["currency"], (400, "invalid_request_error", "parameter_missing", "currency")),
        (
            {"amount": "12.50"},
            [],
            (400, "invalid_request_error", "parameter_invalid_integer", "amount"),
        ),
        (
            {"amount": "-5"},
            [],
            (400, "invalid_request_error", "parameter_invalid_integer", "amount"),
        ),
        ({"amount": "49"}, [], (400, "invalid_request_error", "amount_too_small", "amount")),
        ({"amount": "100000000"}, [], (400, "invalid_request_error", "amount_too_large", "amount")),
        ({"currency": "xyz"}, [], (400, "invalid_request_error", None, "currency")),
        (
            {"payment_method": "pm_unheard_of"},
            [],
            (400, "invalid_request_error", "resource_missing", "payment_method"),
        ),
        (
            {},
            ["payment_method"],
            (400, "invalid_request_error", "payment_intent_unexpected_state", None),
        ),
        ({"amout": "1"}, [], (400, "invalid_request_error", "parameter_unknown", "amout")),
        ({"confirm": "yes"}, [], (400, "invalid_request_error", None, "confirm")),
        ({}, ["payment_method_types[]"], (400, "invalid_request_error", None, None)),
    ],
)
def test_a_request_that_stripe_would_refuse_is_refused(post, changes, without, expected):
    assert error_of(post(changes, without=without)) == expected


@pytest.mark.parametrize(
    "authorization",
    ["", "Basic abc", "Bearer", "Bearer sk_test_wrong00000", f"Bearer {API_KEY}x", "Bearer \xe4"],
)
def test_a_missing_or_wrong_key_is_refused(post, authorization):
    answer = post(Authorization=authorization)
    assert error_of(answer) == (401, "invalid_request_error", None, None)
    assert API_KEY not in answer.text


def test_without_a_configured_key_any_test_key_passes_and_no_other():
    with GatewayDouble().serving() as double:
        for key, status in (("sk_test_12345678", 200), ("sk_live_12345678", 401)):
            answer = requests.post(
                f"{double.url}/v1/payment_intents",
                data=ORDER,
                headers={"Authorization": f"Bearer {key}"},
                timeout=10,
            )
            assert answer.status_code == status


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/payment_intents"), ("POST", "/v1/charges"), ("DELETE", "/v1/payment_intents")],
)
def test_a_path_or_method_that_is_not_served_is_not_found(gateway, method, path):
    answer = requests.request(
        method, gateway.url + path, headers={"Authorization": f"Bearer {API_KEY}"}, timeout=10
    )
    assert error_of(answer) == (404, "invalid_request_error", None, None)


def test_json_is_refused_where_a_form_is_expected(gateway):
    answer = requests.post(
        f"{gateway.url}/v1/payment_intents",
        json=ORDER,
        headers={"Authorization": f"Bearer {API_KEY}"},
        timeout=10,
    )
    assert answer.status_code == 400


def test_the_same_idempotency_key_charges_once(post):
    first = post(**{"Idempotency-Key": "k1"})
    again = post(**{"Idempotency-Key": "k1"})
    assert again.json()["id"] == first.json()["id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    other = post({"amount": "1300"}, **{"Idempotency-Key": "k1"})
    assert error_of(other) == (400, "idempotency_error", None, None)
    assert post(**{"Idempotency-Key": "k2"}).json()["id"] != first.json()["id"]


@pytest.mark.parametrize(
    ("behaviour", "status", "kind"),
    [
        ("error500", 500, "api_error"),
        ("refuse_key", 401, "invalid_request_error"),
        ("decline", 402, "card_error"),
    ],
)
def test_a_behaviour_holds_from_the_next_request_on_and_until_it_is_changed(
    post, control, behaviour, status, kind
):
    assert post().status_code == 200
    control.write_text(f"{behaviour}\n")
    assert error_of(post())[:2] == (status, kind)
    control.write_text("")  # whoever writes it may be in the middle of that
    assert post().status_code == status
    control.write_text("normal")
    assert post().status_code == 200


def test_a_behaviour_that_nobody_knows_changes_nothing_and_is_said(post, control, capfd):
    control.write_text("decline")
    assert post().status_code == 402
    control.write_text("decilne")
    assert post().status_code == 402
    assert "unknown behaviour 'decilne'; known: normal, error500" in capfd.readouterr().err
    control.unlink()
    assert post().status_code == 200


def test_each_answer_is_a_line_of_the_log_before_it_is_sent(post, gateway_log, control):
    post()
    control.write_text("error500")
    post()
    lines = [json.loads(line) for line in gateway_log.read_text().splitlines()]
    assert [(line["status"], line["behaviour"]) for line in lines] == [
        (200, "normal"),
        (500, "error500"),
    ]
    assert lines[0]["at"] <= lines[1]["at"] <= time.time()


def test_a_request_that_is_held_is_let_go_when_the_client_hangs_up(gateway, control, gateway_log):
    control.write_text("timeout")
    threads_before = threading.active_count()
    with socket.create_connection(("127.0.0.1", gateway.port)) as connection:
        connection.sendall(b"POST /v1/payment_intents HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(1)
    wait_until(
        lambda: threading.active_count() <= threads_before or None,
        what="the thread that held the request to end",
        timeout_seconds=5,
    )
    assert gateway_log.read_text() == ""


def test_a_held_request_does_not_hold_up_the_end(control):
    control.write_text("timeout")
    double = GatewayDouble(control_file=control)
    with double.serving():
        connection = socket.create_connection(("127.0.0.1", double.port))
        connection.sendall(b"POST /v1/payment_intents HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
        begun = time.monotonic()
    connection.close()
    assert time.monotonic() - begun < 5


def test_a_connection_is_kept_and_used_again(gateway):
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10)
    headers = {
        "Authorization": f"Bearer {API_KEY}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    ports = set()
    for _ in range(3):
        connection.request("POST", "/v1/payment_intents", urlencode(ORDER), headers)
        ports.add(connection.sock.getsockname()[1])
        answer = connection.getresponse()
        assert answer.status == 200
        answer.read()
    connection.close()
    assert len(ports) == 1


def test_a_body_without_a_length_is_refused_and_the_connection_closed(gateway):
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as connection:
        connection.sendall(
            b"POST /v1/payment_intents HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        )
        answer = b""
        while received := connection.recv(65536):
            answer += received
    assert answer.startswith(b"HTTP/1.1 400")
