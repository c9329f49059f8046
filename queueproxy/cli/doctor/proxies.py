"""Looks at what the settings say of proxies before the fronts."""

import ipaddress
from collections.abc import Iterator

from django.conf import settings

from ... import conf
from .finding import Finding

AREA = "proxies"
LEAST_BITS = 7  # of a network's prefix; fewer name a good part of all addresses there are
SIGNS = ("SECURE_PROXY_SSL_HEADER", "USE_X_FORWARDED_HOST", "USE_X_FORWARDED_PORT")
ASK = "Ask the site through them: manage.py queueproxy doctor --url https://…"


def examine(*, asked: bool) -> Iterator[Finding]:
    """Compare Django's settings with ours.

    Args:
        asked: whether the site itself is asked too, which tells more.
    """
    trusted = conf.get_settings().trusted_proxies
    signs = [name for name in SIGNS if getattr(settings, name, None)]
    if signs and not trusted:
        yield Finding(
            AREA,
            "error",
            f"{' and '.join(signs)} is set, so a proxy stands before the site, and "
            "TRUSTED_PROXIES is empty: each client has the proxy's address.",
            "Set QUEUEPROXY['TRUSTED_PROXIES'] to the proxy's address, or to ['unix:'].",
        )
        return
    wide = [name for name in trusted if _is_wide(name)]
    if wide:
        yield Finding(
            AREA,
            "warning",
            f"TRUSTED_PROXIES names {', '.join(wide)}: whoever comes from there can give himself "
            "any address and scheme.",
            "Name the proxies alone.",
        )
        return
    told = f"TRUSTED_PROXIES is {', '.join(trusted)}." if trusted else "TRUSTED_PROXIES is empty."
    yield Finding(AREA, "ok" if asked else "note", told, "" if asked else ASK)


def _is_wide(name: str) -> bool:
    if name == "unix:":
        return False
    return ipaddress.ip_network(name).prefixlen < LEAST_BITS
