"""Tells who may ask what a front sees of a request: how proxies on its way have changed it.

``queueproxy doctor --url`` asks. Who else asks learns nothing: an address behind a proxy is the
site's own business, so the question is signed with the project's secret, for a minute.
"""

import time
from collections.abc import Sequence
from typing import NamedTuple

from ..asgi_types import Scope
from ..exceptions import BadSignature
from ..signing import Signer
from .http.headers import Trusted, forwarding_headers, peer_is_among, peer_of

QUESTION = b"x-queueproxy-question"
VALID_FOR = 60  # seconds from when it is signed
DIGITS = 12  # of a time in seconds; more is none


class Seen(NamedTuple):
    """What a front sees of one request.

    Attributes:
        peer: address of who is connected; empty over a unix socket.
        trusted: whether ``TRUSTED_PROXIES`` names it.
        forwarding: names of the headers that say on whose behalf it asks.
        client: address that the view would be given.
        scheme: that the view would be given.
        host: the header ``Host``.
    """

    peer: str
    trusted: bool
    forwarding: list[str]
    client: str
    scheme: str
    host: str


def question(signer: Signer) -> str:
    """Write the header by which a front knows who may ask; see `may_ask`."""
    until = str(int(time.time()) + VALID_FOR)
    return f"{until}.{signer.sign(until.encode(), b'', 0).hex()}"


def may_ask(scope: Scope, signer: Signer) -> bool:
    """Whether a request has a question signed with the project's secret, not too long ago."""
    values = [value for name, value in scope["headers"] if name == QUESTION]
    if len(values) != 1 or not signer.signs:
        return False
    until, _, signature = values[0].partition(b".")
    if not until.isdigit() or len(until) > DIGITS or not 0 <= int(until) - time.time() <= VALID_FOR:
        return False
    try:
        signer.verify(until, b"", 0, bytes.fromhex(signature.decode("ascii")))
    except (ValueError, BadSignature):
        return False
    return True


def signer(secrets: Sequence[str | bytes], namespace: str) -> Signer:
    """Sign and verify the questions to the fronts of one namespace."""
    return Signer(secrets, namespace, "question")


def seen(scope: Scope, trusted: Trusted) -> Seen:
    """Look at a request as at any other."""
    peer = tuple(scope["client"]) if scope.get("client") else None
    told = peer_of(scope, trusted)
    hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
    return Seen(
        peer=peer[0] if peer else "",
        trusted=peer_is_among(peer, trusted),
        forwarding=forwarding_headers(scope),
        client=told.client[0] if told.client else "",
        scheme=told.scheme,
        host=", ".join(hosts),
    )
