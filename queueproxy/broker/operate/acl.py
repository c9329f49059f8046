"""Makes users of the broker with no more rights than their part uses (Redis ACL SETUSER).

A function runs with the rights of its caller, so whoever calls one needs every command in it. And
whoever has FCALL may call all: the server checks commands and keys, not the names of functions.
tests/unit/test_acl.py holds the lists here to what the code sends.
"""

import re
import secrets
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from ..scripts import library
from ..scripts.commands import commands_in

CONNECTING = ("client|setname", "info", "type", "function|load", "fcall")
PROCESSES = ("time", "hgetall", "hlen", "hmget", "xrange")
SNAPSHOT = ("time", "info", "hgetall", "zrange", "xlen", "lrange", "hmget", "hlen", "xrange")
OTHER_DATABASE = "select"  # sent where the address names a database other than 0
PASSWORD_BYTES = 32


class Rights(NamedTuple):
    """Functions a process calls, and commands it sends beside those inside the functions."""

    functions: frozenset[str]
    commands: frozenset[str]


FRONT = Rights(
    frozenset(
        (
            *("adopt", "front_beat", "front_join", "front_leave", "sample"),
            *("acknowledge", "enqueue", "hand_over", "reconcile", "trim_replies", "withdraw"),
            *("count_refusals", "tell_refused"),
        )
    ),
    # /-/metrics: SNAPSHOT
    frozenset((*CONNECTING, *SNAPSHOT, "del", "get", "hkeys", "set", "xread", "zcard")),
)
WORKER = Rights(
    frozenset(
        (
            *("adopt", "worker_beat", "worker_join", "worker_reap", "publish_routes"),
            *("add_counts", "ask_for_body", "push", "settle_and_claim", "tell_boot_failure"),
            "tell_scaling",
        )
    ),
    frozenset(
        (
            *(*CONNECTING, *PROCESSES, "blpop", "del", "expire", "get", "hget", "rpush", "set"),
            "zrange",
        )
    ),
)
OPERATOR = Rights(
    frozenset(
        (
            *("activate", "adopt", "end_hold", "hold", "operator_withdraw", "pause", "resume"),
            "search",
            *("acknowledge", "enqueue", "front_join", "front_leave"),  # `dead replay`, smoke
            *("trim_replies", "withdraw"),
        )
    ),
    frozenset((*CONNECTING, *SNAPSHOT, "xrevrange", "xdel", "xread", "get", "set", "del")),
)
# A worker that serves the admin page: who may press a button there is Django's to decide.
DASHBOARD = Rights(WORKER.functions | OPERATOR.functions, WORKER.commands | OPERATOR.commands)
# A front with the workers beside it (`runqueueproxy --workers`), which have its settings.
SITE = Rights(FRONT.functions | DASHBOARD.functions, FRONT.commands | DASHBOARD.commands)

ROLES = {
    "front": FRONT,
    "worker": WORKER,
    "operator": OPERATOR,
    "dashboard": DASHBOARD,
    "site": SITE,
}


class User(NamedTuple):
    """A user for one role; `password` is empty where it is to stay as it is."""

    name: str
    rules: tuple[str, ...]
    password: str


def users(namespace: str, *, database: int = 0, passwords: bool = False) -> Iterator[User]:
    """Make a user for each role, who sees the keys of one namespace and no channel.

    Args:
        database: number of the database in the broker's address.
        passwords: whether to make new ones.
    """
    for role, rights in ROLES.items():
        commands = commands_of(rights) | ({OTHER_DATABASE} if database else set())
        rules = (
            f"~{{{_literally(namespace)}}}:*",
            "-@all",
            *(f"+{name}" for name in sorted(commands)),
        )
        password = secrets.token_urlsafe(PASSWORD_BYTES) if passwords else ""
        yield User(f"{namespace}-{role}", rules, password)


def as_command(user: User) -> str:
    """Spell a user as ACL SETUSER, which takes away what it had beside these rights."""
    access = ("on", "resetpass", f">{user.password}") if user.password else ()
    fresh = ("resetkeys", "resetchannels", "clearselectors")
    return " ".join(("ACL SETUSER", user.name, *access, *fresh, *user.rules))


def as_file_line(user: User) -> str:
    """Spell a user as a line of an ACL file (``aclfile``), which holds all there is of it."""
    access = ("on", f">{user.password}") if user.password else ("on",)
    return " ".join(("user", user.name, *access, "resetchannels", *user.rules))


def commands_of(rights: Rights) -> set[str]:
    """List every command the server checks: those sent, and those inside the functions called."""
    inside = commands_in_functions()
    return set(rights.commands).union(*(inside[name] for name in rights.functions))


@cache
def commands_in_functions() -> dict[str, frozenset[str]]:
    """Map each function to the commands in it."""
    return commands_in(library().source)


def _literally(text: str) -> str:
    """Escape a text to a glob pattern that matches itself alone."""
    return re.sub(r"([*?\[\]^\\])", r"\\\1", text)
