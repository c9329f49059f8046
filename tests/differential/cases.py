"""The named requests: name -> bytes to send. ``{host}`` is put in where it stands."""

from collections.abc import Iterator


def request(
    method: str = "GET",
    target: str | bytes = "/seen/",
    headers: list[str | bytes] = (),
    body: bytes = b"",
    *,
    host: str = "localhost",
    length: bool | None = None,
) -> bytes:
    """One request as bytes; a length is given where there is a body."""
    raw = target if isinstance(target, bytes) else target.encode("latin-1")
    lines = [b"%s %s HTTP/1.1" % (method.encode(), raw), b"Host: " + host.encode()]
    lines += [h if isinstance(h, bytes) else h.encode("latin-1") for h in headers]
    if length or (length is None and body):
        lines.append(b"Content-Length: %d" % len(body))
    lines.append(b"Connection: close")
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def chunked(pieces: list[bytes], headers: list[str] = ()) -> bytes:
    """A POST with the chunked transfer coding."""
    body = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"
    return request(
        "POST", headers=["Transfer-Encoding: chunked", *headers], body=body, length=False
    )


def multipart(parts: list[tuple[str, str | None, bytes]]) -> tuple[str, bytes]:
    """Content-Type and body of a form with files."""
    body = b""
    for name, filename, content in parts:
        disposition = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename else "")
        body += b"--bound\r\nContent-Disposition: " + disposition.encode() + b"\r\n"
        body += (
            (b"Content-Type: text/x-test\r\n" if filename else b"") + b"\r\n" + content + b"\r\n"
        )
    return "Content-Type: multipart/form-data; boundary=bound", body + b"--bound--\r\n"


PATHS = """
/seen/ /seen/a /seen/a/b/ /seen/%20 /seen/a%20b /seen/%C3%A9 /seen/%E6%97%A5%E6%9C%AC /seen/%ff
/seen/%FE%FF /seen/a%2Fb /seen/a%2fb%2F /seen/%25 /seen/%2525 /seen/a+b /seen/a;p=1 /seen/a;p=1/b
/seen/a:b@c /seen//a /seen///  /seen/./a /seen/../seen/a /seen/a/.. /seen/a,b!$&'()* /seen/~a
/seen/%7Ea /seen/%0A /seen/%3F /seen/%23 /seen/a=b /seen/a&b /seen/%E2%82%AC%20x //seen/ //evil/x
/seen /nothing/ /nothing /%C3 /seen/%c3%28 /seen/%u0041 /seen/a%zz /seen/| /seen/[a]
""".split()
QUERIES = """
? ?a ?a= ?=a ?a=1&a=2 ?a=1;b=2 ?a=%C3%A9 ?a=%ff ?a=+b ?a=%20b ?a=%2B ?a=b?c=d ??a ?a=/../ ?a=%00
?%C3%A9=1 ?a[b]=1 ?a=1& ?&a=1 ?a=%zz ?a=|
""".split()
HEADERS = {
    "duplicate": ["X-A: 1", "X-A: 2", "x-a: 3"],
    "empty": ["X-A:"],
    "spaces": ["X-A:   padded  "],
    "latin": [b"X-A: caf\xe9"],
    "utf8": [b"X-A: \xe6\x97\xa5"],
    "underscore": ["X_Forged: 1", "X-Real: 2"],
    "mixed-case": ["x-MiXeD: 1"],
    "long": ["X-A: " + "y" * 8000],
    "many": [f"X-{n}: {n}" for n in range(60)],
    "cookie": ["Cookie: a=1; b=2"],
    "cookies": ["Cookie: a=1", "Cookie: b=2"],
    "cookie-odd": ['Cookie: a; =b; c=d=e; f="g h"'],
    "cookie-latin": [b"Cookie: a=caf\xe9"],
    "forwarded": ["X-Forwarded-For: 1.2.3.4", "X-Forwarded-Proto: https", "Forwarded: for=5.6.7.8"],
    "forwarded-host": ["X-Forwarded-Host: evil.test", "X-Forwarded-Port: 1"],
    "accept": ["Accept: text/html, */*;q=0.1", "Accept-Charset: x"],
    "language": ["Accept-Language: de, en;q=0.5"],
    "authorization": ["Authorization: Basic YTpi"],
    "referer": [b"Referer: http://localhost/\xe9"],
    "user-agent": ["User-Agent: test (x; y)"],
    "origin": ["Origin: http://localhost"],
    "content-type-only": ["Content-Type: text/x-only"],
    "content-type-params": ["Content-Type: text/plain; charset=latin-1; x=y"],
    "length-zero": ["Content-Length: 0"],
    "date": ["Date: Thu, 01 Jan 1970 00:00:00 GMT"],
    "te-trailers": ["X-Last: 1"],
    "digits": ["X-1: a", "1X: b"],
    "punctuation": ["X-!#$%&'*+.^`|~: p"],
    "colon": ["X-A: b: c: d"],
    "tab": ["X-A: b\tc"],
    "scheme-like": ["X-Url-Scheme: https"],
    "requested-with": ["X-Requested-With: XMLHttpRequest"],
}
HOSTS = [
    *("localhost:8000", "127.0.0.1", "127.0.0.1:1", "example.test", "EXAMPLE.test"),
    *("example.test:443", "forbidden.test", "example.test.", "a_b.test"),
]
PAGES = """
/cookies/ /headers/ /status/200/ /status/201/ /status/202/ /status/204/ /status/206/ /status/299/
/status/304/ /status/400/ /status/401/ /status/404/ /status/405/ /status/410/ /status/418/
/status/429/ /status/500/ /status/503/ /status/599/ /stream/text/ /stream/empty/ /stream/blanks/
/stream/large/ /stream/unicode/ /stream/async/ /file/text/ /file/attachment/ /file/unicode/
/file/empty/ /error/404/ /error/403/ /error/400/ /error/500/ /error/stream/ /tagged/ /modified/
/atomic/ /asynchronous/?q=%C3%A9 /redirect/found/ /redirect/moved/ /redirect/307/ /redirect/308/
/json/ /long/ /big/ / /?q=blue /?page=2 /?page=999 /things/1/ /things/9999/ /things/new/
/things/export.csv /favourites/ /login/ /admin/ /admin/login/ /slow/?seconds=0 /slow/?seconds=x
/download/ /error/ /api/things/ /api/things/1/ /static/things/site.css /static/none.css /media/none
""".split()
CONDITIONS = {
    "none-match": ("/tagged/", ['If-None-Match: "v1"']),
    "none-match-weak": ("/tagged/", ['If-None-Match: W/"v1"']),
    "none-match-other": ("/tagged/", ['If-None-Match: "v2"']),
    "match-other": ("/tagged/", ['If-Match: "v2"']),
    "modified-since": ("/modified/", ["If-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT"]),
    "modified-before": ("/modified/", ["If-Modified-Since: Sun, 09 Sep 2000 01:46:40 GMT"]),
    "gzip": ("/long/", ["Accept-Encoding: gzip"]),
    "gzip-stream": ("/stream/text/", ["Accept-Encoding: gzip"]),
    "range": ("/download/", ["Range: bytes=0-9"]),
    "range-last": ("/download/", ["Range: bytes=-5"]),
    "range-open": ("/download/", ["Range: bytes=100-"]),
    "range-beyond": ("/download/", ["Range: bytes=99999-"]),
    "range-odd": ("/download/", ["Range: bytes=a-b"]),
    "range-many": ("/download/", ["Range: bytes=0-1,4-5"]),
}
FORM = "Content-Type: application/x-www-form-urlencoded"
JSON = "Content-Type: application/json"
BODIES = {
    "form": request("POST", headers=[FORM], body=b"a=1&a=2&b=%C3%A9+x"),
    "form-latin": request("POST", headers=[FORM + "; charset=latin-1"], body=b"a=%E9"),
    "form-put": request("PUT", headers=[FORM], body=b"a=1"),
    "json": request("POST", headers=[JSON], body=b'{"a": 1}'),
    "no-type": request("POST", body=b"raw"),
    "get-with-body": request("GET", body=b"why not"),
    "delete-with-body": request("DELETE", body=b"x"),
    "empty-post": request("POST", length=True),
    "empty-post-typed": request("POST", headers=[JSON], length=True),
    "binary": request("POST", headers=["Content-Type: x/y"], body=bytes(range(256)) * 10),
    "inline-limit": request("POST", headers=["Content-Type: x/y"], body=b"a" * 65_536),
    "inline-limit-1": request("POST", headers=["Content-Type: x/y"], body=b"a" * 65_537),
    "chunk": request("POST", headers=["Content-Type: x/y"], body=b"b" * 262_144),
    "mega": request("POST", headers=["Content-Type: x/y"], body=b"c" * 1_048_577),
    "too-much-form": request("POST", headers=[FORM], body=b"a=" + b"d" * 2_100_000),
    "many-fields": request("POST", headers=[FORM], body=b"&".join([b"a=1"] * 1100)),
    "chunked": chunked([b"a=1&", b"b=2"], [FORM]),
    "chunked-empty": chunked([]),
    "chunked-large": chunked([b"e" * 70_000] * 3, ["Content-Type: x/y"]),
}
FILES = {
    "one": [("f", "a.txt", b"content")],
    "fields": [("a", None, b"1"), ("f", "a.txt", b"x"), ("a", None, b"2")],
    "several": [("f", "a.txt", b"x"), ("f", "b.txt", b"y"), ("g", "c.bin", bytes(range(256)))],
    "empty": [("f", "e.txt", b"")],
    "unicode": [("f", "naïve 日本.txt", b"x")],
    "path": [("f", "../../etc/passwd", b"x")],
    "large": [("f", "l.bin", b"z" * 700_000)],
    "in-memory-limit": [("f", "m.bin", b"z" * 2_621_441)],
}


def named() -> Iterator[tuple[str, bytes]]:
    """Every named request."""
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"):
        yield f"method {method}", request(method)
    for target in PATHS:
        yield f"path {target}", request(target=target)
    for query in QUERIES:
        yield f"query {query}", request(target="/seen/" + query)
    yield "query long", request(target="/seen/?a=" + "b" * 4000)
    for name, headers in HEADERS.items():
        yield f"headers {name}", request(headers=headers)
    for host in HOSTS:
        yield f"host {host}", request(host=host)
    for page in PAGES:
        yield f"page {page}", request(target=page)
        yield f"head {page}", request("HEAD", page)
    for page in ("/things/new/", "/login/", "/cookies/", "/nothing"):
        yield f"post {page}", request("POST", page, [FORM], b"a=1")
    for name, (target, headers) in CONDITIONS.items():
        yield f"condition {name}", request(target=target, headers=headers)
        yield f"condition head {name}", request("HEAD", target, headers)
    for name, raw in BODIES.items():
        yield f"body {name}", raw
    for name, parts in FILES.items():
        content_type, body = multipart(parts)
        yield f"files {name}", request("POST", headers=[content_type], body=body)
    yield "files broken", request("POST", headers=[multipart([])[0]], body=b"--bound\r\nnonsense")
