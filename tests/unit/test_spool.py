"""What a front keeps on disk: within its limit, in order, gone when closed."""

import os
import resource

import pytest

from queueproxy.front.spool import Spool, SpoolFull


def test_what_is_written_is_read_from_anywhere(tmp_path):
    with Spool(100, str(tmp_path)).file() as body:
        body.append(b"first, ")
        body.append(memoryview(b"second"))
        assert body.size == 13
        assert body.read(0, 100) == b"first, second"
        assert body.read(7, 3) == b"sec"
        assert body.read(13, 5) == b""


def test_the_limit_is_shared_by_all_files(tmp_path):
    spool = Spool(10, str(tmp_path))
    with spool.file() as one, spool.file() as other:
        one.append(b"x" * 6)
        other.append(b"y" * 4)  # at the limit
        assert not spool.has_room(1)
        with pytest.raises(SpoolFull):
            other.append(b"z")
        assert (other.size, spool.used) == (4, 10)
        assert other.read(0, 10) == b"yyyy"
    assert spool.used == 0
    assert spool.has_room(10)


def test_files_have_no_name_and_are_closed_once(tmp_path):
    spool = Spool(10, str(tmp_path))
    body = spool.file()
    body.append(b"x")
    assert os.listdir(tmp_path) == []
    body.close()
    body.close()
    assert spool.used == 0


def test_a_disk_that_takes_no_more_leaves_the_file_as_it_was(tmp_path):
    """RLIMIT_FSIZE makes the kernel refuse, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    spool = Spool(1 << 20, str(tmp_path))
    with spool.file() as body:
        body.append(b"a" * 1000)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1500, hard))
        try:
            with pytest.raises(SpoolFull, match="can't be written"):
                body.append(b"b" * 1000)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert (body.size, spool.used) == (1000, 1000)
        body.append(b"c" * 10)
        assert body.read(995, 100) == b"aaaaa" + b"c" * 10


def test_a_directory_that_is_not_there_is_told_at_once(tmp_path):
    with pytest.raises(OSError, match="none"):
        Spool(10, str(tmp_path / "none"))


def test_no_descriptor_left_is_a_full_spool(tmp_path):
    spool = Spool(10, str(tmp_path))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = os.open(os.devnull, os.O_RDONLY)
    resource.setrlimit(resource.RLIMIT_NOFILE, (taken, hard))
    try:
        with pytest.raises(SpoolFull, match="No file"):
            spool.file()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        os.close(taken)
