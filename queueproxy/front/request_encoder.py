"""Encodes a request that was taken in, as it goes to the broker."""

import time

from ..asgi_types import Scope
from ..broker.encoded_request import EncodedRequest, encode_request
from ..envelopes import RequestHead
from .consumer_options import ConsumerOptions
from .http.headers import Peer, forwardable_request_headers, peer_of, raw_path
from .observer import NO_OBSERVERS, Observers
from .treatment import treatment
from .upload import Body


class RequestEncoder:
    """Encodes the requests of one front.

    Args:
        front: its id.
        options: how long a request is held, how often it may run, to which queue it goes.
    """

    def __init__(self, front: str, options: ConsumerOptions):
        self._front = front
        self._options = options

    def encode(
        self,
        scope: Scope,
        id: str,
        request_id: str,
        body: Body,
        waited: float = 0.0,
        observers: Observers = NO_OBSERVERS,
    ) -> EncodedRequest:
        """Encode a request as the broker takes it.

        Args:
            scope: of the ASGI server, admitted.
            id: unique over all fronts.
            request_id: what people know it by (``X-Request-ID``).
            body: as it was taken in.
            waited: seconds of its hold that are over.
            observers: see the head before it is encoded, and may change it.
        """
        head = self._head(scope, id, request_id, body, waited)
        head = observers.to_be_sent(head)
        return encode_request(head, head.queue, body.entry)

    def _head(
        self, scope: Scope, id: str, request_id: str, body: Body, waited: float
    ) -> RequestHead:
        peer: Peer = peer_of(scope, self._options.trusted_proxies)
        treated = treatment(scope, self._options)
        return RequestHead(
            id=id,
            request_id=request_id,
            method=scope["method"],
            path=raw_path(scope),
            query=scope["query_string"].decode("latin-1"),
            headers=forwardable_request_headers(scope),
            scheme=peer.scheme,
            http_version=scope["http_version"],
            front=self._front,
            queue=treated.queue,
            hold_ms=max(1, int((treated.max_hold - waited) * 1000)),
            max_attempts=treated.max_attempts,
            sent=int(time.time() * 1000),
            root_path=scope.get("root_path", ""),
            client=peer.client,
            server=scope.get("server"),
            body_size=body.size,
            piece_size=body.piece_size,
            group=treated.group,
            at_most=treated.at_most,
            fenced=treated.fenced,
        )
