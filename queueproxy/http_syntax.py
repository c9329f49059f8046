"""Defines what of HTTP both sides agree on: tokens, hop-by-hop headers, bodiless answers."""

import re

is_token = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch  # RFC 9110, 5.6.2

# Of one connection, not of the message (RFC 9110, 7.6.1); lower case.
HOP_BY_HOP = frozenset(
    (
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")  # RFC 9110, 9.2.1
BODILESS = frozenset((204, 304))  # statuses (RFC 9110, 6.4.1)
