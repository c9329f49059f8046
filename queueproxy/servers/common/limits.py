"""Limits of a connection, the same under every server."""

MAX_HEADERS = 64 * 1024  # bytes of request line and headers
HEADERS_WITHIN = 60.0  # seconds from the connection, or the first byte, to the end of the headers
LINGER = 1.0  # seconds a refused client is read on: a reset would overtake what it is told
LAST_REQUESTS_WITHIN = 1.0  # seconds that idle connections stay open as draining begins
