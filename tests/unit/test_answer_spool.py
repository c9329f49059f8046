"""What answers may keep on disk, and which client goes when that is too much (P8)."""

import pytest

from queueproxy.front import answer_spool
from queueproxy.front.answer_spool import ONE_SHARE, SHARE, STALLED, AnswerSpool, SpooledAnswer
from queueproxy.front.spool import Spool

SIZE = 800  # bytes of the spool
ONE = int(SIZE * ONE_SHARE)
ALL = int(SIZE * SHARE)


@pytest.fixture
def time():
    return [0.0]


@pytest.fixture
def spool(time, tmp_path):
    spool = AnswerSpool(Spool(SIZE, str(tmp_path)), clock=lambda: time[0])
    yield spool
    for answer in tuple(spool.answers):
        answer.close()


def reader(spool: AnswerSpool, cut: list, name: str) -> SpooledAnswer:
    """An answer that notes its name when its client is cut."""
    return SpooledAnswer(spool, lambda: cut.append(name))


def test_a_body_is_read_as_bytes_are(spool):
    answer = reader(spool, [], "a")
    first, second = answer.keep(b"first, "), answer.keep(b"second")
    assert (len(first), first[0:100], second[3:], second[2:4]) == (7, b"first, ", b"ond", b"co")
    assert second[6:] == b""


def test_one_answer_has_its_share(spool):
    answer = reader(spool, [], "a")
    assert answer.keep(b"x" * ONE)  # at the limit
    assert answer.keep(b"x") is None
    assert spool.used == spool.spool.used == ONE


def test_all_answers_have_theirs(spool):
    others = [reader(spool, [], "other") for _ in range(ALL // ONE)]
    assert all(other.keep(b"x" * ONE) for other in others)  # at the limit
    late = reader(spool, [], "late")
    assert late.keep(b"x") is None
    others[0].close()
    assert late.keep(b"x")


def test_uploads_may_have_taken_it(spool):
    with spool.spool.file() as upload:
        upload.append(b"x" * (SIZE - 10))
        assert reader(spool, [], "a").keep(b"x" * 11) is None
        assert reader(spool, [], "a").keep(b"x" * 10)


def test_nobody_who_reads_is_cut(spool, time):
    cut = []
    readers = [reader(spool, cut, str(number)) for number in range(ALL // ONE)]
    for one in readers:
        one.keep(b"x" * ONE)
    time[0] = STALLED
    assert reader(spool, cut, "late").keep(b"x") is None
    assert cut == []


def test_who_had_nothing_to_take_is_not_slow(spool, time):
    cut = []
    answer = reader(spool, cut, "quiet")
    answer.taken(answer.keep(b"x" * 10))
    time[0] = STALLED + 1
    for one in (answer, *(reader(spool, cut, str(number)) for number in range(ALL // ONE - 1))):
        one.keep(b"x" * ONE)
    assert reader(spool, cut, "late").keep(b"x") is None
    assert cut == []


def test_who_keeps_the_most_for_the_longest_and_takes_nothing_goes(spool, time):
    cut = []
    small, reading = reader(spool, cut, "small"), reader(spool, cut, "reading")
    large = reader(spool, cut, "large")
    small.keep(b"x" * 10)
    reading.keep(b"x" * ONE)
    large.keep(b"x" * (ALL - ONE - 10))
    time[0] = STALLED + 1
    reading.touch()
    assert reader(spool, cut, "late").keep(b"x")
    assert cut == ["large"]
    assert spool.used == ONE + 10 + 1


def test_who_is_cut_for_its_own_answer_keeps_nothing(spool, time):
    cut = []
    with spool.spool.file() as upload:
        upload.append(b"x" * (SIZE - 10))
        answer = reader(spool, cut, "a")
        answer.keep(b"x" * 10)
        time[0] = STALLED + 1
        assert answer.keep(b"x") is None
    assert cut == ["a"]
    assert (spool.used, spool.spool.used, spool.answers) == (0, 0, set())


def test_what_is_taken_as_it_comes_never_fills_it(spool, monkeypatch):
    monkeypatch.setattr(answer_spool, "SEGMENT", 30)
    answer = reader(spool, [], "a")
    waiting = []
    for number in range(100):
        waiting.append(answer.keep(b"%10d" % number))
        assert waiting[-1][:] == b"%10d" % number
        if len(waiting) > 5:
            answer.taken(waiting.pop(0))
        assert spool.used <= 10 * (5 + 3 + 1)
    for body in waiting:
        answer.taken(body)
    assert (spool.used, spool.spool.used, spool.answers) == (0, 0, set())


def test_closing_twice(spool):
    answer = reader(spool, [], "a")
    body = answer.keep(b"x" * 10)
    answer.close()
    answer.close()
    answer.taken(body)
    assert (spool.used, spool.spool.used) == (0, 0)
    assert answer.keep(b"x") is None


@pytest.mark.parametrize("size", [0, SIZE])
def test_without_a_spool_or_a_disk(tmp_path, size, monkeypatch):
    spool = AnswerSpool(Spool(size, str(tmp_path)))
    if size:
        spool.spool.directory = str(tmp_path / "gone")
    assert reader(spool, [], "a").keep(b"x") is None
    assert spool.used == 0
