"""The page about one request."""

from queueproxy.broker.answered import AnsweredRequest, encoded
from queueproxy.broker.claims import Settlement
from queueproxy.broker.observe.find import RequestFinder

from ...brokers import QUEUES, answer
from .test_page import ROOT, text_of

PAGE = f"{ROOT}request/"


def page_of(client, id: str = "") -> str:
    answer = client.get(PAGE, {"id": id} if id else {})
    assert answer.status_code == 200
    return answer.content.decode()


def serve(scenario, id: str, **fields) -> None:
    """One that is answered, and told of."""
    scenario.put(id)
    worker_broker = scenario.kit.worker_broker()
    worker_broker.counts.keep_answered(10)
    claim = worker_broker.settle_and_claim(None)
    head = worker_broker.open(claim).head
    settled: Settlement = answer(claim)._replace(head=head, route="/things/<int:id>/", **fields)
    worker_broker.settle_and_claim(settled, claim=False)
    worker_broker.counts.report(worker_broker.worker)


def test_one_that_was_answered(scenario, boss):
    serve(scenario, "a", status=503, ran=0.2)
    page = text_of(page_of(boss, "request-a"))
    assert "GET /things/&lt;int:id&gt;/ Answered with 503" in page
    words = ("Taken in by its front", "Put on its queue", "Claimed by a worker", "Over")
    places = [page.index(word) for word in words]
    assert places == sorted(places)
    assert "200 ms" in page
    assert "All that were answered since" in page


def test_one_that_waits(scenario, boss):
    scenario.put("a")
    page = text_of(page_of(boss, "request-a"))
    assert "GET /a Waits" in page
    assert "0 times" in page


def test_a_dead_letter_and_back(scenario, boss):
    letter = scenario.kill_one("a")
    page = page_of(boss, " request-a ")
    assert "Could not be run to its end: worker lost" in text_of(page)
    assert f"{ROOT}dead/{letter}/" in page
    assert f"{PAGE}?id=request-a" in boss.get(f"{ROOT}dead/{letter}/").content.decode()


def test_a_dead_letter_whose_client_was_told(scenario, boss):
    scenario.kill_one("a")
    (one,) = RequestFinder(scenario.kit.link(), QUEUES).find("request-a")
    sent = round(one.moments[0].at * 1000)
    told = AnsweredRequest.of_front("f1", "request-a", one.method, 502, "It was lost.", sent + 80)
    scenario.kit.link().script("tell_refused", 5, encoded(told.from_queue("default", sent)))
    page = text_of(page_of(boss, "request-a"))
    assert page.count("request-a") <= 2
    assert "Could not be run to its end: worker lost; its client got 502" in page
    assert "Answered by its front" in page


def test_nothing_found(scenario, boss):
    page = page_of(boss, "<script>alert(1)</script>")
    assert "<script>alert" not in page
    assert "No request &lt;script&gt;" in text_of(page)
    assert "No request" not in page_of(boss)


def test_nothing_is_kept(scenario, boss, settings):
    settings.QUEUEPROXY = {**settings.QUEUEPROXY, "KEEP_ANSWERED": 0}
    assert "KEEP_ANSWERED is 0" in page_of(boss)


def test_who_may_see_it(scenario, staff):
    client = staff("view_dashboard")
    letter = scenario.kill_one("a")
    assert f"dead/{letter}" not in page_of(client, "request-a")
    client.logout()
    assert client.get(PAGE).status_code == 302


def test_who_may_not(scenario, staff):
    assert staff("control_queue").get(PAGE).status_code == 403


def test_the_page_of_all_asks_for_an_id(scenario, boss):
    assert f'action="{PAGE}"' in boss.get(ROOT).content.decode()


def test_one_that_its_front_answered(scenario, boss):
    note = AnsweredRequest.of_front(
        "f1", "r1", "GET", 503, "It waited too long.", 1_700_000_000_000
    )
    scenario.kit.link().script("tell_refused", 5, encoded(note))
    page = text_of(page_of(boss, "r1"))
    assert "Answered with 503 by its front: It waited too long." in page
    assert "f1" in page
