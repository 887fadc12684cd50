"""What is secret never reaches the log; a cheap look decides whether the costly one is needed.

A field is secret by its name, at any depth; in free text, the value beside such a name, what
follows `Bearer` and `Basic`, and the password of a `scheme://user:password@host`. Hiding a word
too many is accepted, showing one too many is not.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from functools import lru_cache
from urllib.parse import unquote_plus

HIDDEN = "[redacted]"

SECRET_NAMES: tuple[str, ...] = (
    *("password", "passwd", "passwort", "passphrase", "passcode", "pwd", "secret", "secrets"),
    *("passwords", "tokens", "api_keys", "access_keys", "private_keys", "secret_keys"),
    *("token", "jwt", "bearer", "credential", "credentials", "private_key", "secret_key"),
    *("api_key", "access_key", "access_key_id", "signing_key", "encryption_key", "amz_signature"),
    *("authorization", "cookie", "cookies", "session", "session_id", "session_key", "csrf", "xsrf"),
    *("card_number", "credit_card", "cvv", "cvc", "cvv2", "security_code"),
)
"""A name is secret when it ends in one of these, whatever its case, and with or without its
separators: `DB_PASSWORD`, `x-api-key`, `accessToken` and `user[password]` are."""

_HEADERS = ("authorization", "cookie", "cookies")  # their values hold spaces, and end with the line
_SEPARATORS = re.compile(r"[\W_]+")
_BARE = r"""(?:[^\s&,;"'<>]|[,;](?!\s|[\w.-]{1,64}[=:]|$))+"""
# A quote that stands escaped itself ends at the next one that is so; another never does.
_ESCAPED = (
    r"""(?<=\\)(?P<q{0}>["'])(?:\\{{2,}}["']?|\\(?!["'])|(?!(?P=q{0}))[^\\\r\n])*+\\?(?P=q{0})"""
)
_QUOTED = r"""(?<!\\)(?:"(?:\\.|[^"\\\r\n])*+"|'(?:\\.|[^'\\\r\n])*+')"""
_STRINGS = r""""(?:\\.|[^"\\\r\n])*+"|'(?:\\.|[^'\\\r\n])*+'"""
_LISTED = (
    rf"""[\[({{](?:{_STRINGS}|[^\[\](){{}}"'\r\n])*+[\])}}](?:(?![\])}},;]){_BARE})?+"""
    r"|[\[({][^\r\n]*"
)
_NOT_AGAIN = r"""(?!["']?\[redacted\])"""
_VALUE = rf"""{_NOT_AGAIN}(?:{_ESCAPED.format(1)}|{_QUOTED}|{_LISTED}|{_BARE}|["'][^\r\n]*)"""
_LINE = rf"""{_NOT_AGAIN}(?:{_ESCAPED.format(1)}|{_QUOTED}|[^\r\n]+)"""
_BETWEEN = (
    r"""(?P<between>(?>\\{0,4}["']?\]?[ \t]{0,3}[=:][ \t]{0,3}\\{0,4}(?:b(?=["']))?"""
    r"""|["'],[ \t]{0,3}(?:b(?=["']))?(?=["'])))"""
)
_PRIVATE_KEY = re.compile(
    r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
    r".*?(?:-----END (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----|\Z)",
    re.DOTALL,
)
_SCHEMES = re.compile(
    r"\b(?P<scheme>(?:(?i:bearer)[ \t]{1,3}(?=[^\s\[])"
    # Basic is an English word too: what follows must look like base64
    r"|(?i:basic)[ \t]{1,3}(?=[a-z]{0,64}[A-Z0-9+/=])))[A-Za-z0-9._~+/=:-]+"
)
_USER_INFO = re.compile(r"(?P<user>://[^\s/?#:@\"']{0,256}:)(?!\[redacted\]@)[^\s/?#\"']{1,1024}@")
_CACHED_NAMES, _CACHED_CHARACTERS = 4096, 64
"""Clients choose names too, in queries: what is remembered of them is little."""


class Redactor:
    """Hides secrets: the usual ones, and those of the further names that it is made with."""

    def __init__(self, further_names: Iterable[str] = ()) -> None:
        names = [name for name in (*SECRET_NAMES, *further_names) if _squashed(name)]
        self._stems = _stems(names)
        self._pairs = _beside(names, _VALUE)
        self._header_lines = _beside(_HEADERS, _LINE)
        endings = tuple(_squashed(name) for name in names)
        self.secret_names = Names(lambda name: _squashed(name).endswith(endings))

    def is_secret(self, name: str) -> bool:
        """Tell whether what stands under that name is to be hidden."""
        return self.secret_names[name]

    def is_clean(self, text: str) -> bool:
        """Tell, at little cost, that a text holds no secret; it may hold none either way.

        What is so of a text is so of each of its parts: many may be joined, and asked for once.
        """
        pairs = "=" in text or ":" in text or "'," in text or '",' in text
        if not pairs and " " not in text:
            return True
        lowered = text.lower()
        if "bearer" in lowered or "basic" in lowered or "private key" in lowered:
            return False
        if pairs:
            if "://" in lowered and "@" in lowered:
                return False
            for stem in self._stems:
                if stem in lowered:
                    return False
        return True

    def text(self, text: str) -> str:
        """Return the text without its secrets; the same object where there is none."""
        if self.is_clean(text):
            return text
        lowered = text.lower()
        if "private key" in lowered:
            text = _PRIVATE_KEY.sub(HIDDEN, text)
        found = [stem for stem in self._stems if stem in lowered]
        if found:
            text = "\n".join(self._line(line, found) for line in text.split("\n"))
        if "://" in lowered and "@" in lowered:
            text = _USER_INFO.sub(rf"\g<user>{HIDDEN}@", text)
        if "bearer" in lowered or "basic" in lowered:
            text = _SCHEMES.sub(rf"\g<scheme>{HIDDEN}", text)
        return text

    def _line(self, line: str, stems: list[str]) -> str:
        """Search one line only, as no name and no value goes on in the next."""
        lowered = line.lower()
        for stem in stems:
            if stem in lowered:
                if any(header in lowered for header in _HEADERS):
                    line = self._header_lines.sub(_hide, line)
                return self._pairs.sub(_hide, line)
        return line

    def query(self, query: str) -> str:
        """Return a query string in which the values of secret parameters are hidden."""
        if "=" not in query:
            return query
        parts = query.split("&")
        for position, part in enumerate(parts):
            name, separator, _ = part.partition("=")
            if separator and self.is_secret(unquote_plus(name) if "%" in name else name):
                parts[position] = f"{name}={HIDDEN}"
        shown = "&".join(parts)
        if ":" in query or "%" in query or query.count("=") > len(parts):
            return self.text(shown)  # a value may hold an address, or a query of its own
        return shown


class Names(dict[str, bool]):
    """What holds for a name, decided once for those that are short."""

    def __init__(self, decide: Callable[[str], bool]) -> None:
        super().__init__()
        self._decide = decide

    def __missing__(self, name: str) -> bool:
        holds = self._decide(name)
        if len(name) <= _CACHED_CHARACTERS:
            if len(self) >= _CACHED_NAMES:
                self.clear()
            self[name] = holds
        return holds


def redact_text(text: str) -> str:
    """Return the text without what is usually secret, as the log would show it."""
    return _usual().text(text)


@lru_cache(1)
def _usual() -> Redactor:
    return Redactor()


def _squashed(name: str) -> str:
    return _SEPARATORS.sub("", name).lower()


def _words(name: str) -> list[str]:
    return [re.escape(word) for word in _SEPARATORS.split(name.lower()) if word]


def _stems(names: Iterable[str]) -> tuple[str, ...]:
    """Return a few texts of which at least one is in every text that names a secret."""
    words = [_SEPARATORS.split(name.strip("-_. ").lower()) for name in names]
    often = Counter(word for parts in words for word in parts)
    chosen = {max(parts, key=lambda word: (often[word], len(word))) for parts in words}
    return tuple(
        sorted(word for word in chosen if not any(one in word for one in chosen if one != word))
    )


def _beside(names: Iterable[str], value: str) -> re.Pattern[str]:
    """Match a value that follows one of the names; longer names are tried first."""
    ordered = sorted({r"[-_. ]?".join(_words(name)) for name in names}, key=len, reverse=True)
    return re.compile(rf"(?i:(?P<name>{'|'.join(ordered)})){_BETWEEN}{value}")


def _hide(match: re.Match[str]) -> str:
    found = match[0]
    kept = match["name"] + match["between"]
    quote = found[len(kept)]
    if quote in "\"'":
        return f"{kept}{quote}{HIDDEN}{quote if found[-1] == quote else ''}"
    return f"{kept}{HIDDEN}"
