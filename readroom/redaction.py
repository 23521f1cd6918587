"""Takes secrets out of text before anybody sees it: URLs' passwords, tokens, query strings.

Pure functions. Where a text can't be parsed with certainty the secret part is replaced whole:
a safe placeholder rather than a guess.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

#: What stands where a secret stood.
MASK = "***"

# scheme://anything@ up to the last @ of the authority: passwords may contain '/', '?', '#' or
# '@' that nobody percent-encoded, so this is greedy up to the last '@' before white space.
_CREDENTIALS = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*://)(?P<secret>\S*)@")
# Up to the next white space, a closing quote included: a token may contain quotes too.
_QUERY = re.compile(r"(?P<url>[a-zA-Z][a-zA-Z0-9+.-]*://[^\s?]*)\?\S+")
_KEY = r"(?:pass(?:word|wd)?|token|secret|api[_-]?key|pwd|authorization)"
# A file that is called like a secret, and what is said of it: "/etc/passwd: no such file". Only as
# a word of its own, with a folder, and without what a query or a pair is made of.
_FILE = rf"(?<!\S)[\"'(]?(?:(?:~|\.\.?)/|/[^\s:=&?@\"'/]+/)[^\s:=&?@\"']*{_KEY}(?=:\s)"
# No word boundary before the key: READROOM_HTTP__TOKEN=… is one as well.
_PAIR = re.compile(
    rf"(?i)(?P<file>{_FILE})|(?P<key>{_KEY})"
    r"(?P<sep>[\"']?\s*[=:]\s*(?:bearer\s+)?)(?:\"[^\"]*\"|'[^']*'|\S+)"
)

# Some cameras want their password in the path: /user=admin&password=…, /token=….
_SECRET_IN_PATH = re.compile(r"(?i)pass|pwd|token|secret|key|auth|user")


def redact(text: str) -> str:
    """``text`` with the credentials and the query of every URL, and ``password=…`` and
    ``token=…`` pairs, replaced by ``***``. Idempotent; text without secrets is unchanged."""
    text = _CREDENTIALS.sub(lambda match: f"{match['scheme']}{MASK}@", text)
    text = _QUERY.sub(lambda match: f"{match['url']}?{MASK}", text)
    return _PAIR.sub(lambda match: match["file"] or f"{match['key']}{match['sep']}{MASK}", text)


def redact_source(source: str) -> str:
    """A source as it may be shown: a URL keeps scheme, host, port and path only; a path or a
    device is returned as it is. A path that may hold a secret, and a URL that can't be parsed,
    become ``***``."""
    if "://" not in source:
        return redact(source)
    scheme = source.split("://", 1)[0]
    try:
        parts = urlsplit(source)
        port = f":{parts.port}" if parts.port else ""
        host = parts.hostname or ""
    except ValueError:
        return f"{scheme}://{MASK}"
    if not parts.scheme:
        return redact(source)
    # An '@' behind the authority: it may have ended early, at a '/', '?' or '#' of the password.
    if not re.fullmatch(r"[\w.:\-]*", host) or "@" in f"{parts.path}{parts.query}{parts.fragment}":
        return f"{scheme}://{MASK}"
    if ":" in host:
        host = f"[{host}]"
    credentials = f"{MASK}@" if "@" in parts.netloc else ""
    query = f"?{MASK}" if parts.query else ""
    path = f"/{MASK}" if _SECRET_IN_PATH.search(parts.path) else parts.path
    return f"{parts.scheme}://{credentials}{host}{port}{path}{query}"
