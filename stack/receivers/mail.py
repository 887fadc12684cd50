"""An electronic mail, as a mail server takes it in and a person's mail program shows it.

Design rule: pure functions of the bytes after DATA and of the addresses; the dialogue is in
`mail_server`.

Sources: RFC 5322 3.6 (a message has exactly one From and one Date, and at most one Subject),
RFC 2047 (encoded words in headers), RFC 2046 5.1.4 (of alternatives the last one is preferred).
"""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser

_BLOCKS = {"p", "div", "br", "tr", "td", "th", "li", "h1", "h2", "h3", "h4", "table", "title"}
_UNSEEN = {"style", "script", "head"}


def parse(raw: bytes) -> EmailMessage:
    """Parse a message; what is malformed in it shows in `refusal`, never as an exception."""
    return message_from_bytes(raw, policy=policy.default)


def refusal(raw: bytes) -> str | None:
    """Return the reply with which a mail server refuses the message itself; None if it takes it."""
    message = parse(raw)
    for name in ("From", "Date"):
        found = len(message.get_all(name, []))
        if found != 1:
            return f"550 5.6.0 Message is not RFC 5322 compliant: {found} {name} headers"
    if len(message.get_all("Subject", [])) > 1:
        return "550 5.6.0 Message is not RFC 5322 compliant: several Subject headers"
    return None


def readable(raw: bytes) -> tuple[str, str]:
    """Return the subject, and the subject with the body, both decoded.

    The body is the alternative that a mail program prefers: HTML, with the addresses of its links,
    else plain text. What stands in the other alternative alone is not read, so it does not count.
    """
    message = parse(raw)
    subject = " ".join(str(message.get("Subject", "")).split())
    part = message.get_body(preferencelist=("html", "plain"))
    body = ""
    if isinstance(part, EmailMessage):
        body = "\n".join(_content(part).splitlines())
        if part.get_content_type() == "text/html":
            body = _shown(body)
    return subject, f"{subject}\n{body}".strip()


def _content(part: EmailMessage) -> str:
    """Decode a text part; a charset that nobody knows is read as UTF-8 with marks of damage."""
    try:
        return str(part.get_content())
    except LookupError:
        decoded = part.get_payload(decode=True)
        return decoded.decode(errors="replace") if isinstance(decoded, bytes) else ""


class _Shown(HTMLParser):
    """Collects the text of a page, with the address of each link behind its words."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._links: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self._unseen += 1
        if tag == "body":
            self._unseen = 0  # a head need not be closed
        if tag in _BLOCKS:
            self.pieces.append("\n")
        if tag == "a":
            self._links.append(dict(attrs).get("href") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN and self._unseen:
            self._unseen -= 1
        if tag == "a" and self._links:
            address = self._links.pop()
            if address and address not in self.pieces[-1:]:  # many links show their address
                self.pieces.append(f" ({address})")
        if tag in _BLOCKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.pieces.append(data)


def _shown(page: str) -> str:
    parser = _Shown()
    parser.feed(page)
    parser.close()
    lines = (" ".join(line.split()) for line in "".join(parser.pieces).splitlines())
    return "\n".join(line for line in lines if line)
