"""queueproxy dead list, show, replay and discard."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from .. import conf
from ..broker.observe.not_served import WORDS, reason_text
from ..broker.operate.control import Control
from ..broker.operate.listed import DeadLetter
from ..broker.operate.lists import Lists, Wanted
from ..broker.operate.replay import CannotReplay, replay
from ..wording import printable
from .ask import COULD_NOT_ASK, DID_NOT_HOLD, DONE
from .letter_as_test import as_test
from .letter_debugger import debug

CODES = {words: reason for reason, words in WORDS.items()}


def list_letters(command: BaseCommand, options: dict[str, Any]) -> int:
    """Print the newest that match."""
    reason = CODES.get(options["reason"], options["reason"])
    wanted = Wanted(options["search"], options["queue"], reason=reason)
    with conf.broker().link("control") as link:
        found = Lists(link).dead(wanted)
    letters = found.rows[: options["limit"]]
    if options["json"]:
        command.stdout.write(json.dumps([_summary(letter) for letter in letters], indent=2))
        return DONE
    for letter in letters:
        head = letter.head
        command.stdout.write(
            f"{letter.id}  {_when(letter)}  {_why(letter):<23} {letter.queue:<8} "
            f"{printable(head.method)} {printable(head.path)}"
        )
    if not letters:
        command.stdout.write("No dead letters." if not found.total else "None matches.")
    elif len(letters) < found.total:
        matching = f"{len(letters)} of {len(found.rows)} that match; {found.total} in all."
        command.stdout.write(matching)
    return DONE


def show(command: BaseCommand, options: dict[str, Any]) -> int:
    """Print one dead letter as JSON."""
    letter = _find(options["id"])
    if options["as_test"]:
        command.stdout.write(as_test(letter, reveal=options["reveal"]))
        return DONE
    shown = _summary(letter)
    if options["reveal"]:
        shown["query"], shown["headers"] = letter.head.query, letter.headers
        shown["body"] = letter.body.decode("utf-8", "replace") if letter.body_kept else None
    else:
        shown["headers"] = letter.redacted_headers()
    command.stdout.write(json.dumps(shown, indent=2))
    return DONE


def replay_letter(command: BaseCommand, options: dict[str, Any]) -> int:
    """Run it again, wait for the answer, and delete the letter once there is one."""
    letter = _find(options["id"])
    try:
        status = debug(letter) if options["pdb"] else _replayed(letter)
    except CannotReplay as error:
        command.stderr.write(str(error))
        return DID_NOT_HOLD
    command.stdout.write(f"Answered {status}.")
    return DONE if status < 500 else DID_NOT_HOLD


def _replayed(letter: DeadLetter) -> int:
    settings = conf.get_settings()
    return asyncio.run(
        replay(
            letter,
            broker=conf.broker(),
            queues=settings.all_queues,
            secrets=conf.signing_secrets(),
            hold=settings.max_hold,
            kept=settings.keep_executions,
        )
    )


def discard(command: BaseCommand, options: dict[str, Any]) -> int:
    """Delete one."""
    _find(options["id"])
    Control(conf.broker().link("control")).discard(options["id"])
    command.stdout.write("Discarded.")
    return DONE


def _find(id: str) -> DeadLetter:
    letter = Control(conf.broker().link("control")).dead_letter(id)
    if letter is None:
        raise CommandError(f"No dead letter {id!r}.", returncode=COULD_NOT_ASK)
    return letter


def _why(letter: DeadLetter) -> str:
    return printable(reason_text(letter.reason))


def _summary(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "at": _when(letter),
        "reason": letter.reason,
        "why": _why(letter),
        "queue": letter.queue,
        "attempts": letter.attempts,
        "worker": letter.worker,
        "request_id": letter.head.request_id,
        "method": letter.head.method,
        "path": letter.head.path,
        "query": letter.redacted_query(),
        "body_bytes": letter.head.body_size,
        "body_kept": letter.body_kept,
    }


def _when(letter: DeadLetter) -> str:
    return datetime.fromtimestamp(letter.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
