"""The lists of what waits and of dead letters: searched, in pages, as files, and acted on."""

import csv
import io
import json
import re

import pytest

from ...brokers import QUEUES
from .test_actions import logged
from .test_page import ROOT, text_of

WAITING, DEAD = f"{ROOT}waiting/", f"{ROOT}dead/"


def page_of(client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def paths_in(page: str) -> list[str]:
    return re.findall(r"<code>\w+ (/\w+)</code>", page)


def press_on(client, page: str, address: str) -> str:
    """Send the form of a page as it stands; where it leads."""
    form = page.rpartition("<form method")[2].partition("</form>")[0]
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
    fields.pop("csrfmiddlewaretoken")
    answer = client.post(address, {name: html(text) for name, text in fields.items()})
    assert answer.status_code == 302
    return answer.headers["Location"]


def html(text: str) -> str:
    return text.replace("&amp;", "&")


def test_pages(scenario, boss):
    scenario.put(*(f"n{n}" for n in range(120)))
    page = page_of(boss, WAITING)
    assert "120 in all" in text_of(page)
    assert paths_in(page) == [f"/n{n}" for n in range(50)]
    assert "Page 1 of 3" in text_of(page)
    assert "Earlier" not in page
    (following,) = re.findall(r'rel="next" href="([^"]+)"', page)
    second = page_of(boss, WAITING + html(following))
    assert paths_in(second) == [f"/n{n}" for n in range(50, 100)]
    assert paths_in(page_of(boss, f"{WAITING}?page=99")) == [f"/n{n}" for n in range(100, 120)]
    assert paths_in(page_of(boss, f"{WAITING}?page=x")) == [f"/n{n}" for n in range(50)]


def test_search_and_filter(scenario, boss):
    scenario.put("aa", "ab")
    scenario.put("low", queue="low", most=1)
    page = page_of(boss, f"{WAITING}?q=/a")
    assert paths_in(page) == ["/aa", "/ab"]
    assert "2 of 3 match" in text_of(page)
    assert paths_in(page_of(boss, f"{WAITING}?queue=low&method=post")) == ["/low"]
    assert paths_in(page_of(boss, f"{WAITING}?waited=3000")) == []
    page = page_of(boss, f"{WAITING}?q=%22%3E%3Cscript%3E")
    assert "<script>" not in page.partition('<div class="qp">')[2]


def test_one_is_withdrawn_and_the_list_comes_again(scenario, boss):
    scenario.put("aa", "b")
    page = page_of(boss, f"{WAITING}?q=/a")
    (request,) = re.findall(r'name="request" value="([^"]+)"', page)
    form = {"request": request, "page": "waiting", "back": "q=%2Fa"}
    answer = boss.post(f"{ROOT}withdraw/", form)
    assert answer.headers["Location"] == f"{WAITING}?q=%2Fa&page=1"
    assert paths_in(page_of(boss, WAITING)) == ["/b"]


def test_all_that_match_are_withdrawn(scenario, boss):
    scenario.put(*(f"a{n}" for n in range(12)), "b")
    (address,) = re.findall(
        r'href="([^"]+waiting/withdraw/[^"]*)"', page_of(boss, WAITING + "?q=/a")
    )
    page = page_of(boss, html(address))
    assert "Withdraw 12 requests?" in text_of(page)
    assert "and 2 more" in text_of(page)
    scenario.put("a99")  # nobody has been asked about that
    assert press_on(boss, page, html(address)).startswith(WAITING)
    assert logged() == ["12 requests were withdrawn; their clients were told."]
    assert paths_in(page_of(boss, WAITING)) == ["/b", "/a99"]
    assert press_on(boss, page, html(address)).startswith(WAITING)
    assert len(logged()) == 1  # none of them was there any more


def test_what_is_not_said_is_not_withdrawn(scenario, boss):
    scenario.put("a")
    boss.post(f"{WAITING}withdraw/", {"q": "/a"})
    boss.post(f"{WAITING}withdraw/", {"q": "/a", "until": "x"})
    assert paths_in(page_of(boss, WAITING)) == ["/a"]
    assert logged() == []


def test_dead_letters(scenario, boss):
    scenario.kill_one("aa")
    scenario.kill_one("b", queue="low")
    page = page_of(boss, DEAD)
    assert paths_in(page) == ["/b", "/aa"]
    assert "2 in all" in text_of(page)
    assert "worker lost" in text_of(page)
    assert "Run again" in text_of(page)
    offered = page.partition('<select name="reason">')[2].partition("</select>")[0]
    assert re.findall(r'value="(\w+)"', offered) == ["worker_lost"], "no other can be found"
    assert paths_in(page_of(boss, f"{DEAD}?reason=worker_lost&q=/a")) == ["/aa"]
    assert paths_in(page_of(boss, f"{DEAD}?reason=malformed")) == []
    page = page_of(boss, f"{DEAD}discard/?queue=low")
    assert "Discard 1 dead letter for good?" in text_of(page)
    assert press_on(boss, page, f"{DEAD}discard/").startswith(DEAD)
    assert paths_in(page_of(boss, DEAD)) == ["/aa"]
    assert logged() == ["1 dead letter was discarded."]


def test_all_that_match_are_run_again(scenario, boss):
    for id in ("aa", "ab", "b"):
        scenario.kill_one(id)
    page = page_of(boss, f"{DEAD}replay/?q=/a")
    assert "Run 2 dead letters again, as they were sent, oldest first?" in text_of(page)
    assert press_on(boss, page, f"{DEAD}replay/").startswith(DEAD)
    assert logged() == []  # no worker is there
    workers = [scenario.worker(), scenario.worker()]
    press_on(boss, page, f"{DEAD}replay/")
    for worker in workers:
        worker.join(20)
    assert logged() == ["2 dead letters were run again and answered, 0 of them with 5xx."]
    assert paths_in(page_of(boss, DEAD)) == ["/b"]


def test_run_again_only_where_it_can(scenario, boss):
    scenario.kill_one("large", body=b"x" * 100, piece_size=50)
    letter = scenario.kill_one("forged")
    key = scenario.kit.keys.dead
    fields = scenario.kit.client.xrange(key, letter, letter)[0][1]
    scenario.kit.client.xdel(key, letter)
    forged = scenario.kit.client.xadd(key, {**fields, b"s": b"x" * 32}).decode()
    for address in (ROOT, DEAD):
        page = page_of(boss, address)
        assert not re.search(r"dead/[0-9-]+/replay/", page)
        assert text_of(page).count("Can't run again") == 2
    page = text_of(page_of(boss, f"{DEAD}{forged}/"))
    assert "It can't be run again. It can't be trusted:" in page.replace("&#x27;", "'")


@pytest.mark.parametrize("what", ["waiting", "letters"])
def test_files(scenario, boss, what):
    if what == "waiting":
        scenario.put("aa", "b")
    else:
        scenario.kill_one("b")
        scenario.kill_one("aa")
    answer = boss.get(f"{ROOT}export/{what}.json?q=/a")
    (row,) = json.loads(answer.content)
    assert (row["path"], row["request_id"]) == ("/aa", "request-aa")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{what}.json"'
    answer = boss.get(f"{ROOT}export/{what}.csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert {row["path"] for row in rows} == {"/aa", "/b"}
    none = boss.get(f"{ROOT}export/{what}.csv?q=nothing").content.decode()
    assert none.splitlines() == [",".join(rows[0])], "the names of its columns"
    assert boss.get(f"{ROOT}export/{what}.exe").status_code == 404
    assert boss.get(f"{ROOT}export/all.csv").status_code == 404


def test_no_spreadsheet_takes_a_path_for_a_formula(scenario, boss):
    key = scenario.kit.keys.dead
    head = json.dumps({"method": "=1+1", "path": "@x", "headers": []})
    scenario.kit.client.xadd(key, {"reason": "malformed", "h": head})
    (row,) = csv.DictReader(io.StringIO(boss.get(f"{ROOT}export/letters.csv").content.decode()))
    assert (row["method"], row["path"]) == ("'=1+1", "'@x")


def test_who_may(scenario, staff):
    scenario.put("a")
    client = staff("view_dashboard")
    page = page_of(client, WAITING)
    assert paths_in(page) == ["/a"]
    assert "Withdraw" not in page
    assert client.get(f"{ROOT}export/waiting.csv").status_code == 200
    for address in (DEAD, f"{DEAD}discard/", f"{WAITING}withdraw/", f"{ROOT}export/letters.csv"):
        assert client.get(address).status_code == 403, address
    for address in (f"{DEAD}discard/", f"{WAITING}withdraw/"):
        assert client.post(address, {"until": "9" * 13}).status_code == 403
    assert len(scenario.kit.control().oldest(QUEUES, 5)) == 1


def test_who_may_not(staff):
    client = staff("control_queue")
    for address in (WAITING, f"{ROOT}export/waiting.csv"):
        assert client.get(address).status_code == 403


def test_with_the_broker_away(boss, broker):
    broker.kill()
    try:
        pages = (WAITING, DEAD, f"{WAITING}withdraw/", f"{DEAD}discard/", f"{ROOT}request/?id=x")
        for address in (*pages, f"{ROOT}export/letters.csv"):
            assert boss.get(address).status_code == 503, address
    finally:
        broker.start()
