"""Whose requests wait and run."""

from queueproxy.broker.observe.clients import SAMPLE, read_clients

from .test_page import ROOT, page_of, text_of

FLOOD, OTHER = ("192.0.2.7", 1), ("2001:db8::1", 2)


def row_of(page: str, address: str) -> str:
    return text_of(page.partition(f'data-key="{address}"')[2].partition("</tr>")[0])


def test_the_busiest_is_first(scenario, boss):
    scenario.put(*(f"a{n}" for n in range(12)), client=FLOOD)
    scenario.put("b", client=OTHER)
    scenario.put("c", queue="low")
    assert scenario.kit.worker_broker().settle_and_claim(None).id == "a0"
    page = page_of(boss, "clients/")
    assert "14 of 14 requests that wait or run were looked at" in text_of(page)
    assert row_of(page, FLOOD[0]).endswith("192.0.2.7 11 1 86% /a0")
    assert row_of(page, OTHER[0]).endswith("2001:db8::1 1 0 7.1% /b")
    assert row_of(page, "not known").endswith("not known 1 0 7.1% /c")
    assert page.count('<span class="qp-alarm">') == 1
    assert page.index(FLOOD[0]) < page.index(OTHER[0])


def test_of_one_queue(scenario, boss):
    scenario.put("a", client=FLOOD)
    scenario.put("b", queue="low", client=OTHER)
    page = page_of(boss, "clients/?of=low")
    assert OTHER[0] in page
    assert FLOOD[0] not in page
    assert 'aria-current="true">low<' in page


def test_a_long_queue_is_looked_at_at_both_ends(scenario):
    many = 2 * SAMPLE + 50
    scenario.put(*(f"a{n}" for n in range(many)), client=FLOOD)
    scenario.put("b", client=OTHER)
    found = read_clients(scenario.kit.link(), ["default"])
    assert (found.seen, found.total) == (2 * SAMPLE, many + 1)
    assert [one.address for one in found.busiest] == [FLOOD[0], OTHER[0]]


def test_what_strangers_wrote_is_only_text(scenario, boss):
    scenario.put("<script>", client=("<b>", 1))
    key = scenario.kit.keys.named("queue", "default")
    scenario.kit.client.xadd(key, {"h": "nonsense"})
    page = page_of(boss, "clients/")
    assert "<script>" not in page.partition("<table")[2]
    assert row_of(page, "&lt;b&gt;").endswith("&lt;b&gt; 1 0 50% /&lt;script&gt;")


def test_the_tile_leads_there(scenario, boss):
    assert "by client" not in page_of(boss)
    scenario.put("a")
    assert f'href="{ROOT}clients/?of=default"' in page_of(boss)


def test_nothing_waits_and_the_broker_is_away(scenario, boss, broker):
    assert "Nothing waits or runs." in page_of(boss, "clients/")
    broker.kill()
    try:
        assert boss.get(f"{ROOT}clients/").status_code == 503
    finally:
        broker.start()


def test_who_may_not_look_sees_nothing(scenario, staff):
    assert staff("manage_dead_letters").get(f"{ROOT}clients/").status_code == 403
