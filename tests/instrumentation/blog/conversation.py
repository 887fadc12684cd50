"""What is said to a blog, and how its answers are put so that two of them can be compared.

Two things differ between any two runs, whoever watches: the time, and what is signed with it.
"""

import re
from dataclasses import dataclass
from urllib.parse import urlencode

SESSION = re.compile(r"(?<=session=)([\w.-]*?)\.[\w-]{6}\.[\w-]{27}(?=;|$)")
"""Flask's session cookie: the payload, then the time and the signature."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def __str__(self):
        told = "".join(f" [{name}: {value}]" for name, value in self.headers)
        return f"{self.method} {self.target}{told} {self.body[:40]!r}"


def get(target, method="GET", **headers):
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Say(method=method, target=target, headers=named)


def post(target, method="POST", **fields):
    return sent(target, urlencode(fields).encode(), "application/x-www-form-urlencoded", method)


def sent(target, body, content_type, method="POST"):
    return Say(method=method, target=target, headers=(("Content-Type", content_type),), body=body)


CONVERSATION = (
    get("/"),
    get("/", method="HEAD"),
    get("/", method="OPTIONS"),
    get("/?theme=dark&theme=darker"),
    post("/entries", title="too early", body="x"),
    get("/auth/login"),
    get("/auth/register"),
    post("/auth/register", name="", password="x"),
    post("/auth/register", name="ada", password="enchantress"),
    post("/auth/register", name="ada", password="again"),
    post("/auth/register", name="nothing else"),
    post("/auth/login", name="ada", password="wrong"),
    post("/auth/login", name="ada", password="enchantress"),
    get("/"),
    post("/entries", title="First, with <tags> & \u00fcmlauts", body="Hello."),
    post("/entries", title="Second", body="Bye."),
    post("/entries", title="", body="untitled"),
    get("/entries/1"),
    post("/entries/1", body="Hello again."),
    get("/entries/1"),
    get("/entries/1"),
    get("/entries/1", method="HEAD"),
    get("/api/entries/1"),
    sent("/api/entries/1", b'{"title": "Renamed"}', "application/json", "PUT"),
    sent("/api/entries/1", b'{"title": ', "application/json", "PUT"),
    sent("/api/entries/1", b"title=Renamed", "text/plain", "PUT"),
    sent("/api/entries/1", b'{"other": 1}', "application/json", "PUT"),
    get("/export/entries.csv"),
    get("/export/entries.csv", method="HEAD"),
    get("/api/entries/2", method="DELETE"),
    get("/api/entries/2", method="DELETE"),
    get("/api/entries/2", method="OPTIONS"),
    get("/entries/2"),
    get("/entries/two"),
    get("/entries/1/"),
    get("//entries//1"),
    get("/nowhere?x=%ff"),
    get("/na%C3%AFve/%ff%00%0d%0aX-Forged:%20yes"),
    get("/entries", method="DELETE"),
    get("/entries", method="PROPFIND"),
    sent("/entries", b"title=" + b"x" * 5000, "application/x-www-form-urlencoded"),
    sent("/export/echo", b"x" * 5000, "application/octet-stream"),
    sent("/entries", b"--no\r\nsuch", "multipart/form-data; boundary=boundary"),
    sent("/entries", b"title=%ff%fe&body=%zz", "application/x-www-form-urlencoded"),
    sent("/export/echo", bytes(range(256)), "application/octet-stream", "PATCH"),
    get("/export/echo?a=1&a=2", X_Request_Id="mine-42", X_User_Id="7", Accept="text/html"),
    get("/export/echo", X_Request_Id='forged"id', Traceparent="00-nonsense"),
    get("/static/style.css"),
    get("/static/style.css", method="HEAD"),
    get("/static/style.css", If_None_Match="*"),
    get("/static/style.css", If_Modified_Since="Fri, 01 Jan 2100 00:00:00 GMT"),
    get("/static/style.css", If_Modified_Since="nonsense"),
    get("/static/none.css"),
    get("/export/manual"),
    get("/export/manual", Range="bytes=5-20"),
    get("/export/manual", Range="bytes=-7"),
    get("/export/manual", Range="bytes=999999-"),
    get("/export/manual", Range="lines=1-2"),
    get("/export/manual", method="HEAD"),
    get("/export/manual?name=../conversation.py"),
    get("/export/divide?by=2"),
    get("/export/divide?by=0"),
    get("/export/divide?by=two"),
    get("/export/divide"),
    get("/export/teapot"),
    get("/export/crash"),
    get("/export/crash", method="HEAD"),
    post("/export/crash", a="form"),
    get("/export/broken-early.csv"),
    get("/export/broken-late.csv"),
    get("/auth/logout"),
    get("/api/entries/1", method="DELETE"),
    get("/"),
)


def without_signature(cookie):
    return SESSION.sub(r"\1.TIMES.SIGNATURE", cookie)
