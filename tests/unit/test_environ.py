"""From request envelope to WSGI environ: every variable as a plain server gives it (PEP 3333)."""

import sys
from io import BytesIO

import pytest
from django.core.handlers.wsgi import WSGIRequest

from queueproxy.envelopes import RequestHead
from queueproxy.exceptions import DecodeError
from queueproxy.worker import environ as module
from queueproxy.worker.environ import build_environ


def head(path="/", *, headers=(), **changes) -> RequestHead:
    about = {
        "id": "1",
        "request_id": "request-1",
        "method": "GET",
        "query": "",
        "scheme": "http",
        "http_version": "1.1",
        "front": "front",
        "queue": "default",
        "hold_ms": 60_000,
        "max_attempts": 1,
        "sent": 1_700_000_000_123,
        "client": ("192.0.2.7", 4711),
        "server": ("198.51.100.1", 8000),
    }
    return RequestHead(path=path, headers=list(headers), **{**about, **changes})


def request(*args, body=b"", **changes) -> WSGIRequest:
    """What Django makes of it."""
    about = head(*args, body_size=len(body), **changes)
    return WSGIRequest(build_environ(about, BytesIO(body)))


def test_every_variable_of_a_small_request():
    environ = build_environ(
        head(
            "/things/", method="POST", query="a=1", headers=[("Host", "example.org")], body_size=3
        ),
        BytesIO(b"x=1"),
    )
    assert environ.pop("wsgi.input").read() == b"x=1"
    assert environ == {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/things/",
        "QUERY_STRING": "a=1",
        "RAW_URI": "/things/?a=1",
        "CONTENT_LENGTH": "3",
        "SERVER_NAME": "198.51.100.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.7",
        "REMOTE_HOST": "192.0.2.7",
        "REMOTE_PORT": "4711",
        "HTTP_HOST": "example.org",
        "HTTP_X_REQUEST_ID": "request-1",
        "HTTP_X_REQUEST_START": "t=1700000000123",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }


def test_nothing_of_the_stock_test_client_is_left():
    environ = build_environ(head(), BytesIO())
    assert "HTTP_COOKIE" not in environ
    assert "CONTENT_TYPE" not in environ
    assert "testserver" not in environ.values()


@pytest.mark.parametrize(
    ("raw", "seen"),
    [
        ("/", "/"),
        ("/a%20b/", "/a b/"),
        ("/caf%C3%A9/", "/café/"),
        ("/caf\xc3\xa9/", "/café/"),  # bytes that came unescaped, as Latin-1 text
        ("/caf\xc3\xa9%20/", "/café /"),
        ("/%2525/", "/%25/"),  # unquoted once
        ("/a%2Fb/", "/a/b/"),
        ("//evil/ok/", "//evil/ok/"),
        ("/a/../b/./", "/a/../b/./"),
        ("/%zz%4/", "/%zz%4/"),
        ("*", "*"),
    ],
)
def test_paths(raw, seen):
    assert request(raw).path_info == seen


def test_bytes_that_are_no_utf8_survive():
    assert build_environ(head("/%E9/"), BytesIO())["PATH_INFO"] == "/\xe9/"
    assert build_environ(head("/\xe9%20/"), BytesIO())["PATH_INFO"] == "/\xe9 /"
    assert request("/%E9/").path_info == "/%E9/"  # as Django shows it


def test_a_path_no_front_wrote():
    with pytest.raises(DecodeError, match="path"):
        build_environ(head("/\u0100/"), BytesIO())


@pytest.mark.parametrize(
    ("root", "raw", "script_name", "path_info"),
    [
        ("/sub", "/sub/a/", "/sub", "/a/"),
        ("/sub", "/sub", "/sub", ""),
        ("/sub", "/subway/", "/sub", "/subway/"),  # only whole segments
        ("/sub", "/a/", "/sub", "/a/"),  # the server took it off itself
        ("/sub/", "/sub/a/", "/sub/", "/a/"),
        ("/d\u00e9", "/d%C3%A9/a/", "/d\xc3\xa9", "/a/"),
        ("/a b", "/a%20b/c/", "/a b", "/c/"),
    ],
)
def test_script_name(root, raw, script_name, path_info):
    environ = build_environ(head(raw, root_path=root), BytesIO())
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == (script_name, path_info)


def test_query_is_left_as_it_came():
    seen = request(query="a=%C3%A9&b=\xc3\xa9&b=2&c")
    assert seen.META["QUERY_STRING"] == "a=%C3%A9&b=\xc3\xa9&b=2&c"
    assert seen.GET["a"] == "é"
    assert seen.GET.getlist("b") == ["é", "2"]


@pytest.mark.parametrize(
    ("headers", "key", "value"),
    [
        ([("X-A", "1"), ("x-a", "2")], "HTTP_X_A", "1,2"),
        ([("Cookie", "a=1"), ("cookie", "b=2")], "HTTP_COOKIE", "a=1; b=2"),
        ([("X-Name", "caf\xe9")], "HTTP_X_NAME", "caf\xe9"),
        ([("X-Empty", "")], "HTTP_X_EMPTY", ""),
        ([("Content-Type", "text/plain")], "CONTENT_TYPE", "text/plain"),
        ([("CONTENT-TYPE", "a;b; c")], "CONTENT_TYPE", "a;b; c"),
    ],
)
def test_headers(headers, key, value):
    assert build_environ(head(headers=headers), BytesIO())[key] == value


def test_underscores_never_stand_for_another_header():
    environ = build_environ(
        head(headers=[("X_Forwarded_For", "evil"), ("Content_Type", "evil"), ("X-A", "good")]), b""
    )
    assert "evil" not in environ.values()
    assert environ["HTTP_X_A"] == "good"


def test_the_fronts_own_headers_win():
    environ = build_environ(
        head(headers=[("X-Request-ID", "evil"), ("x-request-start", "t=0")]), b""
    )
    assert environ["HTTP_X_REQUEST_ID"] == "request-1"
    assert environ["HTTP_X_REQUEST_START"] == "t=1700000000123"


@pytest.mark.parametrize(
    ("declared", "body", "seen"),
    [
        (None, b"", None),
        (None, b"abc", "3"),  # it came chunked
        ("0", b"", "0"),
        ("999", b"abc", "3"),  # the body as it is, whatever was said
        ("odd", b"", "0"),
    ],
)
def test_content_length_is_the_bodys(declared, body, seen):
    headers = [("Content-Length", declared)] if declared is not None else []
    environ = build_environ(
        head(method="POST", headers=headers, body_size=len(body)), BytesIO(body)
    )
    assert environ.get("CONTENT_LENGTH") == seen


@pytest.mark.parametrize(
    "content_type", ["", "nonsense", "multipart/form-data", "text/x; charset=?"]
)
def test_odd_content_types_do_not_stop_django(content_type):
    seen = request(method="POST", headers=[("Content-Type", content_type)], body=b"abc")
    assert seen.META["CONTENT_TYPE"] == content_type
    assert seen.body == b"abc"


def test_an_empty_post_keeps_its_type():
    seen = request(method="POST", headers=[("Content-Type", "application/json")])
    assert seen.content_type == "application/json"


def test_without_addresses_as_over_a_unix_socket():
    environ = build_environ(head(client=None, server=None), BytesIO())
    assert environ["REMOTE_ADDR"] == ""
    assert "REMOTE_PORT" not in environ
    assert environ["SERVER_NAME"]
    assert environ["SERVER_PORT"] == "80"
    environ = build_environ(head(server=("/run/site.sock", None)), BytesIO())
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("/run/site.sock", "80")


def test_https():
    seen = request("/a/", scheme="https", server=None, headers=[("Host", "localhost")])
    assert seen.is_secure()
    assert seen.META["SERVER_PORT"] == "443"
    assert seen.build_absolute_uri() == "https://localhost/a/"


def test_http_version():
    assert build_environ(head(http_version="2"), BytesIO())["SERVER_PROTOCOL"] == "HTTP/2"


def test_names_that_clients_make_up_do_not_fill_memory(monkeypatch):
    monkeypatch.setattr(module, "_names", {})
    for number in range(2 * module._MOST_NAMES):
        environ = build_environ(head(headers=[(f"X-{number}", "v")]), BytesIO())
        assert environ[f"HTTP_X_{number}"] == "v"
    assert len(module._names) == module._MOST_NAMES
