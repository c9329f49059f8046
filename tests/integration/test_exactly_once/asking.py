"""Asks for what is to happen once, as a front does."""

import msgspec.structs

from ...brokers import BrokerKit
from ..test_worker.harness import Client
from .databases import ALIAS

ATTEMPTS = 10


async def post(client: Client, target: str, headers=(), *, id: str = "", **changes) -> str:
    """Enqueue a POST; its id.

    Args:
        headers: beside Host.
        id: of a request that is sent again.
        changes: to its head.
    """
    said = {"headers": [("Host", "a"), *headers], "fenced": ALIAS, "max_attempts": ATTEMPTS}
    said |= changes
    if id:
        said["id"] = id
    order = client.encoded_request(target, "POST", **said)
    meta = order.meta._replace(id=id or order.id, max_attempts=said["max_attempts"])
    meta = meta._replace(hold_ms=said.get("hold_ms", meta.hold_ms))
    order = msgspec.structs.replace(order, meta=meta)
    await client.kit.send(client.front_broker, order)
    return order.id


def lose(kit: BrokerKit, id: str) -> None:
    """Claim it on a worker that is then lost."""
    lost = kit.registration()
    assert kit.worker_broker(lost).settle_and_claim(None).id == id
    lost.leave()
