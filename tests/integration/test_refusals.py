"""Error replies: what they become, whatever their code, and who must live on."""

import logging
import resource
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.management import CommandError, call_command

from queueproxy.broker.scripts import library
from queueproxy.exceptions import (
    BrokerRefused,
    BrokerUnavailable,
    NotSent,
    ScriptFailed,
    ScriptsUnreadable,
)
from queueproxy.worker.lost_worker import reaper
from queueproxy.worker.outage_log import OutageLog

from ..brokers import BrokerKit


@pytest.fixture
def limited(broker):
    """A user of the broker whose rights a test takes away; they come back with the next."""
    client = broker.client()

    def change(*rules: str) -> None:
        client.execute_command("ACL", "SETUSER", "limited", *rules)

    change("reset", "on", ">password", "~*", "+@all")
    yield change
    client.execute_command("ACL", "DELUSER", "limited")


@pytest.fixture
async def kit(broker, limited):
    kit = BrokerKit(f"unix://limited:password@{broker.socket}")
    yield kit
    await kit.close()


def test_a_refused_function(kit, limited):
    link = kit.link()
    link.script("pause", "ann", 1000, "", "low")
    limited("-fcall")
    with pytest.raises(BrokerRefused, match="The broker refuses FCALL resume: NOPERM ") as refused:
        link.script("resume", 0, 0, "low")
    assert (refused.value.command, refused.value.code) == ("FCALL resume", "NOPERM")
    assert isinstance(refused.value, NotSent)
    limited("+fcall")
    assert link.script("resume", 0, 0, "low") == [b"low"]  # on the same connection


def test_a_script_is_refused_as_a_whole(kit, limited):
    link = kit.link()
    link.script("pause", "ann", 1000, "", "low")
    limited("-hdel")
    with pytest.raises(BrokerRefused, match=r"refuses FCALL resume: NOPERM .* 'hdel' command$"):
        link.script("resume", 0, 0, "low")


def test_a_script_that_broke_off_is_not_said_to_be_undone(kit):
    kit.client.set(kit.keys.pauses, "not what it should be")
    with pytest.raises(ScriptFailed, match=r"broke off FCALL pause: .* script: ") as failed:
        kit.link().script("pause", "ann", 1000, "", "low")
    assert isinstance(failed.value, BrokerUnavailable)
    assert not isinstance(failed.value, NotSent)


def test_a_refused_load_of_the_library(kit, limited):
    kit.client.function_flush()
    limited("-function")
    with pytest.raises(BrokerRefused, match="refuses FUNCTION LOAD: NOPERM"):
        kit.link().script("pause", "ann", 1000, "", "low")


def test_a_user_who_may_not_log_in(kit, limited):
    limited("off")
    with pytest.raises(BrokerRefused, match="refuses AUTH: WRONGPASS"):
        kit.link().script("pause", "ann", 1000, "", "low")


async def test_a_front_that_may_not_look(kit, limited):
    front_broker = await kit.front_broker()
    limited("-hkeys", "-xread", "-xtrim")
    with pytest.raises(BrokerRefused, match="refuses HKEYS"):
        await front_broker.held()
    for look in (front_broker.replies.read, front_broker.replies.catch_up):
        with pytest.raises(BrokerRefused, match="refuses XREAD"):
            await look()


def test_the_heartbeat_goes_on(kit, limited):
    registration = kit.registration()
    limited("-fcall")
    with pytest.raises(BrokerUnavailable):
        registration.beat("idle")
    limited("+fcall")
    assert registration.beat("idle")


def test_the_supervisor_goes_on(kit, limited):
    limited("-fcall")
    reaper(kit.broker)("a worker that died")


def test_a_dead_letter_that_may_not_be_read_is_not_said_to_be_gone(kit, limited):
    control = kit.control()
    assert control.dead_letter("1-1") is None
    assert control.dead_letter("no id") is None
    limited("-xrange")
    with pytest.raises(BrokerRefused, match="refuses XRANGE"):
        control.dead_letter("1-1")


async def test_pieces_of_a_body_that_may_not_be_read_or_set_now(kit, limited):
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "a", body=b"piece", piece_size=5)
    worker_broker = kit.worker_broker()
    claim = worker_broker.settle_and_claim(None)
    reader = worker_broker.pieces(claim, 1)
    limited("-blpop")
    with pytest.raises(BrokerRefused, match="refuses BLPOP"):
        reader.read(0)
    (wanted,) = await front_broker.replies.catch_up()
    limited("-set")
    with pytest.raises(BrokerRefused, match="refuses SET"):
        await front_broker.hand_over(wanted, [b"piece"])
    limited("+set")
    assert await front_broker.hand_over(wanted, [b"piece"])
    limited("-get")
    with pytest.raises(BrokerRefused, match="refuses GET"):
        reader.read(0)
    limited("+get")
    assert reader.read(0) == b"piece"


def test_the_library_is_read_before_descriptors_run_out(broker):
    library.cache_clear()
    link = BrokerKit(broker.url).link()
    link.commands([("TIME",)])
    with no_more_descriptors():
        assert link.script("resume", 0, 0, "low") == []


def test_a_library_that_cant_be_read_is_one_clear_error(broker):
    library.cache_clear()
    with (
        no_more_descriptors(),
        pytest.raises(ScriptsUnreadable, match=r"can't be read: .*Too many"),
    ):
        BrokerKit(broker.url)


class no_more_descriptors:
    """While inside, this process may open no more files."""

    def __enter__(self) -> None:
        self._limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, self._limits[1]))

    def __exit__(self, *exc_info) -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, self._limits)


def test_what_one_thread_is_refused_is_not_over_for_another(caplog):
    log, refused = OutageLog(), BrokerRefused("FCALL push", "NOPERM no")
    caplog.set_level(logging.INFO)
    threads = [_Thread(log) for _ in range(2)]
    threads[0].note(True, refused)
    threads[0].note(True, refused)
    threads[1].note(True, refused)
    threads[1].note(False)
    assert caplog.messages == ["The broker refuses FCALL push: NOPERM no. Trying again."]
    threads[0].note(False)
    assert caplog.messages[1:] == ["The broker is back."]


class _Thread:
    """Notes in a thread of its own."""

    def __init__(self, log: OutageLog):
        self._log, self._pool = log, ThreadPoolExecutor(1)

    def note(self, *words) -> None:
        self._pool.submit(self._log.note, *words).result()


@pytest.mark.parametrize("words", [["status"], ["pause"], ["dead", "list"], ["metrics"]])
def test_commands_say_it_in_one_line(broker, limited, monkeypatch, words):

    monkeypatch.setenv("QUEUEPROXY_BROKER_URL", f"unix://limited:password@{broker.socket}")
    limited("-info", "-fcall", "-xrevrange", "-hgetall")
    with pytest.raises(CommandError, match=r"^The broker refuses \w+: NOPERM [^\n]*$") as ended:
        call_command("queueproxy", *words)
    assert ended.value.returncode == 2
