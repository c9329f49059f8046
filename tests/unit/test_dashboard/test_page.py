"""What the page and its data show, with nothing but HTML to go by."""

import json
import re

import pytest

from queueproxy.broker.observe.scaling import ScalingTold
from queueproxy.broker.scaling_report import tell_scaling

from ...kit.waiting import wait_until

ROOT = "/admin/queueproxy/queue/"
WINDOWS = ("15m", "1h", "6h", "1d", "7d", "30d")


def text_of(html: str) -> str:
    """What a person reads of it."""
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def page_of(client, query: str = "") -> str:
    answer = client.get(ROOT + query)
    assert answer.status_code == 200
    return answer.content.decode()


def put_rows(scenario, *depths: int, every: int = 5) -> None:
    """Rows of history up to now, so many seconds apart, with these depths of the default queue."""
    now = scenario.kit.now_ms() // 1000
    for age, depth in enumerate(reversed(depths)):
        figures = [depth, 1, 2500, 0, 0, [0] * 15, 0]
        row = f'{{"t": {now - age * every}, "q": {{"default": {figures}}}}}'
        scenario.kit.client.lpush(scenario.kit.keys.named("history", "1"), row)


def test_tiles(scenario, boss):
    scenario.put("a", "b", queue="high")
    put_rows(scenario, 4, 7, 0)
    page = page_of(boss)
    assert page.count('class="qp-tile') == 1 + 3
    assert 'data-key="ops"' not in page
    high = text_of(page.partition('data-key="high"')[2].partition("</article>")[0])
    assert "2 waiting" in high
    assert "0 in flight, 0 completed" in high
    default = page.partition('data-key="default"')[2].partition("</article>")[0]
    points = re.search(r'<polyline points="([^"]+)"', default).group(1).split()
    assert len(points) == 2  # of three rows the first is what the second differs from
    assert "at most 7" in text_of(default)


def test_what_became_of_what_is_to_happen_once(scenario, boss):
    assert "exactly once" not in page_of(boss)
    stats = scenario.kit.keys.named("stats", "high")
    scenario.kit.client.hset(stats, mapping={"retried": 3, "replayed": 2})
    high = page_of(boss).partition('data-key="high"')[2].partition("</article>")[0]
    assert "exactly once: 3 run again, 2 replayed" in text_of(high)


def test_what_was_not_served_as_wanted(scenario, boss):
    assert "in 5 min" not in text_of(page_of(boss))
    stats = scenario.kit.keys.named("stats", "high")
    counts = {"refused:queue_full": 8, "failed:worker_lost": 2, "code:GET:500": 1, "run:7": 3}
    scenario.kit.client.hset(stats, mapping=counts)
    high = text_of(page_of(boss).partition('data-key="high"')[2].partition("</article>")[0])
    assert "8 turned away, 2 lost, 1 error of a view in 5 min queue full: 8," in high
    assert "Run p50 375 ms p95 488 ms p99 498 ms" in high


def test_the_chart_of_what_was_not_served(scenario, boss):
    now = scenario.kit.now_ms() // 1000
    for age, failures in ((4, {}), (0, {"queue_full": 3, "view_timeout": 1})):
        figures = [0, 0, 0, 0, 0, [0] * 15, 0, [0] * 15, failures]
        row = json.dumps({"t": now - age, "q": {"default": figures}})
        scenario.kit.client.rpush(scenario.kit.keys.named("history", "1"), row)
    history = boss.get(f"{ROOT}data/").json()["history"]
    kinds = ("turned_away", "too_late", "lost", "view_errors")
    assert [history[name][-1] for name in kinds] == [3, 1, 0, 0]


def test_whose_pause_why_and_for_how_long(scenario, boss):
    scenario.kit.control().pause(["low"], 50, by="bob", reason="<b>reports</b>")
    page = page_of(boss)
    since = r"Paused by bob since \d\d:\d\d:\d\d UTC : &lt;b&gt;reports"
    assert re.search(since, text_of(page))
    assert re.search(r"\((4\d|50)\.\d s left\)", page)
    assert "Paused: low" in page
    assert 'value="low" data-key="resume"' in page
    assert 'value="high" data-key="pause"' in page


def test_limited_views(scenario, boss):
    assert "Limited views" not in page_of(boss)
    scenario.put("a", "b", group="app.views.import_csv", at_most=4)
    shown = page_of(boss).partition('data-key="groups"')[2].partition("</section>")[0]
    assert "View Run Wait app.views.import_csv 0 of 4 2" in text_of(shown)


def test_badges(scenario, boss, settings):
    assert badges_of(boss) == [
        "No workers: requests wait until one starts",
        "No fronts: nobody accepts requests",
    ]
    scenario.put("a")
    scenario.kit.registration()
    assert badges_of(boss) == []
    settings.QUEUEPROXY = {"MAX_HOLD": 0.2, "LEASE": 0.1}
    late = ["The oldest request has waited for half of the hold: default"]
    wait_until(lambda: badges_of(boss) == late)


def test_when_the_first_is_turned_away(scenario, boss):
    scenario.put("a")
    assert "turned away in" not in text_of(page_of(boss))
    scenario.age("default", 31)  # more than half of its hold
    told = r"The oldest has waited [\d.]+ s of 60\.0 s; the first client is turned away in [\d.]+ s"
    assert re.search(told, text_of(page_of(boss)))


def badges_of(client) -> list[str]:
    return [text_of(badge) for badge in re.findall(r"<li data-level.*?</li>", page_of(client))]


def test_one_client_is_no_plural(scenario, boss):
    assert "0 clients are held, each for at most 60 s." in text_of(page_of(boss))
    scenario.put("a")
    assert "1 client is held, for at most 60 s." in text_of(page_of(boss))
    scenario.put("b")
    assert "2 clients are held, each for at most 60 s." in text_of(page_of(boss))


def test_workers_thread_by_thread(scenario, boss):
    info = (
        b'{"host": "web1", "pid": 42, "name": "blue", "threads": 3, "release": "r7", "queues": [],'
        b' "pending_migrations": 2}'
    )
    registration = scenario.kit.registration()
    scenario.kit.client.hset(scenario.kit.keys.named("worker", registration.worker), "info", info)
    registration.beat("idle", 90 << 20)
    scenario.put("one", "two")
    for number in (0, 2):
        assert scenario.kit.worker_broker(registration, number).settle_and_claim(None)
    table = page_of(boss).partition('id="qp-workers"')[2].partition("</section>")[0]
    text = text_of(table)
    assert "blue web1:42 busy 2 migrations not applied" in text
    assert re.search(r"0 GET /one [\d.]+ m?s 2 GET /two [\d.]+ m?s 1 idle r7", text)
    assert "90 MiB" in text


def test_waiting_longest(scenario, boss):
    scenario.put("a", "<script>")
    table = page_of(boss).partition('id="qp-waiting"')[2].partition("</section>")[0]
    assert re.search(r"GET /a default [\d.]+ m?s Withdraw", text_of(table))
    assert "<script>" not in table
    assert "GET /&lt;script&gt;" in table


def test_dead_letters(scenario, boss):
    letter = scenario.kill_one("a", body=b"what was sent")
    table = page_of(boss).partition('id="qp-letters"')[2].partition("</section>")[0]
    assert "POST /a worker lost" in text_of(table)
    one = boss.get(f"{ROOT}dead/{letter}/").content.decode()
    assert "what was sent" not in one
    assert "13 bytes" in text_of(one).replace("\N{NO-BREAK SPACE}", " ")
    assert f"{ROOT}dead/{letter}/replay/" in one
    assert boss.get(f"{ROOT}dead/1-1/").status_code == 404
    assert boss.get(f"{ROOT}dead/nonsense/").status_code == 404


def test_what_signs_a_person_in_is_not_shown(scenario, boss):
    letter = scenario.kill_one("a")
    key = scenario.kit.keys.dead
    ((entry, fields),) = scenario.kit.client.xrange(key)
    head = fields[b"h"].replace(
        b'["Host","a"]',
        b'["Cookie","sessionid=s3cret"],["X-Other","perhaps harmless"],["Accept","text/harmless"]',
    )
    assert head != fields[b"h"]
    scenario.kit.client.delete(key)
    scenario.kit.client.xadd(key, {**fields, b"h": head}, id=entry)
    one = boss.get(f"{ROOT}dead/{letter}/").content.decode()
    assert "text/harmless" in one
    assert "perhaps" not in one
    assert "s3cret" not in one
    assert "[redacted]" in one


@pytest.mark.parametrize("window", WINDOWS)
def test_windows(scenario, boss, window):
    scenario.sample()
    page = page_of(boss, f"?window={window}&of=default")
    assert f'aria-current="true">{window}<' in page
    assert 'aria-current="true">default<' in page
    data = boss.get(f"{ROOT}data/?window={window}&of=default").json()
    assert data["history"]["t"] == []


def test_what_is_not_known_is_the_default(scenario, boss):
    page = page_of(boss, "?window=9y&of=nowhere")
    assert 'aria-current="true">15m<' in page
    assert 'aria-current="true">all<' in page


def test_data(scenario, boss):
    scenario.put("a")
    put_rows(scenario, *range(10), every=1)
    data = boss.get(f"{ROOT}data/").json()
    history = data["history"]
    assert history["depth"] == sorted(history["depth"])
    assert history["depth"][-1] == 9
    assert (history["step"], history["reach"], history["deploys"]) == (2, 900, [])
    assert set(data["parts"]) == {"badges", "tiles", "deploys", "tables"}
    assert "GET /a" in text_of(data["parts"]["tables"])
    again = boss.get(f"{ROOT}data/?after={history['t'][-1]}").json()["history"]
    assert again["t"] == history["t"][-1:]
    assert boss.get(f"{ROOT}data/?after=nonsense").json()["history"]["t"] == history["t"]


def test_a_chart_is_as_wide_as_its_window(scenario, boss):
    """Whatever is known of it; what was never collected is told."""
    empty = boss.get(f"{ROOT}data/").json()["history"]
    now = scenario.kit.now_ms() / 1000
    assert empty["end"] == pytest.approx(now, abs=5)
    assert empty["since"] == empty["end"]
    put_rows(scenario, 1, 2, 3, every=100)
    parts = boss.get(f"{ROOT}data/").json()
    history = parts["history"]
    assert history["end"] - history["since"] == pytest.approx(200, abs=5)
    assert re.search(r"Collected since \w+ \d+, [\d:]+ UTC", text_of(parts["parts"]["deploys"]))
    put_rows(scenario, *range(12), every=100)
    longer = boss.get(f"{ROOT}data/").json()
    assert longer["history"]["since"] is None
    assert "Collected since" not in text_of(longer["parts"]["deploys"])


def test_deploys(scenario, boss):
    from queueproxy.broker.registration import WorkerRegistration

    for release in ("r1", "r2"):
        info = {"host": "h", "pid": 1, "release": release}
        WorkerRegistration(scenario.kit.broker, info, ("default",)).join()
    assert re.search(r"Deploys: r1 \w+ \d+, \d\d:\d\d UTC r2 ", text_of(page_of(boss)))
    data = boss.get(f"{ROOT}data/").json()
    assert [deploy["release"] for deploy in data["history"]["deploys"]] == ["r1", "r2"]


def test_with_the_broker_away(scenario, boss, broker):
    broker.kill()
    try:
        page = boss.get(ROOT)
        assert page.status_code == 503
        assert "The broker can't be reached:" in page.content.decode()
        data = boss.get(f"{ROOT}data/")
        assert (data.status_code, list(data.json())) == (503, ["error"])
        assert boss.get(f"{ROOT}dead/1-1/").status_code == 503
    finally:
        broker.start()


def test_no_page_is_kept_by_caches(scenario, boss):
    for path in ("", "data/"):
        assert "no-store" in boss.get(ROOT + path).headers["Cache-Control"]


def test_nothing_is_inline(scenario, boss):
    """What a strict content security policy would refuse."""
    letter = scenario.kill_one("b")
    scenario.put("a")
    for path in ("", f"dead/{letter}/"):
        page = boss.get(ROOT + path).content.decode()
        assert not re.search(r"<[^>]+\s(style|on\w+)=", page)
        assert "<style" not in page
        scripts = re.findall(r"<script(?! src=)[^>]*>", page)
        assert all('type="application/json"' in script for script in scripts)


def test_the_form_says_how_long_a_pause_may_last(scenario, boss):
    """MAX_HOLD, less what has been waited and a margin."""
    assert 'placeholder="55"' in page_of(boss)


def test_how_many_processes_are_wanted_and_why(scenario, boss):
    assert "wanted processes" not in page_of(boss)
    told = ScalingTold(
        at=scenario.kit.clock_ms(),
        wanted=5,
        running=3,
        least=2,
        most=16,
        slots=4,
        queues=["default"],
        serves=True,
        why="<b>the load</b>",
    )
    tell_scaling(scenario.kit.link(), "web1:7", told)
    page = page_of(boss)
    assert "web1:7: 3 of 5 wanted processes run (2 to 16)" in text_of(page)
    assert "&lt;b&gt;the load&lt;/b&gt;" in page
    assert text_of(boss.get(ROOT + "data/").json()["parts"]["tables"]).count("wanted") == 1
