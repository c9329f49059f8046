"""The corpus: what hostile, broken and merely odd clients send, and what must come back.

Each family is a generator; a case's name begins with its family's.
"""

from collections.abc import Iterator

from queueproxy.servers.common import limits

from .app import MAX_BODY
from .wire import Case

CHUNKED = b"Transfer-Encoding: chunked"
EVIL = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"  # which nobody asked for


def get(path: str = "/a", *headers: bytes, version: str = "1.1", host: bytes = b"Host: a") -> bytes:
    return head(f"GET {path} HTTP/{version}".encode("latin-1"), host, *headers)


def head(line: bytes, *headers: bytes) -> bytes:
    return b"\r\n".join((line, *headers, b"", b""))


def post(body: bytes, *headers: bytes, path: str = "/a", sized: bool = True) -> bytes:
    length = [b"Content-Length: %d" % len(body)] if sized else []
    return head(f"POST {path} HTTP/1.1".encode(), b"Host: a", *length, *headers) + body


def chunked(body: bytes, *, path: str = "/a") -> bytes:
    """A POST whose body is written in chunks already."""
    return post(body, CHUNKED, path=path, sized=False)


def ok(name: str, *pieces: bytes, answers: tuple = ("GET /a",)) -> Case:
    return Case(name, pieces, answers, closes=False)


def ends(name: str, *pieces: bytes, answers: tuple) -> Case:
    """A case after which the server closes."""
    return Case(name, pieces, answers, closes=True)


def cut(raw: bytes, at: int) -> tuple[bytes, bytes]:
    return raw[:at], raw[at:]


def split() -> Iterator[Case]:
    """A request means the same wherever the network cuts it."""
    plain = get()
    for at in range(1, len(plain)):
        yield ok(f"a GET cut after {plain[max(0, at - 8) : at]!r}", *cut(plain, at))
    body = b"3;x=y\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\n"
    first = len(chunked(b""))
    whole = chunked(body)
    for at in range(len(body)):
        name = f"chunks cut after {whole[first + at - 6 : first + at]!r} at {at}"
        yield ok(name, *cut(whole, first + at), answers=("POST /a abc",))
    two = get("/1") + get("/2")
    for at in range(len(get("/1")) - 3, len(get("/1")) + 4):
        answers = ("GET /1", "GET /2")
        yield ok(
            f"two GETs cut at byte {at}, about where they meet", *cut(two, at), answers=answers
        )
    for name, raw, answer in (
        ("a GET", plain, "GET /a"),
        ("a sized POST", post(b"abc"), "POST /a abc"),
        ("a chunked POST", whole, "POST /a abc"),
    ):
        yield ok(
            f"{name}, byte by byte", *(raw[i : i + 1] for i in range(len(raw))), answers=(answer,)
        )


def size() -> Iterator[Case]:
    """Each limit, one below, at and one above it; in one piece and in two."""
    for past in (-1, 0, 1):
        where = {-1: "below", 0: "at", 1: "above"}[past]
        for name, raw, fine, refused in _limited(past):
            answers = (refused,) if past > 0 else (fine,)
            closes = past > 0
            yield Case(f"{name} {where} its limit", (raw,), answers, closes)
            pieces = cut(raw, len(raw) - 20)
            yield Case(f"{name} {where} its limit, in two pieces", pieces, answers, closes)


def _limited(past: int) -> Iterator[tuple[str, bytes, str, int]]:
    bare = b"GET /?%s HTTP/1.1"
    query = b"q" * (limits.MAX_LINE + past - len(bare) + 2)
    yield "a request line", head(bare % query, b"Host: a"), f"GET /?{query.decode()}", 414
    short = len(get("/a", b"X: "))
    yield "a head", get("/a", b"X: " + b"x" * (limits.MAX_HEADERS + past - short)), "GET /a", 431
    many = [b"X: %d" % n for n in range(limits.MAX_FIELDS + past - 1)]
    yield "the number of headers", get("/a", *many), "GET /a", 431
    extension = b"x" * (limits.MAX_CHUNK_LINE + past - len(b"3;\r\n"))
    body = b"3;%s\r\nabc\r\n0\r\n\r\n" % extension
    yield "a chunk's line", chunked(body), "POST /a abc", 400
    share = 512
    chunks = (b"1;" + b"e" * share + b"\r\nx\r\n") * (limits.MAX_EXTENSIONS // share - 1)
    last = b"0;" + b"e" * (share + past) + b"\r\n\r\n"
    text = "x" * (limits.MAX_EXTENSIONS // share - 1)
    yield "all chunk extensions", chunked(chunks + last), f"POST /a {text}", 400
    trailer = (
        b"X-Trailer: " + b"x" * (limits.MAX_HEADERS + past - len(b"X-Trailer: \r\n")) + b"\r\n"
    )
    yield "a trailer", chunked(b"0\r\n" + trailer + b"\r\n"), "POST /a", 431
    trailers = b"X-Trailer: 1\r\n" * (limits.MAX_FIELDS + past)
    yield "the number of trailers", chunked(b"0\r\n" + trailers + b"\r\n"), "POST /a", 431
    length = MAX_BODY + past
    yield "a sized body", post(b"x" * length), f"POST /a {length} bytes", 413
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (length, b"x" * length)
    yield "a chunked body", chunked(body), f"POST /a {length} bytes", 413


CODINGS = (
    b"identity",
    b"gzip, chunked",
    b"chunked, gzip",
    b"chunked, chunked",
    b"chunked, identity",
    b"xchunked",
    b"chunkedx",
    b"chunked;q=1",
    b"chunked ,",
    b", chunked",
    b'"chunked"',
    b"\xc3\xa7hunked",
    b"",
)
LENGTHS = (
    b"+3",
    b"-3",
    b"3 3",
    b"3,3",
    b"3;",
    b"0x3",
    b"3.0",
    b"3e0",
    b"'3'",
    b"\xd9\xa3",
    b"",
    b"three",
    b"3\x003",
    b"3_0",
)


def smuggling() -> Iterator[Case]:
    """Where a body ends is never a matter of opinion."""
    for coding in CODINGS:
        raw = post(b"0\r\n\r\n" + EVIL, b"Transfer-Encoding: " + coding, sized=False)
        yield ends(f"the transfer coding {coding!r}", raw, answers=(501,))
    for length in LENGTHS:
        raw = post(b"abc" + EVIL, b"Content-Length: " + length, sized=False)
        yield ends(f"the length {length!r}", raw, answers=(400,))
    for name, line in (
        ("with a space before its colon", b"Transfer-Encoding : chunked"),
        ("folded", b"X: y\r\n Transfer-Encoding: chunked"),
        ("after a lone LF", b"X: y\nTransfer-Encoding: chunked"),
        ("after a lone CR", b"X: y\rTransfer-Encoding: chunked"),
        ("after a NUL", b"X: y\x00\r\nTransfer-Encoding: chunked"),
        ("with a vertical tab", b"Transfer-Encoding:\x0bchunked"),
        ("with a form feed", b"Transfer-Encoding: chunked\x0c"),
        ("with its value on the next line", b"Transfer-Encoding:\r\n chunked"),
        ("with a control in its name", b"Transfer-\x08Encoding: chunked"),
    ):
        raw = post(b"3\r\nabc\r\n0\r\n\r\n", line, b"Content-Length: 0", sized=False)
        yield ends(f"a transfer coding {name}", raw + EVIL, answers=(400,))
    both = (b"Content-Length: 5", CHUNKED)
    for order, lines in (("before", both), ("after", both[::-1])):
        raw = post(b"0\r\n\r\n" + EVIL, *lines, sized=False)
        yield ends(f"a length {order} chunked", raw, answers=(400,))
    for name, lines in (
        ("two different lengths", (b"Content-Length: 0", b"Content-Length: %d" % len(EVIL))),
        ("the same length twice", (b"Content-Length: 3", b"Content-Length: 3")),
        ("a length that no number holds", (b"Content-Length: " + b"9" * 30,)),
    ):
        status = 413 if "number" in name else 400
        yield ends(name, post(EVIL, *lines, sized=False), answers=(status,))
    twice = post(b"0\r\n\r\n" + EVIL, CHUNKED, CHUNKED, sized=False)
    yield ends("chunked in two headers", twice, answers=(501,))
    old = head(b"POST /a HTTP/1.0", b"Host: a", CHUNKED) + b"0\r\n\r\n" + EVIL
    yield ends("chunked in HTTP/1.0", old, answers=(400,))
    raw = get("/a", b"Content-Length: %d" % len(EVIL)) + EVIL
    yield ok(
        "a GET whose body looks like a request", raw, answers=("GET /a " + EVIL.decode("latin-1"),)
    )
    raw = head(b"GET /a HTTP/1.1", b"Host: a", CHUNKED) + b"%x\r\n%s\r\n0\r\n\r\n" % (
        len(EVIL),
        EVIL,
    )
    answer = "GET /a " + EVIL.decode("latin-1")
    yield ok("a chunked GET whose body looks like a request", raw, answers=(answer,))
    yield ok(
        "a length with zeros before it",
        post(b"abc", b"Content-Length: 003", sized=False),
        answers=("POST /a abc",),
    )
    raw = post(b"", b"Transfer_Encoding: chunked", b"Content-Length: 3", sized=False) + b"abc"
    yield ok("an underscore in Transfer_Encoding", raw, answers=("POST /a abc",))
    raw = post(b"", b"Content_Length: 3") + get("/b")
    yield ok("an underscore in Content_Length", raw, answers=("POST /a", "GET /b"))
    raw = post(b"0\r\n\r\n", b"TRANSFER-ENCODING: \t ChUnKeD \t", sized=False)
    yield ok("chunked in any case, with blanks about it", raw, answers=("POST /a",))
    yield ends(
        "a body with neither length nor coding",
        post(b"abc\r\n\r\n", sized=False),
        answers=("POST /a", 400),
    )


BAD_SIZES = (
    *(b"0x3", b"+3", b"-3", b" 3", b"3 ", b"3\t", b"", b"g", b"3 3", b"\xd9\xa3", b"3,"),
    *(b"3\x00", b"3;\x00", b"3;a\x7f", b"3;a\rb", b"1" * 16, b"f" * 17, b"3.", b"0;\x08"),
)


def chunks() -> Iterator[Case]:
    """Chunks are read to the letter."""
    for text in BAD_SIZES:
        raw = chunked(text + b"\r\nabc\r\n0\r\n\r\n" + EVIL)
        yield ends(f"the chunk size {text!r}", raw, answers=(400,))
    for name, body in (
        ("a chunk longer than it says", b"2\r\nabc\r\n0\r\n\r\n"),
        ("a chunk shorter than it says", b"4\r\nabc\r\n0\r\n\r\n" + EVIL),
        ("a chunk's line ended by LF", b"3\nabc\r\n0\r\n\r\n"),
        ("a chunk's line ended by CR", b"3\rabc\r\n0\r\n\r\n"),
        ("a chunk's data ended by LF", b"3\r\nabc\n0\r\n\r\n"),
        ("a chunk's data ended by CR", b"3\r\nabc\r0\r\n\r\n"),
        ("an extension that hides a line", b"3;a\nb\r\nabc\r\n0\r\n\r\n"),
        ("the last chunk's line ended by LF", b"3\r\nabc\r\n0\n\r\n"),
        ("the end of the trailers written LF", b"3\r\nabc\r\n0\r\n\n" + EVIL),
    ):
        yield ends(name, chunked(body), answers=(400,))
    for name, body, text in (
        ("a size in capitals", b"A\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
        ("a size in small letters", b"a\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
        ("a size with zeros before it", b"0003\r\nabc\r\n000\r\n\r\n", "abc"),
        ("an extension", b"3;a\r\nabc\r\n0;b\r\n\r\n", "abc"),
        ("an extension with a value", b"3;a=b;c=d\r\nabc\r\n0\r\n\r\n", "abc"),
        ("an extension in quotes", b'3;a="b c;d"\r\nabc\r\n0\r\n\r\n', "abc"),
        ("an extension after blanks", b"3 \t;a\r\nabc\r\n0\r\n\r\n", "abc"),
        ("an extension of high bytes", b"3;\xc3\xbc\r\nabc\r\n0\r\n\r\n", "abc"),
        ("many chunks of one byte", b"1\r\nx\r\n" * 60 + b"0\r\n\r\n", "x" * 60),
    ):
        raw = chunked(body) + get("/b")
        yield ok(f"{name}, then a GET", raw, answers=(f"POST /a {text}", "GET /b"))
    refused = head(b"CONNECT a:443 HTTP/1.1", b"Host: a:443", CHUNKED)
    yield ends("a bad chunk of what was refused already", refused, b"nonsense\r\n", answers=(501,))
    raw = chunked(b"0\r\n\r\n0\r\n\r\n")
    yield ends("a second last chunk", raw, answers=("POST /a", 400))


TRAILERS = (
    *(b"X-Forwarded-For: 6.6.6.6", b"X-Forwarded-Proto: https", b"Cookie: sessionid=1"),
    *(b"Authorization: Basic eA==", b"Remote-User: admin", b"X-Real-IP: 6.6.6.6"),
    *(b"Forwarded: for=6.6.6.6", b"Host: evil", b"Content-Length: 9", CHUNKED),
    *(b"Connection: close", b"Content-Type: text/html", b"Expect: 100-continue"),
    *(b"Upgrade: websocket", b"X-Trailer: 1"),
)
BAD_TRAILERS = (
    *(b"no colon", b": no name", b"X : y", b" folded: 1", b"X: a\x00", b"X: a\nY: b", b"X: a\rb"),
    *(b"X\x7f: a", b"GET /smuggled HTTP/1.1"),
)


def trailers() -> Iterator[Case]:
    """What comes after a body is never a header of its request."""
    for line in TRAILERS:
        raw = chunked(b"3\r\nabc\r\n0\r\n" + line + b"\r\n\r\n") + get("/b")
        name = f"the trailer {line.decode()!r}"
        yield ok(name, raw, answers=("POST /a abc", "GET /b"))
    for line in BAD_TRAILERS:
        raw = chunked(b"3\r\nabc\r\n0\r\n" + line + b"\r\n\r\n")
        yield ends(f"the trailer {line!r}", raw, answers=(400,))


VERSIONS = (b"0.9", b"1.2", b"1.9", b"2.0", b"3.0", b"0.0", b"9.9")
NO_VERSIONS = (
    *(b"HTTP/1", b"HTTP/11", b"HTTP/1.10", b"HTTP/1.1x", b"http/1.1", b"HTTPS/1.1", b"ICY/1.0"),
    *(
        b"HTTP/1,1",
        b"HTTP/ 1.1",
        b"HTTP/1.1 ",
        b"HTTP/-1.1",
        b"HTTP /1.1",
        b"RTSP/1.0",
        b"HTTP/\xb9.1",
    ),
)


def versions() -> Iterator[Case]:
    """HTTP/1.0 and HTTP/1.1, and no other."""
    for version in VERSIONS:
        raw = head(b"GET /a HTTP/" + version, b"Host: a")
        yield ends(f"the version {version.decode()}", raw, answers=(505,))
    for version in NO_VERSIONS:
        raw = head(b"GET /a " + version, b"Host: a")
        yield ends(f"the version {version!r}", raw, answers=(400,))
    yield ends("no version", b"GET /a\r\n\r\n", answers=(400,))
    yield ends("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", answers=(505,))
    yield ends("the hello of TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", answers=(400,))
    yield ends("HTTP/1.0 without a Host", head(b"GET /a HTTP/1.0"), answers=("GET /a",))
    for token in (b"keep-alive", b"close"):
        raw = get("/a", b"Connection: " + token, version="1.0")
        yield ends(f"HTTP/1.0 with Connection: {token.decode()}", raw, answers=("GET /a",))
    raw = get("/1", version="1.0") + get("/2")
    yield ends("a request after one of HTTP/1.0", raw, answers=("GET /1",))


def lines() -> Iterator[Case]:
    """Request lines."""
    for name, line in (
        ("no target", b"GET HTTP/1.1"),
        ("an empty target", b"GET  HTTP/1.1"),
        ("two blanks after the method", b"GET  /a HTTP/1.1"),
        ("two blanks before the version", b"GET /a  HTTP/1.1"),
        ("a blank in the target", b"GET /a b HTTP/1.1"),
        ("tabs for blanks", b"GET\t/a\tHTTP/1.1"),
        ("a tab in the target", b"GET /a\tb HTTP/1.1"),
        ("a blank before the method", b" GET /a HTTP/1.1"),
        ("a fragment", b"GET /a#b HTTP/1.1"),
        ("a fragment alone", b"GET # HTTP/1.1"),
        ("a fragment after a query", b"GET /a?b#c HTTP/1.1"),
        ("a DEL in the path", b"GET /a\x7f HTTP/1.1"),
        ("a DEL in the query", b"GET /a?\x7f HTTP/1.1"),
        ("a NUL in the path", b"GET /a\x00 HTTP/1.1"),
        ("an ESC in the path", b"GET /a\x1b HTTP/1.1"),
        ("a lone CR in the path", b"GET /a\r/b HTTP/1.1"),
        ("a lone LF in the path", b"GET /a\n/b HTTP/1.1"),
        ("bytes that are not ASCII", b"GET /\xc3\xbc HTTP/1.1"),
        ("a path that does not begin with a slash", b"GET a HTTP/1.1"),
        ("an asterisk for a GET", b"GET * HTTP/1.1"),
        ("another scheme", b"GET ftp://a/b HTTP/1.1"),
        ("an authority for a GET", b"GET a:80 HTTP/1.1"),
        ("a method with a slash", b"GE/T /a HTTP/1.1"),
        ("a method with a colon", b"GET: /a HTTP/1.1"),
        ("a method with a NUL", b"GE\x00T /a HTTP/1.1"),
        ("no method", b" /a HTTP/1.1"),
    ):
        yield ends(f"the request line: {name}", head(line, b"Host: a") + EVIL, answers=(400,))
    yield ends("CONNECT", head(b"CONNECT a:443 HTTP/1.1", b"Host: a:443") + EVIL, answers=(501,))
    for name, line, answer in (
        ("an absolute target", b"GET http://b/a?q HTTP/1.1", "GET /a?q"),
        ("an absolute target without a path", b"GET http://b HTTP/1.1", "GET /"),
        ("OPTIONS of the server", b"OPTIONS * HTTP/1.1", "OPTIONS *"),
        ("a method in small letters", b"get /a HTTP/1.1", "get /a"),
        ("a method nobody knows", b"BREW /a HTTP/1.1", "BREW /a"),
        ("dots and double slashes", b"GET //a/../b/./c HTTP/1.1", "GET //a/../b/./c"),
        ("escapes", b"GET /%2e%2e%2f%00%0d%0a HTTP/1.1", "GET /%2e%2e%2f%00%0d%0a"),
        ("an odd escape", b"GET /%zz%1 HTTP/1.1", "GET /%zz%1"),
        (
            "everything a query may hold",
            b"GET /?a=b&c;d[]{}|\\^`'\" HTTP/1.1",
            "GET /?a=b&c;d[]{}|\\^`'\"",
        ),
    ):
        yield ok(f"the request line: {name}", head(line, b"Host: a"), answers=(answer,))
    yield ok("one empty line before a request", b"\r\n" + get())
    yield ends("two empty lines before a request", b"\r\n\r\n" + get(), answers=(400,))
    yield ends("a lone LF before a request", b"\n" + get(), answers=(400,))
    yield ok(
        "an empty line between two requests",
        get("/1") + b"\r\n" + get("/2"),
        answers=("GET /1", "GET /2"),
    )


BAD_NAMES = (*(bytes([c]) for c in b'()<>@,;\\"/[]?={} \t'), b"\xc3\xbc", b"\x7f", b"\x01")
BAD_HOSTS = (
    *(b"", b"a b", b"a/b", b"a@b", b"[::1", b"[::g]", b"a:b", b"a:80:80", b"a#b", b"a?b"),
    *(b"\xc3\xbc", b"a\\b", b"<a>"),
)


def headers() -> Iterator[Case]:
    """Header lines, and Host among them."""
    for name in BAD_NAMES:
        raw = get("/a", b"X" + name + b"Y: 1") + EVIL
        yield ends(f"a header name with {name!r}", raw, answers=(400,))
    for name, line in (
        ("without a colon", b"X"),
        ("without a name", b": 1"),
        ("that is folded", b"X: 1\r\n 2"),
        ("that is folded by a tab", b"X: 1\r\n\t2"),
        ("with a lone LF", b"X: 1\nY: 2"),
        ("with a lone CR", b"X: 1\rY: 2"),
        ("with a NUL", b"X: \x00"),
        ("with a bell", b"X: \x07"),
        ("with a DEL", b"X: \x7f"),
        ("that ends with a lone LF", b"X: 1\n"),
    ):
        yield ends(f"a header {name}", get("/a", line) + EVIL, answers=(400,))
    raw = b"GET /a HTTP/1.1\r\n folded: 1\r\nHost: a\r\n\r\n"
    yield ends("a first header that is folded", raw, answers=(400,))
    raw = b"GET /a HTTP/1.1\nHost: a\n\n" + EVIL
    yield ends("lines ended by LF", raw, answers=(400,))
    yield ends("no Host", head(b"GET /a HTTP/1.1"), answers=(400,))
    yield ends("two Hosts", get("/a", b"Host: b"), answers=(400,))
    yield ends("the same Host twice", get("/a", b"Host: a"), answers=(400,))
    yield ends("two Hosts and an absolute target", get("http://a/", b"Host: b"), answers=(400,))
    for host in BAD_HOSTS:
        yield ends(f"the Host {host!r}", get(host=b"Host: " + host), answers=(400,))
    for host in (b"a:80", b"[::1]:80", b"a.b-c_d", b"%41", b"a:", b"a,b"):
        yield ok(f"the Host {host.decode()}", get(host=b"Host: " + host))
    yield ok("an empty header value", get("/a", b"X:"))
    yield ok("blanks about a header value", get("/a", b"X: \t 1 \t "))
    yield ok("high bytes in a header value", get("/a", b"X: \xe9\x85\xff"))
    yield ok("every mark a name may have", get("/a", b"!#$%&'*+-.^_`|~09: 1"))


def connection() -> Iterator[Case]:
    """Who ends a connection, and when."""
    for value in (
        b"close",
        b"Close",
        b"x, close",
        b"close, x",
        b"keep-alive, close",
        b"x,close",
        b",close,",
    ):
        raw = get("/1", b"Connection: " + value) + get("/2")
        yield ends(f"Connection: {value.decode()}", raw, answers=("GET /1",))
    for value in (b"keep-alive", b"closed", b"x-close", b"close x", b"", b"host, content-length"):
        raw = get("/1", b"Connection: " + value) + get("/2")
        yield ok(f"Connection: {value.decode()!r}", raw, answers=("GET /1", "GET /2"))
    first, second = b"Connection: x", b"Connection: close"
    for order, both in (("second", (first, second)), ("first", (second, first))):
        raw = get("/1", *both) + get("/2")
        yield ends(f"close in the {order} of two Connections", raw, answers=("GET /1",))
    raw = post(b"abc", b"Connection: close") + get("/2")
    yield ends("a POST with close, then a GET", raw, answers=("POST /a abc",))
    yield ends(
        "a POST of chunks with close, and more",
        chunked(b"0\r\n\r\n").replace(CHUNKED, CHUNKED + b"\r\nConnection: close") + EVIL,
        answers=("POST /a",),
    )


# What can't be read, for behind requests that can; with the status of its refusal.
UNREADABLE = (
    ("a malformed line", b"GET /bad\r\n\r\n", 400),
    ("an unknown version", head(b"GET /bad HTTP/3.0", b"Host: a"), 505),
    ("a bad header", get("/bad", b"X Y: 1"), 400),
    ("a head that is too large", get("/bad", b"X: " + b"x" * limits.MAX_HEADERS), 431),
    ("a target that is too long", get("/" + "x" * limits.MAX_LINE), 414),
    ("too many headers", get("/bad", *[b"X: 1"] * limits.MAX_FIELDS), 431),
    ("no Host", head(b"GET /bad HTTP/1.1"), 400),
    ("a body that is too large", post(b"", b"Content-Length: 9999999", sized=False), 413),
    ("two framings", post(b"", b"Content-Length: 5", CHUNKED, sized=False), 400),
    ("a coding nobody knows", post(b"", b"Transfer-Encoding: br", sized=False), 501),
    ("a bad chunk", chunked(b"nonsense\r\n"), 400),
    ("a bad trailer", chunked(b"0\r\nnonsense\r\n\r\n"), 400),
    ("a binary greeting", b"\x00\x01\x02\x03", 400),
    ("a body nobody framed", b"abc\r\n\r\n", 400),
)


def order() -> Iterator[Case]:
    """One request, one answer, in order; a refusal is the last."""
    for name, raw, status in UNREADABLE:
        yield ends(f"behind a GET: {name}", get() + raw, answers=("GET /a", status))
        yield ends(
            f"behind a POST, in a piece of its own: {name}",
            post(b"abc"),
            raw,
            answers=("POST /a abc", status),
        )
        three = get("/1") + post(b"2", path="/2") + chunked(b"1\r\n3\r\n0\r\n\r\n", path="/3")
        answers = ("GET /1", "POST /2 2", "POST /3 3", status)
        yield ends(
            f"behind three, and before one more: {name}",
            three + raw + b"\r\n" + EVIL,
            answers=answers,
        )


def pipelining() -> Iterator[Case]:
    """Many requests at once."""
    for depth in (2, 3, 10, 100, 1000):
        answers = tuple(f"GET /{n}" for n in range(depth))
        raw = b"".join(get(f"/{n}") for n in range(depth))
        yield ok(f"{depth} GETs at once", raw, answers=answers)
    for depth in (2, 10, 100):
        answers = tuple(f"POST /{n} {n}" for n in range(depth))
        raw = b"".join(post(b"%d" % n, path=f"/{n}") for n in range(depth))
        yield ok(f"{depth} POSTs at once", raw, answers=answers)
        raw = b"".join(
            chunked(b"%x\r\n%d\r\n0\r\n\r\n" % (len(str(n)), n), path=f"/{n}") for n in range(depth)
        )
        yield ok(f"{depth} chunked POSTs at once", raw, answers=answers)
    raw = get("/1") + post(b"x" * 200_000, path="/2") + get("/3")
    yield ok(
        "a large POST between two GETs", raw, answers=("GET /1", "POST /2 200000 bytes", "GET /3")
    )
    raw = get("/1", b"Connection: close") + get("/2") * 10_000
    yield ends("ten thousand GETs behind one that closes", raw, answers=("GET /1",))


KEY = (b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", b"Sec-WebSocket-Version: 13")
WEBSOCKET = (b"Connection: Upgrade", b"Upgrade: websocket", *KEY)


def upgrades() -> Iterator[Case]:
    """Nobody is made to speak another protocol."""
    h2c = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk")
    yield ok("h2c for a GET", get("/a", *h2c))
    yield ok("h2c for a POST", post(b"abc", *h2c), answers=("POST /a abc",))
    yield ok("another upgrade", get("/a", b"Connection: upgrade", b"Upgrade: TLS/1.0"))
    yield ok("an Upgrade that Connection does not name", get("/a", b"Upgrade: h2c"))
    for coding in CODINGS[:4]:
        raw = post(b"0\r\n\r\n", *h2c, b"Transfer-Encoding: " + coding, sized=False)
        yield ends(f"h2c with the coding {coding.decode()}", raw + EVIL, answers=(501,))
    raw = post(b"0\r\n\r\n", *h2c, b"Content-Length: 5", CHUNKED, sized=False)
    yield ends("h2c with two framings", raw + EVIL, answers=(400,))
    for depth in (10, 500):
        raw = b"".join(post(b"x", *h2c, path=f"/{n}") for n in range(depth))
        yield ok(
            f"{depth} pipelined upgrades", raw, answers=tuple(f"POST /{n} x" for n in range(depth))
        )
    yield ends(
        "CONNECT with an upgrade", head(b"CONNECT a:1 HTTP/1.1", b"Host: a:1", *h2c), answers=(501,)
    )
    raw = get("/a", b"Connection: Upgrade", b"Upgrade: websocket", version="1.0")
    yield ends("a websocket in HTTP/1.0, which has none", raw, answers=("GET /a",))


def websockets() -> Iterator[Case]:
    """A handshake where there are no websockets: the status is one of a refusal."""
    yield ends("a handshake", get("/a", *WEBSOCKET), answers=(403,))
    yield ends(
        "a handshake behind a GET", get("/1") + get("/2", *WEBSOCKET), answers=("GET /1", 403)
    )
    yield ends(
        "a handshake, and frames at once", get("/a", *WEBSOCKET) + b"\x81\x05hello", answers=(403,)
    )
    raw = get("/a", *WEBSOCKET) * 100
    yield ends("a hundred handshakes at once", raw, answers=(403,))


def leaving() -> Iterator[Case]:
    """A client that ends its side before its request is whole has not asked."""
    for name, raw in (
        ("nothing", b""),
        ("an empty line", b"\r\n"),
        ("half a request line", b"GET /a HT"),
        ("half a head", get()[:-2]),
        ("a head, and no body", post(b"", b"Content-Length: 3", sized=False)),
        ("half a sized body", post(b"abc")[:-1]),
        ("no chunk", chunked(b"")),
        ("half a chunk's size", chunked(b"3")),
        ("half a chunk", chunked(b"3\r\nab")),
        ("every chunk but the last", chunked(b"3\r\nabc\r\n")),
        ("the last chunk without its end", chunked(b"3\r\nabc\r\n0\r\n")),
        ("half a trailer", chunked(b"3\r\nabc\r\n0\r\nX-Trai")),
        ("trailers without their end", chunked(b"3\r\nabc\r\n0\r\nX-Trailer: 1\r\n")),
    ):
        yield Case(f"after {name}", (raw,), (), closes=True, leaves=True)


def expecting() -> Iterator[Case]:
    """100 (Continue)."""
    expect = b"Expect: 100-continue"
    whole = post(b"abc", expect)
    yield ok("the body is sent without waiting", whole, answers=("POST /a abc",))
    yield ok("the body is sent after", *cut(whole, len(whole) - 3), answers=("POST /a abc",))
    yield ok("there is no body", get("/a", expect))
    yield ok("something else is expected", post(b"abc", b"Expect: tea"), answers=("POST /a abc",))
    raw = post(b"", expect, b"Content-Length: 9999999", sized=False)
    yield ends("the body would be too large", raw, answers=(413,))
    yield ok(
        "twice, one after the other",
        whole + post(b"d", expect, path="/b"),
        answers=("POST /a abc", "POST /b d"),
    )


FAMILIES = (
    *(split, size, smuggling, chunks, trailers, versions, lines, headers, connection, order),
    *(pipelining, upgrades, websockets, leaving, expecting),
)


def all_cases() -> list[Case]:
    """Every case, its family before its name."""
    return [
        case._replace(name=f"{family.__name__}: {case.name}")
        for family in FAMILIES
        for case in family()
    ]


def first_of(**families: int) -> list[Case]:
    """The first so many cases of some families."""
    chosen = []
    for family, number in families.items():
        cases = [case for case in all_cases() if case.name.startswith(f"{family}:")]
        assert len(cases) >= number
        chosen += cases[:number]
    return chosen
