"""Requests are found by their id, wherever they are."""

import io
import json
import time

import pytest
from django.core.management import call_command

from queueproxy import conf
from queueproxy.broker.claims import Claim, Settlement
from queueproxy.broker.observe.entries import DEAD, entries
from queueproxy.broker.observe.find import RequestFinder
from queueproxy.front.http.refusals import BODY_TOO_LARGE, QUEUE_FULL

from ..brokers import QUEUES, BrokerKit, answer, eventually, part

KEPT = 5


def found(kit, id: str) -> list:
    return RequestFinder(kit.link(), QUEUES).find(f"request-{id}")


def the_one(kit, id: str):
    (one,) = found(kit, id)
    return one


def steps(one) -> list[str]:
    assert [moment.at for moment in one.moments[1:]] == sorted(m.at for m in one.moments[1:])
    return [moment.what for moment in one.moments]


def worker_of(kit, kept: int = KEPT):
    worker_broker = kit.worker_broker()
    worker_broker.counts.keep_answered(kept)
    return worker_broker


def ended(worker_broker, claim: Claim, outcome: str = "answered", **fields) -> Settlement:
    head = worker_broker.open(claim).head
    given = answer(claim) if outcome == "answered" else Settlement(claim, outcome)
    return given._replace(head=head, route="/things/", first_byte=0.001, **fields)


async def serve(kit, worker_broker, *ids: str, **fields) -> None:
    """Requests that are answered, and told of."""
    front_broker = await kit.front_broker()
    await kit.put(front_broker, *ids)
    claim = worker_broker.settle_and_claim(None)
    while claim is not None:
        claim = worker_broker.settle_and_claim(ended(worker_broker, claim, **fields))
    worker_broker.counts.report(worker_broker.worker)


async def test_one_that_waits(kit):
    await kit.put(await kit.front_broker(), "a", "b")
    one = the_one(kit, "a")
    assert (one.state, one.queue, one.method, one.path) == ("waiting", "default", "GET", "/a")
    assert (steps(one), one.attempts) == (["arrived", "queued"], 0)
    assert abs(one.moments[1].at - kit.now_ms() / 1000) < 5
    assert one.moments[0].by == "front-1"


async def test_one_that_runs(kit):
    await kit.put(await kit.front_broker(), "a", "b")
    worker_broker = kit.worker_broker()
    worker_broker.settle_and_claim(None)
    one = the_one(kit, "a")
    assert (one.state, one.attempts) == ("running", 1)
    assert steps(one) == ["arrived", "queued", "claimed"]
    assert one.moments[2].by == worker_broker.worker
    assert the_one(kit, "b").state == "waiting"


async def test_one_whose_answer_has_begun(kit):
    await kit.put(await kit.front_broker(), "a")
    worker_broker = kit.worker_broker()
    claim = worker_broker.settle_and_claim(None)
    assert not the_one(kit, "a").answering
    assert worker_broker.push(claim, part(claim, 0))
    assert the_one(kit, "a").answering


async def test_one_that_waits_again_was_started(kit):
    await kit.put(await kit.front_broker(), "a")
    lost = kit.registration()
    kit.worker_broker(lost).settle_and_claim(None)
    lost.leave()
    one = the_one(kit, "a")
    assert (one.state, one.attempts) == ("waiting", 1)


async def test_a_dead_letter(kit):
    await kit.put(await kit.front_broker(), "a", most=1)
    lost = kit.registration()
    slot = kit.worker_broker(lost)
    slot.settle_and_claim(None)
    lost.leave()
    one = the_one(kit, "a")
    assert (one.state, one.reason, one.method, one.attempts) == ("dead", "worker_lost", "POST", 1)
    assert one.letter == kit.control().dead_letters()[0].id
    assert steps(one) == ["arrived", "queued", "claimed", "settled"]
    assert one.moments[2].by == slot.slot


async def test_one_that_was_answered(kit):
    worker_broker = worker_of(kit)
    await serve(kit, worker_broker, "a", "b", status=201, ran=0.25)
    one = the_one(kit, "a")
    assert (one.state, one.status, one.route, one.path) == ("answered", 201, "/things/", "")
    assert steps(one) == ["arrived", "queued", "claimed", "first_byte", "settled"]
    claimed, first, over = one.moments[2:]
    assert claimed.by == worker_broker.worker
    assert first.at - claimed.at == pytest.approx(0.001, abs=1e-5)
    assert over.at - claimed.at == pytest.approx(0.25, abs=1e-5)


async def test_one_whose_client_left(kit):
    worker_broker = worker_of(kit)
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "a")
    claim = worker_broker.settle_and_claim(None)
    await front_broker.withdraw(["a"])
    gone = ended(worker_broker, claim, "abandoned")
    worker_broker.settle_and_claim(gone, claim=False)
    worker_broker.counts.report(worker_broker.worker)
    assert the_one(kit, "a").state == "left"


async def test_one_id_sent_twice(kit):
    """By a client that tries again with the id it had."""
    worker_broker = worker_of(kit)
    await serve(kit, worker_broker, "a")
    await kit.put(await kit.front_broker(), "a")
    assert [one.state for one in found(kit, "a")] == ["waiting", "answered"]


async def test_one_that_its_front_answered(kit, front):
    """Among them those that are dead letters too, or were never queued."""
    front.untold.notes.kept = KEPT
    for n in range(KEPT + 2):
        front.untold.notes.add(f"request-r{n}", "GET", QUEUE_FULL)
    front.untold.notes.add("request-bad", "GET", BODY_TOO_LARGE)  # its client is to blame
    (one,) = await eventually(lambda: found(kit, f"r{KEPT + 1}"))
    assert (one.state, one.status, one.method) == ("refused", 503, "GET")
    assert one.reason == QUEUE_FULL.detail
    ((what, at, by),) = one.moments
    assert (what, by) == ("refused", front.id)
    assert abs(at - time.time()) < 5
    assert found(kit, "r0") == found(kit, "r1") == found(kit, "bad") == []
    assert 86_000 < kit.client.ttl(kit.keys.named("answered", "refused")) <= 86_400


async def test_of_what_fronts_answer_nothing_is_kept_unless_told(kit, front):
    front.untold.notes.add("request-a", "GET", QUEUE_FULL)
    assert front.untold.notes.take() == []


async def test_a_part_of_an_id_finds_nothing(kit):
    worker_broker = worker_of(kit)
    await serve(kit, worker_broker, "abc")
    await kit.put(await kit.front_broker(), "abd")
    finder = RequestFinder(kit.link(), QUEUES)
    for id in ("request-ab", "request", "", 'x","id":"', "%", "\x00", "\udcff"):
        assert finder.find(id) == []


async def test_what_is_kept_is_bounded(kit):
    worker_broker = worker_of(kit)
    await serve(kit, worker_broker, *(f"r{n}" for n in range(12)))
    await serve(kit, worker_broker, "failed", status=500)
    await serve(kit, worker_broker, *(f"s{n}" for n in range(12)))
    assert kit.client.llen(kit.keys.named("answered", "ordinary")) == KEPT
    assert found(kit, "s11")
    assert found(kit, "failed")  # among the notable
    assert not found(kit, "r11")
    assert not found(kit, "s6")
    for kind in ("ordinary", "notable"):
        assert 86_000 < kit.client.ttl(kit.keys.named("answered", kind)) <= 86_400


async def test_off(kit):
    worker_broker = worker_of(kit, 0)
    await serve(kit, worker_broker, "a")
    assert found(kit, "a") == []
    assert kit.client.keys(kit.keys.named("answered", "*")) == []
    assert RequestFinder(kit.link(), QUEUES).kept_since(0) is None


async def test_since_when_all_are_kept(kit):
    worker_broker = worker_of(kit)
    finder = RequestFinder(kit.link(), QUEUES)
    await serve(kit, worker_broker, "a", "b")
    assert finder.kept_since(KEPT) == pytest.approx(the_one(kit, "a").moments[-1].at)
    await serve(kit, worker_broker, *(f"bad{n}" for n in range(9)), status=500)
    oldest = the_one(kit, "bad4").moments[-1].at
    assert finder.kept_since(KEPT) == pytest.approx(oldest)  # others of that time have been dropped
    assert found(kit, "a")


async def test_what_strangers_wrote_there_stops_nobody(kit):
    notes = kit.keys.named("answered", "ordinary")
    kit.client.set(notes, "no list")
    worker_broker = worker_of(kit)
    await serve(kit, worker_broker, "a")
    assert found(kit, "a") == []
    assert kit.recount() == []
    kit.client.delete(notes)
    await serve(kit, worker_broker, "b")
    kit.client.rpush(notes, b"\xff request-b", '["request-b"]', "{}", '["request-b",1,2]')
    kit.client.xadd(kit.keys.dead, {"h": '"request_id":"request-b"'})
    assert the_one(kit, "b").state == "answered"


async def test_a_long_queue_is_looked_through_piece_by_piece(kit):
    """Also in those that large bodies end."""
    front_broker = await kit.front_broker()
    ids = [f"n{number}" for number in range(1000)]
    await kit.put(front_broker, *ids)
    link = kit.link()
    first, *found_there = link.script("search", "default", 0, "", "")
    assert first
    assert len(found_there) == 2 * 500
    assert all(b"b" not in fields[::2] for fields in found_there[1::2])
    assert len(list(entries(link, "default"))) == len(ids)
    backwards = [id for id, _ in entries(link, "default", newest_first=True)]
    assert backwards == [id for id, _ in entries(link, "default")][::-1]
    assert the_one(kit, "n999").state == "waiting"
    await kit.put(front_broker, *(f"b{n}" for n in range(40)), queue="low", body=b"x" * 65_000)
    first, *found_there = link.script("search", "low", 0, "", "")
    assert first
    assert len(found_there) == 2 * 20
    assert list(entries(link, DEAD)) == []


@pytest.fixture
async def site_kit(broker):
    kit = BrokerKit(broker.url, namespace=conf.get_settings().namespace)
    kit.codec = kit.broker.codec(conf.signing_secrets())
    yield kit
    await kit.close()


def printed(*words: str, status: int = 0) -> str:
    out = io.StringIO()
    with pytest.raises(SystemExit) as end:
        call_command("queueproxy", "find", *words, stdout=out)
    assert end.value.code == status
    return out.getvalue()


async def test_the_command(site_kit):
    assert "No answered request is kept yet" in printed("request-a", status=1)
    worker_broker = worker_of(site_kit)
    await serve(site_kit, worker_broker, "a", status=500, ran=0.5)
    await serve(site_kit, worker_broker, "b")
    await site_kit.put(await site_kit.front_broker(), "a")
    title, *rest = printed("request-a").splitlines()
    assert title == "GET /a  waits  queue default"
    assert rest[2] == "GET /things/  was answered 500  queue default"
    assert f"claimed by {worker_broker.worker}" in rest[5]
    assert "+500 ms" in rest[7] or "+499 ms" in rest[7]
    assert "all are kept since" in printed("request-x", status=1)


async def test_the_command_for_programs(site_kit):
    assert json.loads(printed("request-a", "--json", status=1)) == []
    worker_broker = worker_of(site_kit)
    await serve(site_kit, worker_broker, "a")
    (one,) = json.loads(printed("request-a", "--json"))
    assert (one["state"], one["status"], one["attempts"]) == ("answered", 200, 1)
    assert [moment["what"] for moment in one["moments"]][-1] == "settled"
