"""What the buttons do: to the broker, in what the person is told, and in the admin's log."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages

from queueproxy.broker.observe.reader import SnapshotReader

ROOT = "/admin/queueproxy/queue/"
QUEUES = ("ops", "high", "default", "low")


def press(client, path: str, **form) -> list[str]:
    """POST; what the person is told."""
    answer = client.post(ROOT + path, form)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(f"{ROOT}?")
    client.cookies.pop("messages", None)  # read
    return [str(message) for message in get_messages(answer.wsgi_request)]


def logged() -> list[str]:
    return [
        entry.change_message
        for entry in LogEntry.objects.filter(user__username="ann", content_type__model="queue")
    ]


def queue_of(scenario, name: str):
    snapshot = SnapshotReader(scenario.kit.link(), QUEUES).snapshot()
    return next(queue for queue in snapshot.queues if queue.name == name)


def left_of(scenario, name: str) -> float:
    """Seconds left of a pause."""
    return queue_of(scenario, name).pause["until"] - scenario.kit.now_ms() / 1000


def test_pause_and_resume_all(scenario, boss):
    told = press(boss, "pause/", reason="new index", seconds="30")
    assert told == ["Paused high, default, low for at most 30 s. new index"]
    for name in ("high", "default", "low"):
        queue = queue_of(scenario, name)
        assert (queue.pause["by"], queue.pause["reason"]) == ("ann", "new index")
        assert 20 < left_of(scenario, name) <= 30
    assert not queue_of(scenario, "ops").paused
    told += press(boss, "resume/")
    assert told[-1] == "Resumed high, default, low."
    assert not scenario.kit.control().paused(["default"])
    assert logged() == told[::-1]


def test_what_a_browser_did_not_ask_is_asked(scenario, boss):
    asked = {"confirm": "Pause <b>all</b>?", "reason": "why not", "back": "window=6h"}
    answer = boss.post(f"{ROOT}pause/", asked)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "Pause &lt;b&gt;all&lt;/b&gt;?" in page
    assert re.search(rf'href="{re.escape(ROOT)}\?[^"]*window=6h', page), "the way back"
    assert not queue_of(scenario, "default").paused
    assert logged() == []
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
    assert fields.pop("csrfmiddlewaretoken")
    assert press(boss, "pause/", **{**fields, "sure": "1"})[0].startswith("Paused high")
    assert queue_of(scenario, "default").pause["reason"] == "why not"


def test_one_queue(scenario, boss):
    press(boss, "pause/", queue="low")
    paused = [name for name in QUEUES if queue_of(scenario, name).paused]
    assert paused == ["low"]
    assert press(boss, "resume/", queue="high") == ["Nothing was paused."]
    assert press(boss, "resume/", queue="low") == ["Resumed low."]


def test_a_pause_ends_before_the_first_client_is_turned_away(scenario, boss):
    """Where no length is given; half of the 60 s are over for the oldest."""
    scenario.put("a")
    scenario.age("default", 30)
    press(boss, "pause/", queue="default")
    assert 15 < left_of(scenario, "default") <= 25
    press(boss, "pause/", queue="high")  # nobody waits there
    assert 45 < left_of(scenario, "high") <= 55


def test_a_long_pause_says_what_it_means(scenario, boss):
    told = press(boss, "pause/", seconds="300")
    assert told == [
        "Clients that wait now are turned away after about 55 s.",
        "Paused high, default, low for at most 300 s.",
    ]


def test_resume_at_a_rate(scenario, boss):
    scenario.put("a", "b")
    press(boss, "pause/")
    assert press(boss, "resume/", queue="default", rate="2.5") == [
        "Resumed default at 2.5 a second."
    ]
    assert queue_of(scenario, "default").pace == 2.5


@pytest.mark.parametrize(
    ("path", "form", "said"),
    [
        ("pause/", {"queue": "nowhere"}, "There is no queue 'nowhere'."),
        ("pause/", {"queue": "ops"}, "There is no queue 'ops'."),
        ("pause/", {"seconds": "-1"}, "'-1' is not a number from 1 to 86400."),
        ("pause/", {"seconds": "1e9"}, "'1e9' is not a number from 1 to 86400."),
        ("pause/", {"seconds": "nan"}, "'nan' is not a number from 1 to 86400."),
        ("pause/", {"seconds": "soon"}, "'soon' is not a number from 1 to 86400."),
        ("pause/", {"seconds": "0.2"}, "'0.2' is not a number from 1 to 86400."),
        ("resume/", {"rate": "0"}, "'0' is not a number from 0.01 to 10000."),
        ("resume/", {"queue": "nowhere"}, "There is no queue 'nowhere'."),
        ("withdraw/", {}, "That request no longer waits."),
        ("withdraw/", {"request": "default 1-1"}, "That request no longer waits."),
        ("withdraw/", {"request": "default nonsense"}, "That request no longer waits."),
        ("withdraw/", {"request": "nowhere 1-1"}, "That request no longer waits."),
        ("dead/1-1/replay/", {}, "There is no such dead letter."),
        ("dead/nonsense/replay/", {}, "There is no such dead letter."),
        ("dead/1-1/discard/", {}, "There is no such dead letter."),
        ("dead/99999999999999999999999-0/discard/", {}, "There is no such dead letter."),
        ("dead/nonsense/discard/", {}, "There is no such dead letter."),
    ],
)
def test_what_makes_no_sense_changes_nothing(scenario, boss, path, form, said):
    scenario.put("a")
    before = scenario.kit.client.hgetall(scenario.kit.keys.state)
    assert press(boss, path, **form) == [said]
    assert scenario.kit.client.hgetall(scenario.kit.keys.state) == before
    assert logged() == []


def test_withdraw_one(scenario, boss):
    scenario.put("a", "b")
    oldest, _ = scenario.kit.control().oldest(["default"], 10)
    told = press(boss, "withdraw/", request=f"default {oldest.entry}")
    assert told == ["GET /a was withdrawn; its client was told."] == logged()
    assert [one.path for one in scenario.kit.control().oldest(["default"], 10)] == ["/b"]
    assert press(boss, "withdraw/", request=f"default {oldest.entry}") == [
        "That request no longer waits."
    ]


def test_run_a_dead_letter_again(scenario, boss):
    letter = scenario.kill_one("a")
    worker = scenario.worker()
    told = press(boss, f"dead/{letter}/replay/")
    worker.join(20)
    assert told == ["POST /a was run again and answered 200."] == logged()
    assert scenario.kit.control().dead_letters() == []


def test_a_dead_letter_lost_again_is_kept_and_logged(scenario, boss):
    letter = scenario.kill_one("a")
    worker = scenario.worker(lose=True)
    told = press(boss, f"dead/{letter}/replay/")
    worker.join(20)
    assert told == ["POST /a: It failed again: worker lost."] == logged()
    assert scenario.kit.control().dead_letter(letter)


def test_a_dead_letter_is_not_run_into_a_pause(scenario, boss):
    letter = scenario.kill_one("a")
    press(boss, "pause/")
    assert press(boss, f"dead/{letter}/replay/") == ["POST /a: The queue default is paused."]
    assert scenario.kit.control().dead_letter(letter)


def test_a_dead_letter_needs_another_thread_than_the_page(scenario, boss):
    """The only thread runs the very request that would wait for it."""
    letter = scenario.kill_one("a")
    said = (
        "POST /a: There is no worker thread to run it while this page occupies one. Start another."
    )
    assert press(boss, f"dead/{letter}/replay/") == [said]  # no worker at all
    worker = scenario.worker()
    scenario.put("page", queue="high")
    running = scenario.kit.keys.leases
    worker.join(20)
    registration = scenario.kit.registration()
    scenario.kit.client.hset(
        scenario.kit.keys.named("worker", registration.worker),
        "info",
        b'{"host": "h", "pid": 8, "queues": ["default"], "threads": 1}',
    )
    scenario.kit.client.zrem(scenario.kit.keys.workers, *others_of(scenario, registration.worker))
    scenario.put("page-2", queue="high")
    scenario.kit.worker_broker(registration).settle_and_claim(None)
    assert scenario.kit.client.hlen(running) == 1
    boss.defaults["HTTP_X_REQUEST_ID"] = "request-page-2"
    assert press(boss, f"dead/{letter}/replay/") == [said]
    assert logged() == []


def others_of(scenario, worker: str) -> list[bytes]:
    ids = scenario.kit.client.zrange(scenario.kit.keys.workers, 0, -1)
    return [id for id in ids if id.decode() != worker] or [b"nobody"]


def test_discard_a_dead_letter(scenario, boss):
    letter = scenario.kill_one("a")
    told = press(boss, f"dead/{letter}/discard/")
    assert told == [f"The dead letter {letter} was discarded."] == logged()
    assert scenario.kit.control().dead_letters() == []


def test_an_action_goes_back_to_what_was_shown(scenario, boss):
    answer = boss.post(f"{ROOT}resume/", {"back": "window=6h&of=low"})
    assert answer.headers["Location"] == f"{ROOT}?window=6h&of=low"
    answer = boss.post(f"{ROOT}resume/", {"back": "window=x&of=//evil.example"})
    assert answer.headers["Location"] == f"{ROOT}?window=15m&of="


def test_with_the_broker_away(scenario, boss, broker):
    broker.kill()
    try:
        (told,) = press(boss, "pause/")
        assert told.startswith("The broker can't be reached:")
        assert logged() == []
    finally:
        broker.start()
