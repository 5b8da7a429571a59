"""Keep credentials off the tape: in headers, in URLs, and where a response echoes the request's own key. Pure.

Names are judged by their words, however they are written (X-Api-Key, apiKey, API_KEY), and values by what they look like:
`Bearer …`, a user name and password in a URL, a JSON Web Token, a key with a provider's prefix. Bodies are not searched for
secrets, except for the key that the request itself was sent with.

    redacted_url("https://host/v1/models?key=abc&page=2")     # "https://host/v1/models?key=REDACTED&page=2"
"""

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, unquote, unquote_plus

REDACTED = "REDACTED"
Pairs = Iterable[tuple[bytes, bytes]]

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
# The last word of a name counts: "X-Auth-Token" is secret, "x-ratelimit-remaining-tokens" and "max_tokens" are not.
_SECRET = re.compile(
    r"(?:authorization|authentication|cookie|token|auth|dpop"
    r"|(?:secret|password|passwd|passphrase|credential|signature|jwt)s?"
    r"|(?:access|account|admin|api|app|auth|client|deploy|encryption|license|master|pass|private|secret|service|session"
    r"|shared|signing|ssh|subscription|virtual)keys?"  # as one word, too: accesskey, but not monkey
    r"|(?:access|api|auth|bearer|csrf|refresh|security|xsrf)tokens)$"
)
_SECRET_WORDS = {"pass", "pwd"}
_SECRET_ALONE = {"session", "tokens"}
"""Names that are secret by themselves or after X-, but say something else after other words."""
_NOT_SECRET_KEY = re.compile(
    "idempotency|socket|websocket|surrogate|cache|routing|partition|public|sort|primary|shard|sharding|foreign|group"
    "|row|object"
)
"""What comes before "key" in names of keys that unlock nothing."""
_SECRET_QUERY = {"key", "sig", "code", "sid", "sessionid", "sessid", "jsessionid", "phpsessid"}
"""Names in a query, without separators. A header such as x-session-id names a conversation, and opens nothing."""

_SCHEME = re.compile(
    r"\s*(?:(?:bearer|dpop)\s+|(?:token|apikey|negotiate|ntlm)\s+(?=\S*\d)(?=\S{12}))[^\s,=\"]+=*\s*",
    re.IGNORECASE,
)
_PARTS = re.compile(r"[,;]")
_BASIC = re.compile(r"\s*basic\s+(?P<key>[A-Za-z0-9+/_-]+=*)\s*", re.IGNORECASE)
_INSIDE = re.compile(  # a credential in the middle of a value
    r"(?P<user>(?<=//)[^/?#\s\"'<>]+@)"
    r"|\b(?:bearer|dpop)\s+(?=\S*\d)[A-Za-z0-9._~+/-]{12,}=*"
    r"|(?<![\w-])eyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*"
    r"|(?<![\w-])(?:sk-|gsk_|hf_|gh[opsu]_|github_pat_|xox[abp]-|AIza|AKIA)(?=[\w-]*\d)[\w-]{16,}",
    re.IGNORECASE,
)
_QUERY = re.compile(r"(?<=[?&#])(?P<name>[^=&#?\s\"'<>]+)=(?P<value>[^&#\s\"'<>]+)")
_PLACEHOLDER = re.compile(
    r"none needed|(?:sk-)?no-key-required|not-needed|lm-studio|llama\.cpp|anything|redacted", re.IGNORECASE
)
"""What clients send as a key to a server that needs none. It may be a word of an answer."""
_SHORTEST = 8
"""Characters of a key that is searched for: a shorter one could be a part of something else."""


def is_secret(name: str) -> bool:
    """Whether a header of this name carries a credential."""
    words = _words(name)
    if not words or words[:2] == ["access", "control"]:  # CORS: Access-Control-Allow-Credentials
        return False
    if words[-1] == "key":
        return len(words) > 1 and not _NOT_SECRET_KEY.fullmatch(words[-2])
    joined = "".join(words)
    alone = joined.removeprefix("x") in _SECRET_ALONE
    return alone or "jwt" in words or words[-1] in _SECRET_WORDS or bool(_SECRET.search(joined))


def is_secret_key(name: str) -> bool:
    """Whether a query key of this name carries a credential. Google's is called `key`, Azure's `sig`."""
    return is_secret(name) or "".join(_words(name)) in _SECRET_QUERY


def _words(name: str) -> list[str]:
    """The words of a name, in lower case and without numbers at its end: refreshToken, X-RapidAPI-Key, cookie2."""
    words = [word.lower() for word in _WORD.findall(name)]
    while words and words[-1].isdigit():
        words.pop()
    return words


def redacted_headers(pairs: Pairs, keys: Iterable[str] = ()) -> list[dict[str, str]]:
    """HAR's list of headers, in the order and case in which they were sent. `keys` are replaced wherever they are."""
    named = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in pairs]
    return [{"name": k, "value": _header(k, v, keys)} for k, v in named]


def _header(name: str, value: str, keys: Iterable[str]) -> str:
    return REDACTED if is_secret(name) else redacted(value, keys)


def redacted(value: str, keys: Iterable[str] = ()) -> str:
    """A value from the head of a message without its secrets and without `keys`; REDACTED if all of it is a secret."""
    return REDACTED if _is_credential(value) else without(redacted_url(value), keys)


def _is_credential(value: str) -> bool:
    """Whether a value, or a part of a list, is nothing but a credential with its scheme, such as "Bearer abc"."""
    return any(_is_one_credential(part) for part in _PARTS.split(value))


def _is_one_credential(value: str) -> bool:
    if basic := _BASIC.fullmatch(value):
        return b":" in _base64(basic["key"])
    return bool(_SCHEME.fullmatch(value))


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""


def redacted_query(pairs: Iterable[tuple[str, str]], keys: Iterable[str] = ()) -> list[dict[str, str]]:
    """HAR's list of query keys."""
    return [
        {"name": k, "value": REDACTED if is_secret_key(k) else without(redacted_url(v), keys)}
        for k, v in pairs
    ]


def redacted_url(text: str) -> str:
    """A URL, or a text with URLs in it, without user names, passwords, secret values of the query, tokens and keys."""
    text = _INSIDE.sub(lambda found: f"{REDACTED}@" if found["user"] else REDACTED, text)
    return _QUERY.sub(_pair, text) if "?" in text or "#" in text else text


def _pair(found: re.Match[str]) -> str:
    name, value = found["name"], found["value"]
    if is_secret_key(unquote_plus(name)):
        return f"{name}={REDACTED}"
    if "%" in value:  # another URL, in quotes
        plain = unquote(value)
        if (safe := redacted_url(plain)) != plain:
            return f"{name}={quote(safe, safe='')}"
    return found[0]


def own_keys(headers: Pairs, url: str) -> list[str]:
    """The credentials that a request carries, which a server may echo: longest first, without placeholders.

    Each is there as it was sent, as JSON text and as a part of a URL, if these differ.
    """
    found = set(_credentials([(k.decode("latin-1"), v.decode("latin-1")) for k, v in headers], url))
    long = {key for key in found if len(key) >= _SHORTEST and not _PLACEHOLDER.fullmatch(key)}
    spelled = long | {json.dumps(key)[1:-1] for key in long} | {quote(key, safe="") for key in long}
    return sorted(spelled, key=lambda key: (-len(key), key))


def _credentials(headers: Iterable[tuple[str, str]], url: str) -> Iterator[str]:
    for name, value in headers:
        if name.lower() == "cookie" or not (is_secret(name) or _is_credential(value)):
            continue
        for part in [value, *filter(_is_one_credential, _PARTS.split(value))]:
            _, _, rest = part.strip().partition(" ")
            yield rest.strip() or part.strip()
            if found := _BASIC.fullmatch(part):
                yield _base64(found["key"]).decode("utf-8", "replace").partition(":")[2]
    for pair in _QUERY.finditer(url):
        if is_secret_key(unquote_plus(pair["name"])):
            yield unquote(pair["value"])
    if found := re.match(r"[a-z+.-]+://[^:/?#]*:([^/?#]*)@", url, re.IGNORECASE):
        yield unquote(found[1])


def without(text: str, keys: Iterable[str]) -> str:
    """The text with each of these keys replaced."""
    for key in keys:
        text = text.replace(key, REDACTED)
    return text
