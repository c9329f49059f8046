"""The users that ``queueproxy acl`` prints have the rights that the code uses, and no others."""

import ast
import re
from pathlib import Path

import pytest
from django.core.management import call_command

import queueproxy.broker
from queueproxy.broker.operate.acl import (
    CONNECTING,
    OTHER_DATABASE,
    ROLES,
    commands_in_functions,
    commands_of,
    users,
)
from queueproxy.broker.scripts import library

ROOT = Path(queueproxy.broker.__file__).parent
BY_REDIS_PY = {"client|setname"}  # when it connects
LINK = ("link/links.py", "link/node.py", "link/protocol.py")
SNAPSHOT = ("observe/reader.py", "observe/processes.py")
PARTS = {
    "front": (
        *(*LINK, *SNAPSHOT, "front_broker.py", "replies.py", "piece_handover.py"),
        "refusal_teller.py",
        "observe/no_worker_log.py",
    ),
    # Supervisors say what a lost worker ran: see worker.lost_worker.
    "worker": (
        *(*LINK, "registration.py", "worker_broker.py", "claims.py", "counters.py", "bells.py"),
        *("async_worker_broker.py", "slot.py", "link/shared_link.py"),
        *("frame_writing.py", "piece_reader.py", "observe/processes.py"),
        *("boot_failure_report.py", "scaling_report.py"),
        *("../worker/scaling/observer.py", "../worker/scaling/others.py"),
    ),
    "operator": (
        *(*LINK, *SNAPSHOT, "replies.py"),
        *("operate/control.py", "operate/hold.py", "operate/replay.py", "operate/releases.py"),
        *("operate/smoke.py", "observe/find.py", "observe/entries.py", "operate/lists.py"),
    ),
}
PARTS["dashboard"] = (*PARTS["worker"], *PARTS["operator"], "observe/history.py")
PARTS["site"] = (*PARTS["front"], *PARTS["dashboard"])
OPTIONS = {"block"}  # of XREAD, in a tuple of its own


def tree(path: str) -> ast.AST:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def commands_sent(node: ast.AST) -> set[str]:
    """First words of the tuples that look like commands."""
    found = set()
    for one in ast.walk(node):
        if not isinstance(one, ast.Tuple) or not one.elts:
            continue
        words = [word.value if isinstance(word, ast.Constant) else "" for word in one.elts]
        upper = [isinstance(word, str) and bool(re.fullmatch("[A-Z]+", word)) for word in words]
        if not upper[0] or (len(words) > 2 and all(upper)):  # HTTP methods, in counters.py
            continue
        name = words[0].lower()
        found.add(f"function|{words[1].lower()}" if name == "function" else name)
    return found - OPTIONS


def functions_called(node: ast.AST) -> set[str]:
    """First arguments of calls to ``script`` and what calls it, or kept in a tuple for later."""
    kept = {
        one.elts[0].value
        for one in ast.walk(node)
        if isinstance(one, ast.Tuple) and one.elts and isinstance(one.elts[0], ast.Constant)
    }
    return (kept & commands_in_functions().keys()) | {
        call.args[0].value
        for call in ast.walk(node)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in ("script", "_call", "send", "send_async")
        and call.args
        and isinstance(call.args[0], ast.Constant)
    }


def replays() -> list[ast.AST]:
    """The methods of FrontBroker that a replay uses."""
    texts = [(ROOT / "operate" / name).read_text() for name in ("replay.py", "smoke.py")]
    used = set(re.findall(r"front_broker\.(\w+)\(", "".join(texts)))
    return [
        node
        for node in ast.walk(tree("front_broker.py"))
        if isinstance(node, ast.AsyncFunctionDef) and node.name in used
    ]


def nodes_of(role: str) -> list[ast.AST]:
    nodes = [tree(path) for path in PARTS[role]]
    return nodes if role in ("front", "worker") else nodes + replays()


@pytest.mark.parametrize("role", ROLES)
def test_a_role_has_the_functions_it_calls_and_no_others(role):
    assert set().union(*map(functions_called, nodes_of(role))) == ROLES[role].functions


@pytest.mark.parametrize("role", ROLES)
def test_a_role_has_the_commands_it_sends_and_no_others(role):
    sent = set().union(*map(commands_sent, nodes_of(role)))
    assert sent | BY_REDIS_PY == ROLES[role].commands


def test_every_command_and_function_of_the_broker_is_somebodys():
    everything = [tree(str(path.relative_to(ROOT))) for path in ROOT.rglob("*.py")]
    rights = ROLES.values()
    sent = set().union(*map(commands_sent, everything))
    assert sent | BY_REDIS_PY == set().union(*(role.commands for role in rights))
    called = set().union(*map(functions_called, everything))
    assert called == set().union(*(role.functions for role in rights))
    assert called == set(commands_in_functions())


def test_no_command_is_missed_in_the_scripts():
    """Each is spelled in its call, and belongs to some function."""
    source = re.sub(r"--.*", "", library().source)
    calls = re.findall(r"(?:redis|server)\.p?call\b(.{0,3})", source)
    assert calls
    assert all(re.fullmatch(r"\('\w", call) for call in calls), calls
    spelled = {name.lower() for name in re.findall(r"redis\.p?call\('(\w+)'", source)}
    inside = set().union(*commands_in_functions().values())
    assert spelled == {name.partition("|")[0] for name in inside}


def test_commands_of_helpers_are_found():
    inside = commands_in_functions()
    assert {"blpop", "xread"}.isdisjoint(set().union(*inside.values()))  # scripts never block
    assert "xadd" in inside["worker_reap"]  # worker_reap > reap_worker > lose > conclude > notice
    assert "zrangebyscore" in inside["worker_beat"]  # worker_beat > sweep
    assert "zrangebyscore" not in inside["enqueue"]
    assert all("time" in commands for commands in inside.values())


def test_no_role_may_do_what_is_for_nobody():
    for rights in ROLES.values():
        assert commands_of(rights).isdisjoint(
            ("flushdb", "flushall", "config", "keys", "scan", "debug", "script", "eval", "acl")
        )
        assert set(CONNECTING) <= commands_of(rights)
        assert OTHER_DATABASE not in commands_of(rights)


def test_users():
    (front, *_), names = list(users("shop")), [user.name for user in users("shop")]
    assert names == [f"shop-{role}" for role in ROLES]
    assert front.rules[:2] == ("~{shop}:*", "-@all")
    assert all(rule.startswith("+") for rule in front.rules[2:])
    assert front.password == ""
    assert f"+{OTHER_DATABASE}" in next(users("shop", database=3)).rules
    assert len({user.password for user in users("shop", passwords=True)}) == len(ROLES)


def test_a_pattern_in_a_namespace_is_no_pattern():
    assert next(users("a*?[b]")).rules[0] == r"~{a\*\?\[b\]}:*"


def printed(capsys, *words: str) -> list[str]:
    with pytest.raises(SystemExit) as ended:
        call_command("queueproxy", "acl", *words)
    assert ended.value.code == 0
    return capsys.readouterr().out.splitlines()


def test_the_command(capsys):
    lines = printed(capsys)
    assert [line.split()[2].rpartition("-")[2] for line in lines] == list(ROLES)
    assert all(line.startswith("ACL SETUSER ") and ">" not in line for line in lines)
    lines = printed(capsys, "--format", "aclfile", "--passwords")
    assert all(re.match(r"user \S+ on >\S{40,} resetchannels ~\{", line) for line in lines)
