"""Keep credentials off the tape: which headers and query keys are secret, and a URL without their values. Pure.

Only names count, because clients send their keys under known names. Bodies are not searched for secrets.

    redacted_url("https://host/v1/models?key=abc&page=2")     # "https://host/v1/models?key=REDACTED&page=2"
"""

import re
from collections.abc import Iterable
from urllib.parse import unquote_plus

REDACTED = "REDACTED"
# The last word of a name counts: "X-Auth-Token" is secret, "x-ratelimit-remaining-tokens" and "max_tokens" are not.
_SECRET = re.compile(
    r"(?:^|[-_])(?:authorization|cookie2?|token|secret|password|passwd|credentials?|signature"
    r"|(?:api|access|private|subscription|function|secret|client|auth)[-_]?key|apitoken|authtoken|accesstoken)$",
    re.IGNORECASE,
)
_URLS = {"location", "content-location", "referer"}
_SECRET_QUERY = {"key", "sig", "pass", "pwd", "auth", "code"}


def is_secret(name: str) -> bool:
    """Whether a header of this name carries a credential."""
    return bool(_SECRET.search(name))


def is_secret_key(name: str) -> bool:
    """Whether a query key of this name carries a credential. Google's is called `key`, Azure's `sig`."""
    return is_secret(name) or name.lower() in _SECRET_QUERY


def redacted_headers(pairs: Iterable[tuple[bytes, bytes]]) -> list[dict[str, str]]:
    """HAR's list of headers, in the order and case in which they were sent."""
    named = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in pairs]
    return [{"name": k, "value": _header(k, v)} for k, v in named]


def _header(name: str, value: str) -> str:
    if is_secret(name):
        return REDACTED
    return redacted_url(value) if name.lower() in _URLS else value


def redacted_query(pairs: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """HAR's list of query keys."""
    return [{"name": k, "value": REDACTED if is_secret_key(k) else v} for k, v in pairs]


def redacted_url(url: str) -> str:
    """The URL with the values of secret query keys replaced. Removing user and password is the caller's job."""
    before, question, query = url.partition("?")
    if not question:
        return url
    query, hash_, fragment = query.partition("#")
    parts = []
    for part in query.split("&"):
        name, equals, value = part.partition("=")
        secret = equals and value and is_secret_key(unquote_plus(name))
        parts.append(f"{name}={REDACTED}" if secret else part)
    return before + question + "&".join(parts) + hash_ + fragment
