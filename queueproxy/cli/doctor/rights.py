"""Looks at what users of the broker may do, against what ``queueproxy acl`` prints."""

from collections.abc import Iterable, Iterator

from ... import conf
from ...broker.link.links import Link
from ...broker.link.protocol import checked
from ...broker.operate.acl import ROLES, commands_of
from ...exceptions import BrokerRefused, ErrorReply
from .finding import Finding

AREA = "broker"
MAY_NOT_RUN = b"permissions to run"
MAY_NOT_SEE = b"permissions to access"
# What an operator does, with nothing to do it to.
HARMLESS = (("pause", "doctor", 0, ""), ("resume", 0, 0), ("operator_withdraw", "doctor", "0-1"))


def examine(link: Link) -> Iterator[Finding]:
    """Look at this user, and at those of `queueproxy acl` where this one may ask about them."""
    (name,) = link.commands([("ACL", "WHOAMI")])
    if isinstance(name, ErrorReply):
        yield from _by_trying(link)
        return
    user = name.decode("utf-8", "replace")
    yield from _without_password(link, user)
    namespace = conf.get_settings().namespace
    named = {f"{namespace}-{role}": role for role in ROLES}
    if user not in named:
        yield from _lacking(link, user, ROLES, "fronts, workers and people need")
    for other, role in named.items():
        (exists,) = link.commands([("ACL", "GETUSER", other)])
        if other == user or (exists and not isinstance(exists, ErrorReply)):
            yield from _lacking(link, other, [role], f"the role {role!r} needs")


def _by_trying(link: Link) -> Iterator[Finding]:
    """Do what changes nothing: a user with few rights may not ask what they are."""
    try:
        for name, *args in HARMLESS:
            link.script(name, *args)
        checked(link.commands([("XREVRANGE", link.keys.dead, "+", "-", "COUNT", 1)])[0])
    except BrokerRefused as error:
        yield Finding(
            AREA,
            "error",
            str(error),
            "Give it the rights that manage.py queueproxy acl prints for an operator.",
        )
    else:
        yield Finding(AREA, "ok", "This user has few rights, and those of an operator among them.")


def _without_password(link: Link, user: str) -> Iterator[Finding]:
    (about,) = link.commands([("ACL", "GETUSER", user)])
    if isinstance(about, ErrorReply) or not about or conf.broker().address.is_local:
        return
    flags = dict(zip(about[::2], about[1::2], strict=False)).get(b"flags", [])
    if b"nopass" not in flags:
        return
    yield Finding(
        AREA,
        "warning",
        f"The user {user!r} needs no password: whoever reaches the broker may do anything there.",
        "Make users with manage.py queueproxy acl --passwords, and switch the default user off.",
    )


def _lacking(link: Link, user: str, roles: Iterable[str], whose: str) -> Iterator[Finding]:
    needed = sorted(set().union(*(commands_of(ROLES[role]) for role in roles)))
    missing, asked = [], 0
    for command, words in _with_arguments(link, needed):
        (reply,) = link.commands([("ACL", "DRYRUN", user, *words)])
        if isinstance(reply, ErrorReply):  # a server that knows no such question, or no right to it
            return
        asked += 1
        if MAY_NOT_RUN in reply:
            missing.append(command)
        elif MAY_NOT_SEE in reply:
            missing = [f"any key of the namespace {conf.get_settings().namespace!r}"]
            break
    if missing:
        yield Finding(
            AREA,
            "error",
            f"The user {user!r} may not use {', '.join(missing)}, which {whose}.",
            "Give it the rights that manage.py queueproxy acl prints.",
        )
    elif asked:
        yield Finding(AREA, "ok", f"The user {user!r} may do what {whose}.")


def _with_arguments(link: Link, commands: Iterable[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Give each command as few arguments as it takes: the server asks for so many."""
    commands = list(commands)
    (told,) = link.commands([("COMMAND", "INFO", *commands)])
    if isinstance(told, ErrorReply):
        return
    for name, about in zip(commands, told, strict=True):
        if about:
            words = name.split("|")
            more = abs(about[1]) - len(words)
            yield name, (*words, *[link.keys.state] * more)
