"""One byte range of a file (RFC 9110, 14), which Django's FileResponse does not do by itself."""

import re
from pathlib import Path

from django.http import FileResponse, HttpResponse, HttpResponseBase

_RANGE = re.compile(r"bytes=(\d*)-(\d*)").fullmatch


def parse_range(header: str, size: int) -> tuple[int, int] | None:
    """First and last byte of a single range, None where the header is to be ignored.

    Raises:
        ValueError: the range is well-formed and cannot be satisfied.
    """
    match = _RANGE(header.strip())
    if not match or match.group(1) == match.group(2) == "":
        return None
    first, last = match.groups()
    if first == "":
        length = min(int(last), size)
        start, end = size - length, size - 1
    else:
        start, end = int(first), min(int(last), size - 1) if last else size - 1
        if last and int(last) < start:
            return None
    if start > end or start >= size:
        raise ValueError("not satisfiable")
    return start, end


def file_response(request, path: Path, *, filename: str, content_type: str) -> HttpResponseBase:
    """The file, or the part of it that was asked for."""
    size = path.stat().st_size
    try:
        wanted = parse_range(request.headers.get("Range", ""), size)
    except ValueError:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    if wanted is None:
        file = path.open("rb")
        response = FileResponse(file, True, filename, content_type=content_type)
    else:
        response = _part(path, *wanted, size=size, content_type=content_type)
    response["Accept-Ranges"] = "bytes"
    return response


def _part(path: Path, start: int, end: int, *, size: int, content_type: str) -> HttpResponse:
    with path.open("rb") as file:
        file.seek(start)
        part = file.read(end - start + 1)
    headers = {"Content-Range": f"bytes {start}-{end}/{size}"}
    return HttpResponse(part, status=206, content_type=content_type, headers=headers)
