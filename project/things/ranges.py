"""One byte range of a file (RFC 9110, section 14), which Django's FileResponse does not serve."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from django.http import (
    FileResponse,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header, http_date

BLOCK = 64 * 1024  # bytes

# Eighteen digits are more than any file has bytes, and few enough for a quick int().
_single_range = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})", re.IGNORECASE).fullmatch


def parse_range(header: str, size: int) -> tuple[int, int] | None:
    """First and last byte of a single range; None where the header is to be ignored.

    Several ranges at once are ignored too, as a server may: the answer is the whole file.

    Raises:
        ValueError: the range is well-formed and lies outside the file (answer 416).
    """
    match = _single_range(header.strip())
    if not match or match[1] == match[2] == "":
        return None
    if match[1] == "":  # "-5": the last five bytes
        start, end = max(size - int(match[2]), 0), size - 1
    else:
        start, end = int(match[1]), int(match[2] or size - 1)
        if match[2] and end < start:
            return None
    if start >= size:
        raise ValueError("The range lies outside the file.")
    return start, min(end, size - 1)


def file_response(
    request: HttpRequest, path: Path, *, filename: str, content_type: str
) -> HttpResponseBase:
    """The file as a download: 200 whole, 206 in part, 304, 412 or 416.

    Args:
        request: Range, If-Range and the conditional headers are read.
        path: an existing file.
        filename: what the client may save it as.
        content_type: of the file.

    Raises:
        OSError: the file can't be read.
    """
    stat = path.stat()
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Type": content_type,
        "ETag": f'"{stat.st_mtime_ns:x}-{stat.st_size:x}"',
        "Last-Modified": http_date(stat.st_mtime),
        "Content-Disposition": content_disposition_header(True, filename),
    }
    whole = HttpResponse(headers=headers)
    answer = get_conditional_response(request, headers["ETag"], int(stat.st_mtime), whole)
    if answer is not whole:
        return answer
    try:
        wanted = parse_range(_range_header(request, headers), stat.st_size)
    except ValueError:
        headers = {"Accept-Ranges": "bytes", "Content-Range": f"bytes */{stat.st_size}"}
        return HttpResponse(status=416, headers=headers)
    if wanted is None:
        return FileResponse(path.open("rb"), headers=headers)
    return _part(path, wanted, stat, headers)


def _range_header(request: HttpRequest, validators: dict[str, str]) -> str:
    """The Range header, "" where it does not count: only GET has ranges, If-Range must match."""
    if request.method != "GET":
        return ""
    seen = request.headers.get("If-Range", "").strip()
    if seen and seen not in (validators["ETag"], validators["Last-Modified"]):
        return ""
    return request.headers.get("Range", "")


def _part(
    path: Path, wanted: tuple[int, int], stat: os.stat_result, headers: dict[str, str]
) -> StreamingHttpResponse:
    start, end = wanted
    headers |= {
        "Content-Range": f"bytes {start}-{end}/{stat.st_size}",
        "Content-Length": str(end - start + 1),
    }
    return StreamingHttpResponse(_blocks(path, start, end), status=206, headers=headers)


def _blocks(path: Path, start: int, end: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        left = end - start + 1
        while left > 0 and (block := file.read(min(BLOCK, left))):
            left -= len(block)
            yield block
