"""What counts as taken by the client of an answer, and so lets its worker go on (P8)."""

import pytest

from queueproxy.envelopes import Frame, ReplyHead
from queueproxy.front.answer_spool import AnswerSpool, SpooledBody
from queueproxy.front.kept_answer import ACKNOWLEDGE_EVERY, SMALL, KeptAnswer, KeptFrame
from queueproxy.front.memory import WHOLE_MOST, WHOLE_SHARE, MemoryBudget
from queueproxy.front.spool import Spool

MIB = 1 << 20
BODY = b"x" * MIB


@pytest.fixture
def memory():
    return MemoryBudget(256 * MIB)


@pytest.fixture
def spool(tmp_path):
    return AnswerSpool(Spool(64 * MIB, str(tmp_path)))


@pytest.fixture
def told():
    return []


@pytest.fixture
def make(memory, spool, told):
    def make(on_cut=lambda: None) -> KeptAnswer:
        answer = KeptAnswer(memory.reservation(), spool, lambda: told.append(answer.taken), on_cut)
        return answer

    return make


def frame(seq: int, body: bytes = BODY, *, more: bool = True, whole: bool = True) -> Frame:
    return Frame(ReplyHead("a", 1, seq, more=more, whole=whole and not seq), body)


def test_a_stream_counts_when_its_client_has_taken_it(make, told, spool):
    answer = make()
    kept = [answer.keep(frame(seq, whole=False)) for seq in range(8)]
    assert (answer.taken, told, spool.used) == (0, [], 0)
    answer.begin(kept[0])
    answer.end(kept[0])
    assert (answer.taken, told) == (MIB, [MIB])


def test_a_stream_is_told_of_in_steps(make, told):
    answer = make()
    size = ACKNOWLEDGE_EVERY // 2
    for seq in range(5):
        kept = answer.keep(frame(seq, b"x" * size, whole=False))
        answer.begin(kept)
        answer.end(kept)
    assert told == [2 * size, 4 * size]


def test_what_is_whole_counts_as_it_comes(make, told, memory, spool):
    """A small part of it stays in memory, the rest goes to the spool."""
    answer = make()
    number = WHOLE_MOST // MIB
    kept = [answer.keep(frame(seq)) for seq in range(number + 2)]
    assert told == [MIB * (seq + 1) for seq in range(number + 2)]
    in_spool = [isinstance(one.body, SpooledBody) for one in kept]
    assert in_spool == [False] * (number - 1) + [True] * 3  # frames are a little more than bodies
    assert spool.used == 3 * MIB
    assert memory.answers < WHOLE_MOST + MIB
    for one in kept:
        assert one.body[:] == BODY
        answer.begin(one)
        answer.end(one)
    assert (memory.answers, spool.used) == (0, 0)
    assert answer.taken == MIB * (number + 2)


def test_all_answers_that_are_whole_share_a_part_of_the_memory(make, memory, spool):
    answers = [make() for _ in range(64)]
    for answer in answers:
        answer.keep(frame(0, more=False))
    assert memory.answers < memory.size * WHOLE_SHARE + MIB
    assert spool.used > 0
    for answer in answers:
        answer.close()
    assert spool.used == 0


def test_a_small_one_is_not_worth_a_file(make, memory, spool):
    for _ in range(2000):
        assert isinstance(make().keep(frame(0, b"x" * SMALL, more=False)), KeptFrame)
    assert spool.used == 0


@pytest.mark.parametrize("spool", [None])
def test_what_finds_no_room_is_waited_for(make, told, memory):
    answer = make()
    kept = [answer.keep(frame(seq)) for seq in range(6)]
    in_time = len(told)
    assert 0 < in_time < 6
    assert [isinstance(one, KeptFrame) for one in kept] == [True] * in_time + [False] * (
        6 - in_time
    )
    for one in kept:
        answer.begin(one)
        answer.end(one)
    assert told == [MIB * (seq + 1) for seq in range(6)]
    assert memory.answers == 0


def test_the_last_frame_is_told_to_nobody(make, told):
    answer = make()
    answer.keep(frame(0, more=False))
    assert told == []
