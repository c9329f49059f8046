"""Request targets that are not simply a path."""

import pytest

from queueproxy.servers.common.target import apply_target


def applied(target: bytes, *hosts: bytes) -> dict:
    scope = {"headers": [(b"accept", b"*/*"), *((b"host", host) for host in hosts)]}
    apply_target(scope, target)
    return scope


@pytest.mark.parametrize(
    ("target", "path", "query", "host"),
    [
        (b"http://b/x%20y?q=1", "/x y", b"q=1", b"b"),
        (b"HTTPS://b:8443", "/", b"", b"b:8443"),
        (b"http://b?q", "/", b"q", b"b"),
        (b"http://b/x#fragment", "/x", b"", b"b"),
        (b"http://b//x", "//x", b"", b"b"),
        (b"http:///x", "/x", b"", b""),
        (b"*", "*", b"", b"a"),
        (b"b:443", "b:443", b"", b"a"),
        (b"ftp://b/x", "ftp://b/x", b"", b"a"),
    ],
)
def test_targets(target, path, query, host):
    scope = applied(target, b"a")
    assert (scope["path"], scope["query_string"]) == (path, query)
    assert scope["headers"] == [(b"accept", b"*/*"), (b"host", host)]


@pytest.mark.parametrize("hosts", [(), (b"a", b"a")])
def test_a_missing_or_second_host_is_not_made_good(hosts):
    headers = applied(b"http://b/", *hosts)["headers"]
    assert [value for name, value in headers if name == b"host"] == [*hosts]
