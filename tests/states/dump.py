"""All keys of a namespace, read in one trip and at one moment."""

import redis

from . import clock

READ = """
local how = { hash = { 'HGETALL' }, stream = { 'XRANGE', '-', '+' }, string = { 'GET' },
  zset = { 'ZRANGE', '0', '-1', 'WITHSCORES' }, list = { 'LRANGE', '0', '-1' } }
local found = {}
for _, name in ipairs(redis.call('KEYS', ARGV[1] .. '*')) do
  local kind = redis.call('TYPE', name).ok
  local command, rest = how[kind][1], { unpack(how[kind], 2) }
  found[#found + 1] = { name, redis.call(command, name, unpack(rest)), redis.call('PTTL', name) }
end
return { redis.call('GET', ARGV[2]), found }
"""


class Dump:
    """Answers as a client that does not decode does, from what was read.

    Args:
        client: of the server.
        prefix: of the keys.
    """

    def __init__(self, client: redis.Redis, prefix: str):
        now, found = client.eval(READ, 0, prefix, clock.KEY)
        self.now_ms = int(now)
        self._values = {name: value for name, value, _ in found}
        self._expire = {name: left for name, _, left in found}

    def scan_iter(self, pattern: str) -> list[bytes]:
        """All names: they are those of the prefix."""
        return [*self._values]

    def _value(self, key: str):
        return self._values.get(key.encode(), ())

    def hgetall(self, key: str) -> dict[bytes, bytes]:
        return _pairs(self._value(key))

    def xrange(self, key: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
        return [(entry, _pairs(fields)) for entry, fields in self._value(key)]

    def zrange(self, key: str, first: int, last: int, withscores: bool = False) -> list:
        scores = _pairs(self._value(key))
        return [(m, float(score)) for m, score in scores.items()] if withscores else [*scores]

    def strlen(self, key: str) -> int:
        return len(self._value(key))

    def pttl(self, key: str) -> int:
        return self._expire.get(key.encode(), -2)


def _pairs(flat) -> dict[bytes, bytes]:
    return dict(zip(flat[::2], flat[1::2], strict=True))
