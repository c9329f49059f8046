"""What of a view's answer may be sent, and what is refused instead of half sent."""

from contextlib import closing

import pytest
from django.http import FileResponse, HttpResponse, HttpResponseBase, StreamingHttpResponse

from queueproxy.exceptions import BadResponse
from queueproxy.worker.response import FILE_BLOCK, answer_of, each_piece


def with_headers(**headers) -> HttpResponse:
    response = HttpResponse(b"x")
    for name, value in headers.items():
        response[name.replace("_", "-")] = value
    return response


def names(response, method="GET") -> list[str]:
    return [name for name, _ in answer_of(method, response).headers]


def pieces_of(response) -> list[bytes]:
    pieces = []
    each_piece(response, pieces.append)
    return pieces


def test_a_plain_answer():
    answer = answer_of("GET", HttpResponse(b"hello", status=201))
    headers = [("Content-Type", "text/html; charset=utf-8")]
    assert answer == (201, headers, None, b"hello", False)


def test_cookies_come_one_by_one_with_their_attributes():
    response = HttpResponse()
    response.set_cookie("a", "1", httponly=True, samesite="Lax")
    response.set_cookie("b", "2", max_age=5, path="/x")
    cookies = [value for name, value in answer_of("GET", response).headers if name == "Set-Cookie"]
    assert cookies[0] == "a=1; HttpOnly; Path=/; SameSite=Lax"
    assert cookies[1].startswith("b=2; expires=")
    assert cookies[1].endswith("; Max-Age=5; Path=/x")


def test_hop_by_hop_headers_stay_here():
    response = with_headers(
        Connection="X-Mine, close", X_Mine="1", Transfer_Encoding="chunked", Upgrade="h2c", X_B="2"
    )
    assert names(response) == ["Content-Type", "X-B"]


@pytest.mark.parametrize("status", [99, 100, 199, 600, 0, -1, "200", None, 200.0])
def test_statuses_that_are_none(status):
    response = HttpResponse()
    response.status_code = status
    with pytest.raises(BadResponse, match="status"):
        answer_of("GET", response)


@pytest.mark.parametrize("name", ["", "X Y", "X:Y", "X\r\nY", "\xe9", "X\0"])
def test_names_that_are_none(name):
    response = HttpResponse()
    response.headers._store[name.lower()] = (name, "1")  # behind Django's own look
    with pytest.raises(BadResponse, match="header"):
        answer_of("GET", response)


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: evil=1", "a\nb", "a\rb", "a\0b"])
def test_values_that_would_be_two(value):
    response = HttpResponse()
    response.headers._store["x-a"] = ("X-A", value)
    with pytest.raises(BadResponse, match="line break"):
        answer_of("GET", response)


def test_a_cookie_can_not_break_the_line_either():
    response = HttpResponse()
    response.set_cookie("a", "1\r\nX-Evil: 1")  # Python quotes it
    assert all(
        "\r" not in value and "\n" not in value for _, value in answer_of("GET", response).headers
    )
    response.set_cookie("b", "1", path="/\r\nX-Evil: 1")  # and does not quote this
    with pytest.raises(BadResponse, match="line break"):
        answer_of("GET", response)


@pytest.mark.parametrize("path", ["/\u017e", "/\udc80"])
def test_what_is_not_latin_1_is_refused_here_and_not_at_the_front(path):
    response = HttpResponse()
    response.set_cookie("a", "1", path=path)
    with pytest.raises(BadResponse, match="Latin-1"):
        answer_of("GET", response)


def test_latin_1_and_whitespace_around_it():
    response = HttpResponse()
    response["X-A"] = "  caf\xe9\t"
    assert ("X-A", "caf\xe9") in answer_of("GET", response).headers


@pytest.mark.parametrize("length", [0, 4, 6])
def test_a_length_the_body_does_not_have(length):
    response = HttpResponse(b"12345", headers={"Content-Length": str(length)})
    with pytest.raises(BadResponse, match=f"Content-Length is {length}, the body has 5"):
        answer_of("GET", response)


@pytest.mark.parametrize("length", ["", "x", "-1", "1.0", "\u0661", "1, 1"])
def test_a_length_that_is_none(length):
    response = HttpResponse(b"1")
    response.headers._store["content-length"] = ("Content-Length", length)
    with pytest.raises(BadResponse, match="Content-Length"):
        answer_of("GET", response)


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
@pytest.mark.parametrize("streaming", [False, True])
def test_no_body_where_there_is_none(method, status, streaming):
    read = []

    def pieces():
        read.append(1)
        yield b"body"

    response = StreamingHttpResponse(pieces()) if streaming else HttpResponse(b"body")
    response.status_code = status
    response["Content-Length"] = "4"
    answer = answer_of(method, response)
    assert (answer.status, answer.body, answer.length) == (status, b"", 4)
    assert not read


def test_huge_headers_pass():
    assert answer_of("GET", with_headers(X_Huge="x" * 1_000_000)).headers[-1][1] == "x" * 1_000_000


def test_an_object_of_the_views_own_making():
    class Odd(HttpResponseBase):
        streaming = False

    with pytest.raises(BadResponse, match="can't be read: AttributeError"):
        answer_of("GET", Odd())


def test_streams_are_not_read_before_they_are_sent():
    assert answer_of("GET", StreamingHttpResponse(iter([b"a"]))).body is None


def test_pieces_as_the_view_makes_them():
    assert pieces_of(StreamingHttpResponse(iter([b"a", "é", b"", memoryview(b"c")]))) == [
        b"a",
        "é".encode(),
        b"",
        b"c",
    ]


def test_files_in_blocks(tmp_path, no_connection):
    file = tmp_path / "file"
    file.write_bytes(b"x" * (FILE_BLOCK + 1))
    with closing(FileResponse(file.open("rb"))) as response:
        assert [len(piece) for piece in pieces_of(response)] == [FILE_BLOCK, 1]
