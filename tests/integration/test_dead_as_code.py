"""A dead letter as a test case, and under the debugger."""

import ast
import asyncio
import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.http import HttpResponse
from django.test import override_settings
from django.urls import clear_url_caches, path
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from queueproxy import conf
from queueproxy.broker.operate.replay import CannotReplay
from queueproxy.cli.letter_debugger import debug

from ..brokers import BrokerKit

SEEN: list[tuple[str, bytes]] = []


def view(request, id: str):
    SEEN.append((id, request.body))
    return HttpResponse(status=202)


urlpatterns = [path("<str:id>", view)]


@pytest.fixture
async def kit(broker):
    kit = BrokerKit(broker.url, namespace=conf.get_settings().namespace)
    kit.codec = kit.broker.codec(conf.signing_secrets())
    yield kit
    await kit.close()


async def bury(kit, id: str = "a", **options) -> str:
    await kit.put(await kit.front_broker(), id, most=1, **options)
    registration = kit.registration()
    kit.worker_broker(registration).settle_and_claim(None)
    registration.leave()
    return kit.control().dead_letters(1)[0].id


def dead(*words: str, status: int = 0) -> str:
    out = io.StringIO()
    with pytest.raises(SystemExit) as end:
        call_command("queueproxy", "dead", *words, stdout=out, stderr=out)
    assert end.value.code == status
    return out.getvalue()


async def test_as_a_test(kit):
    body = b'{"card": "4111"}\x00"\'' * 10
    letter = await bury(kit, body=body)
    hidden = dead("show", letter, "--as-test")
    ast.parse(hidden)
    assert "4111" not in hidden
    assert "Left out (its body): --reveal" in hidden
    revealed = dead("show", letter, "--as-test", "--reveal")
    assert "worker lost" in revealed
    assert "Left out" not in revealed
    (call,) = [
        node
        for node in ast.walk(ast.parse(revealed))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "generic"
    ]
    assert [ast.literal_eval(argument) for argument in call.args] == ["POST", "/a"]
    told = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    assert told == {"data": body, "content_type": ""}


@pytest.mark.parametrize("path", ['/"""\nimport os', "/\\", "/ä\x1b[31m", "/" + "x" * 500])
async def test_no_path_of_a_stranger_becomes_code(kit, path):
    head = {"method": '"""', "path": path, "headers": [['x"', '"""\n']], "request_id": "x"}
    letter = kit.client.xadd(kit.keys.dead, {"reason": '"""', "h": json.dumps(head)}).decode()
    for more in ((), ("--reveal",)):
        module = ast.parse(dead("show", letter, "--as-test", *more))
        kinds = [type(node).__name__ for node in module.body]
        assert kinds == ["Expr", "ImportFrom", "ClassDef"]


@override_settings(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["a"], MIDDLEWARE=[])
async def test_under_the_debugger(kit):
    letter = await bury(kit, body=b"what was sent")
    called = []

    def run(view, request, **kwargs):
        called.append((view.__name__, kwargs))
        return view(request, **kwargs)

    SEEN.clear()
    assert debug(kit.control().dead_letter(letter), run) == 202
    assert (called, SEEN) == ([("view", {"id": "a"})], [("a", b"what was sent")])
    assert kit.control().dead_letter(letter)


class Method(View):
    def post(self, request, id):
        return HttpResponse("of a class", status=202)


@csrf_exempt
def decorated(request, id):
    return HttpResponse("of a function", status=202)


@csrf_exempt
async def asynchronous(request, id):
    return HttpResponse("of a coroutine", status=202)


@pytest.mark.parametrize(
    ("view", "line"),
    [
        (csrf_exempt(Method.as_view()), "of a class"),
        (decorated, "of a function"),
        (asynchronous, "of a coroutine"),
    ],
)
@override_settings(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["a"], MIDDLEWARE=[])
async def test_the_debugger_stops_in_the_view_itself(kit, monkeypatch, capsys, view, line):
    letter = await bury(kit, body=b"what was sent")
    monkeypatch.setitem(globals(), "urlpatterns", [path("<id>", view)])
    clear_url_caches()
    monkeypatch.setattr("sys.stdin", io.StringIO("p id\ncontinue\n"))
    status = await asyncio.to_thread(debug, kit.control().dead_letter(letter))
    clear_url_caches()
    assert status == 202
    first, *_ = capsys.readouterr().out.split("(Pdb) ")
    assert line in first
    assert "csrf" not in first


async def test_what_is_not_whole_is_not_debugged(kit):
    letter = await bury(kit, body=b"x" * 100, piece_size=50)
    with pytest.raises(CannotReplay, match="stayed with its front"):
        debug(kit.control().dead_letter(letter))
    assert "stayed with its front" in dead("replay", letter, "--pdb", status=1)


async def test_the_list_by_what_is_asked_for(kit):
    assert dead("list") == "No dead letters.\n"
    first, second = await bury(kit, "aa"), await bury(kit, "b", queue="low")
    assert [line.split()[0] for line in dead("list").splitlines()] == [second, first]
    lines = dead("list", "--search", "/a").splitlines()
    assert (lines[0].split()[0], lines[1]) == (first, "1 of 1 that match; 2 in all.")
    assert json.loads(dead("list", "--queue", "low", "--json"))[0]["why"] == "worker lost"
    assert dead("list", "--reason", "malformed") == "None matches.\n"
    assert "1 of 2 that match" in dead("list", "--limit", "1")


async def test_no_such_letter(kit):
    with pytest.raises(CommandError):
        call_command("queueproxy", "dead", "replay", "1-1", "--pdb")
