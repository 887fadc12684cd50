"""A mail is read as a mail program shows it, whatever it is encoded in."""

from email.message import EmailMessage

import pytest

from stack.receivers.mail import readable, refusal

HEADLINE = "[FIRING] HIGH FailedDatabaseBackup on softfactory: no backup for 25 h"


def mail(*lines, body=""):
    head = ["From: alertmanager@softfactory.example", "Date: Mon, 24 Nov 2025 09:00:00 +0000"]
    return "\r\n".join([*head, *lines, "", body]).encode()


def test_a_complete_mail_is_accepted():
    assert refusal(mail("Subject: x")) is None


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"Date: Mon, 24 Nov 2025 09:00:00 +0000\r\n\r\nx", "0 From headers"),
        (b"From: a@b.example\r\n\r\nx", "0 Date headers"),
        (mail("From: b@b.example"), "2 From headers"),
        (mail("Subject: a", "Subject: b"), "several Subject headers"),
        (b"", "0 From headers"),
    ],
)
def test_a_mail_that_is_no_internet_message_is_refused(raw, reason):
    assert refusal(raw) == f"550 5.6.0 Message is not RFC 5322 compliant: {reason}"


def test_a_plain_mail_reads_as_it_is():
    assert readable(mail("Subject: hello", body="line one\r\nline two")) == (
        "hello",
        "hello\nline one\nline two",
    )


@pytest.mark.parametrize(
    "encoded",
    [
        "=?utf-8?q?[FIRING]_HIGH_P95_=C3=BCber_1_s?=",
        "=?utf-8?b?W0ZJUklOR10gSElHSCBQOTUgw7xiZXIgMSBz?=",
        "=?utf-8?q?[FIRING]_HIGH_P95?=\r\n =?utf-8?q?_=C3=BCber_1_s?=",
        "=?iso-8859-1?q?[FIRING]_HIGH_P95_=FCber_1_s?=",
    ],
    ids=["quoted", "base64", "folded", "latin-1"],
)
def test_an_encoded_subject_is_decoded(encoded):
    assert readable(mail(f"Subject: {encoded}"))[0] == "[FIRING] HIGH P95 über 1 s"


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("quoted-printable", "runbook: https://r.example/?a=3Db =C3=BC a=\r\nnd on"),
        ("base64", "cnVuYm9vazogaHR0cHM6Ly9yLmV4YW1wbGUvP2E9YiDDvCBhbmQgb24="),
        ("8bit", "runbook: https://r.example/?a=b ü and on"),
    ],
)
def test_an_encoded_body_is_decoded(encoding, body):
    raw = mail(
        "Subject: s",
        "Content-Type: text/plain; charset=UTF-8",
        f"Content-Transfer-Encoding: {encoding}",
        body=body,
    )
    assert readable(raw)[1] == "s\nrunbook: https://r.example/?a=b ü and on"


def alternative(*, plain, page):
    message = EmailMessage()
    message["From"] = "alertmanager@softfactory.example"
    message["Date"] = "Mon, 24 Nov 2025 09:00:00 +0000"
    message["Subject"] = HEADLINE
    message.set_content(plain, cte="quoted-printable")
    message.add_alternative(page, subtype="html", cte="base64")
    return message.as_bytes()


def test_of_alternatives_the_page_is_what_a_person_reads():
    raw = alternative(
        plain="only in the plain part",
        page=(
            "<html><head><style>p { color: red }</style><title>Mail</title></head><body>"
            "<p>no backup &lt; 24&nbsp;h</p><table><tr><td>severity</td><td>HIGH</td></tr></table>"
            '<a href="https://runbooks.example/backup?a=1&amp;b=2">Run<b>book</b></a>'
            '<p><a href="https://x.example">https://x.example</a></p>'
            "<script>var hidden</script></body></html>"
        ),
    )
    assert refusal(raw) is None
    subject, text = readable(raw)
    assert subject == HEADLINE
    assert text.splitlines() == [
        HEADLINE,
        "no backup < 24 h",
        "severity",
        "HIGH",
        "Runbook (https://runbooks.example/backup?a=1&b=2)",
        "https://x.example",
    ]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\x00",
        mail("Content-Type: multipart/alternative; boundary=x", body="no parts at all"),
        mail("Content-Type: text/plain; charset=klingon", body="x"),
        mail("Content-Transfer-Encoding: base64", body="!!!"),
        mail("Subject: =?utf-8?b?!!!?="),
    ],
    ids=["empty", "bytes", "no parts", "unknown charset", "broken base64", "broken subject"],
)
def test_a_malformed_mail_breaks_nothing(raw):
    refusal(raw)
    readable(raw)
