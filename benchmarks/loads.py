"""What is asked of every candidate."""

from dataclasses import dataclass

BARE = "benchmarks.site.settings"
FULL = "benchmarks.site.full"
MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Load:
    """One view under so many connections.

    Args:
        settings: module that all candidates serve it with.
        body: bytes sent with each request.
        title: for tables.
        many_paths: whether `path` ends with a number that each request counts up to.
    """

    name: str
    path: str
    connections: int
    title: str
    settings: str = BARE
    body: int = 0
    logged_in: bool = False
    many_paths: bool = False


LOADS = (
    Load("trivial-c1", "/trivial/", 1, "trivial view, one client"),
    Load("trivial-c32", "/trivial/", 32, "trivial view, 32 clients"),
    Load("page-c16", "/page/", 16, "realistic page, 16 clients", FULL, logged_in=True),
    Load("wait-c64", "/wait/50/", 64, "50 ms wait, 64 clients"),
    Load("upload-c8", "/upload/", 8, "1 MB up, 8 clients", body=MEGABYTE),
    Load("upload10-c8", "/upload/", 8, "10 MB up, 8 clients", body=10 * MEGABYTE),
    Load("download-c8", "/download/", 8, "1 MB down, 8 clients"),
    Load("download10-c8", "/download/10/", 8, "10 MB down, 8 clients"),
)
