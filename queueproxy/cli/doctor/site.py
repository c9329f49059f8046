"""Asks the running site by its own address, through whatever stands before it."""

import http.client
import json
import ssl
from collections.abc import Iterator
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.apps import apps
from django.contrib.staticfiles.storage import staticfiles_storage

from ... import conf
from ...front.seen import QUESTION, question, signer
from .finding import Finding

AREA = "site"
ANSWERS_WITHIN = 10.0  # seconds
MOST = 65536  # bytes of an answer that are read
A_STATIC_FILE = "admin/css/base.css"
LIVE = (200, b"ok\n")


def examine(url: str) -> Iterator[Finding]:
    """Ask whether it lives, and what it sees of the one who asks."""
    site = _Site(urlsplit(url))
    prefix = conf.get_settings().endpoints
    if prefix is None:
        yield Finding(AREA, "note", "ENDPOINTS is None: the front answers nothing by itself.")
        return
    try:
        answer = site.get(f"{prefix}livez")
        if answer != LIVE:
            yield _not_a_front(site, answer[0])
            return
        yield from _seen(site, prefix)
        yield from _static_file(site)
    except (OSError, http.client.HTTPException) as error:
        yield Finding(
            AREA,
            "error",
            f"{url} can't be asked: {error or type(error).__name__}",
            "Start the front (manage.py runqueueproxy), or look at what stands before it.",
        )


class _Site:
    """The site, each time by a connection of its own; redirects are not followed."""

    def __init__(self, url: SplitResult):
        self.url = url

    def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        """Return status and body.

        Raises:
            OSError, HTTPException: it could not be asked.
        """
        host, port = self.url.hostname or "", self.url.port
        if self.url.scheme == "https":
            context = ssl.create_default_context()
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                host, port, timeout=ANSWERS_WITHIN, context=context
            )
        else:
            connection = http.client.HTTPConnection(host, port, timeout=ANSWERS_WITHIN)
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read(MOST)
        finally:
            connection.close()


def _not_a_front(site: _Site, status: int) -> Finding:
    hint = "Let it pass all paths to the front, and with the path as it came."
    if 300 <= status < 400:
        hint = "It redirects: give the address that it redirects to."
    elif status in (502, 503, 504):
        hint = "A proxy is there and reaches no front: start one (manage.py runqueueproxy)."
    where = f"{site.url.geturl().rstrip('/')}{conf.get_settings().endpoints}livez"
    return Finding(AREA, "error", f"{where} is not answered by a front (status {status}).", hint)


def _seen(site: _Site, prefix: str) -> Iterator[Finding]:
    settings = conf.get_settings()
    asking = signer(conf.signing_secrets(), settings.namespace)
    if not asking.signs:
        yield Finding(AREA, "note", "SIGNING is off, so a front can't know that you may ask it.")
        return
    status, body = site.get(f"{prefix}seen", **{QUESTION.decode(): question(asking)})
    if status != 200:
        yield Finding(
            AREA,
            "warning",
            f"The front does not answer what it sees (status {status}): it has another SECRET_KEY "
            "or NAMESPACE than these settings, is of an older release, or its clock is wrong.",
            "Run the doctor with the settings of the front.",
        )
        return
    told = json.loads(body)
    found = [*_of_peer(told), *_of_scheme(site.url, told), *_of_host(site.url, told)]
    yield from found
    if not found:
        yield Finding(
            AREA,
            "ok",
            f"The front sees a client at {told['client'] or 'a unix socket'}, {told['scheme']}, "
            f"and the host {told['host']}"
            + (f", as the proxy at {_named(told['peer'])} tells." if told["trusted"] else "."),
        )


def _of_peer(told: dict[str, Any]) -> Iterator[Finding]:
    peer, headers = told["peer"] or "unix:", ", ".join(told["forwarding"])
    if headers and not told["trusted"]:
        yield Finding(
            AREA,
            "error",
            f"A proxy at {_named(peer)} sends {headers}, and TRUSTED_PROXIES does not name it: "
            "each client has the proxy's address and scheme.",
            f"Add {peer!r} to QUEUEPROXY['TRUSTED_PROXIES'], and start the fronts anew.",
        )
    elif told["trusted"] and "x-forwarded-for" not in told["forwarding"]:
        yield Finding(
            AREA,
            "error",
            f"The proxy at {_named(peer)} sends no X-Forwarded-For: each client has its address.",
            "Let it send X-Forwarded-For, X-Forwarded-Proto and Host (nginx: proxy_set_header).",
        )


def _of_scheme(url: SplitResult, told: dict[str, Any]) -> Iterator[Finding]:
    if told["scheme"] != url.scheme and (told["trusted"] or not told["forwarding"]):
        yield Finding(
            AREA,
            "error",
            f"The site is asked by {url.scheme}, and views are told {told['scheme']}: secure "
            "cookies, redirects and CSRF checks go wrong.",
            "Let the proxy send X-Forwarded-Proto, and name it in TRUSTED_PROXIES.",
        )


def _of_host(url: SplitResult, told: dict[str, Any]) -> Iterator[Finding]:
    if told["host"].lower() != url.netloc.rpartition("@")[2].lower():
        yield Finding(
            AREA,
            "warning",
            f"The site is asked as {url.netloc}, and views are told {told['host']}.",
            "Let the proxy pass Host on (nginx: proxy_set_header Host $http_host).",
        )


def _named(peer: str) -> str:
    return "the other end of a unix socket" if peer == "unix:" else peer


def _static_file(site: _Site) -> Iterator[Finding]:
    """Fetch a file of the admin's, where that is there to be served."""
    if not apps.is_installed("django.contrib.admin"):
        return
    try:
        where = staticfiles_storage.url(A_STATIC_FILE)
    except ValueError:  # no manifest: see `project`
        return
    if urlsplit(where).netloc:
        return
    try:
        status, _ = site.get(where)
    except TimeoutError:
        waited = f"{where} was not answered within {ANSWERS_WITHIN:g} s."
        yield Finding(AREA, "error", waited, "Start workers: manage.py runqueueworker.")
        return
    if status == 200:
        yield Finding(AREA, "ok", f"Static files are served: {where}.")
    else:
        yield Finding(
            AREA,
            "error",
            f"Static files are not served: {where} gives {status}.",
            "Let WhiteNoise serve them, or the proxy, and run manage.py collectstatic.",
        )
