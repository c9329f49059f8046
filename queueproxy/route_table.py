"""The table of URLs that workers publish: fronts classify requests by it without project code.

It has the paths of the operators' lane, in which the admin page about the queue and its login
travel past a pause, and the routes that have a policy (policy_table.py). A table is signed: nobody
who can write to the broker alone chooses a lane, or has a request run twice.
"""

import hashlib
import re
from collections.abc import Sequence
from urllib.parse import quote

import msgspec

from .exceptions import DecodeError
from .json_text import decoded
from .path_patterns import flaw
from .policy_table import Languages, Route
from .signing import Signer

OPS_QUEUE = "ops"  # the operators' lane: first in order; a hold stops it, a pause does not
ID = "*"  # a segment of a published path that stands for the id of a dead letter
MOST_PATHS = 1000
MOST_ROUTES = 4000
MOST_BYTES = 512 * 1024
_IDS = re.compile(r"[0-9]+-[0-9]+").fullmatch


class RouteTable(msgspec.Struct, frozen=True):
    """The table of one release.

    Args:
        release: whose; empty where it has no name.
        ops: raw paths of the operators' lane, as a client sends them, but for what `path_in_site`
            takes off; `ID` may be a segment.
        routes: with a policy, and without where they stand before such; in the URLconf's order.
        languages: None where no route stands below the prefix of a language.
    """

    release: str = ""
    ops: list[str] = []
    routes: list[Route] = []
    languages: Languages | None = None


class SignedTable(msgspec.Struct, frozen=True):
    """A table as it stands in the broker: JSON text and signature, both hex or plain ASCII."""

    table: str
    signature: str


_encode = msgspec.json.Encoder().encode
_decode_table = msgspec.json.Decoder(RouteTable).decode
_decode_signed = msgspec.json.Decoder(SignedTable).decode


def signer(secrets: Sequence[str | bytes], namespace: str) -> Signer:
    """Signs and verifies the tables of one namespace."""
    return Signer(secrets, namespace, "routes")


def encoded(table: RouteTable, signer: Signer) -> bytes:
    """Encode the table as JSON text with its signature.

    Raises:
        ValueError: it is too large to be published.
    """
    raw = _encode(table)
    if len(table.ops) > MOST_PATHS or len(table.routes) > MOST_ROUTES or len(raw) > MOST_BYTES:
        raise ValueError(
            f"More than {MOST_PATHS} paths, {MOST_ROUTES} routes or {MOST_BYTES} bytes can't be "
            "published."
        )
    signature = signer.sign(raw, b"", 0)
    return _encode(SignedTable(raw.decode(), signature.hex()))


def read(raw: bytes, signer: Signer) -> RouteTable:
    """Decode a table.

    Raises:
        DecodeError: it is malformed, too large, altered or forged.
    """
    if len(raw) > 3 * MOST_BYTES:
        raise DecodeError("The table of routes is too large.")
    signed = decoded(_decode_signed, raw)
    text = signed.table.encode()
    try:
        signature = bytes.fromhex(signed.signature)
    except ValueError as error:
        raise DecodeError("The signature of the table of routes is no hex text.") from error
    signer.verify(text, b"", 0, signature)
    table = decoded(_decode_table, text)
    try:
        flaws = [flaw(route.levels, whole=route.whole) for route in table.routes]
    except ValueError as error:
        raise DecodeError(f"A route is no pattern: {error}") from error
    if any(flaws):
        raise DecodeError("A route could take a front too long to match.")
    return table


def table_digest(raw: bytes) -> str:
    """Name an encoded table: another name is another table."""
    return hashlib.sha256(raw).hexdigest()[:16]


def path_in_site(raw_path: str, root_path: str) -> str:
    """Take the place the site is mounted at off the raw path, as Django resolves it.

    Args:
        raw_path: as a client sends it: percent-encoding untouched, no query.
        root_path: of the server (ASGI ``root_path``, WSGI ``SCRIPT_NAME``); not encoded.
    """
    if not root_path:
        return raw_path
    root = quote(root_path).rstrip("/")
    return raw_path[len(root) :] if raw_path.startswith(f"{root}/") else raw_path


def decoded_path_in_site(path: str, root_path: str) -> str:
    """Return the path by which Django finds the view (``path_info``).

    Args:
        path: as the server has decoded it.
        root_path: as for `path_in_site`.
    """
    root = root_path.rstrip("/")
    if root and (path == root_path or path.startswith(f"{root}/")):
        path = path[len(root) :]
    return path or "/"


class OpsPaths:
    """The paths of the operators' lane, matched exactly as they are sent.

    Args:
        paths: as in a `RouteTable`.
    """

    def __init__(self, paths: Sequence[str] = ()):
        self._exact = frozenset(path for path in paths if ID not in path.split("/"))
        self._with_id = frozenset(path for path in paths if ID in path.split("/"))
        self._before_id = tuple({path.partition(f"/{ID}/")[0] + "/" for path in self._with_id})

    def __contains__(self, path: str) -> bool:
        """Whether a raw path (percent-encoding untouched, no query) is one of them."""
        if path in self._exact:
            return True
        if not path.startswith(self._before_id) or len(path) > 500:
            return False
        segments = path.split("/")
        masked = "/".join(ID if _IDS(segment) else segment for segment in segments)
        return masked in self._with_id and ID not in segments
