"""How many processes, how much memory, as people write it: read, or refused in one line."""

import pytest
from django.core.management.base import CommandError

from queueproxy.management.commands import runqueueproxy, runqueueworker
from queueproxy.sizes import bytes_of
from queueproxy.worker.scaling.process_range import (
    MOST,
    ProcessRange,
    least_of,
    most_of,
    processes_of,
    processes_text,
)


def options_of(*words: str):
    parser = runqueueworker.Command().create_parser("manage.py", "runqueueworker")
    return vars(parser.parse_args(list(words)))


@pytest.mark.parametrize(
    ("text", "processes", "words"),
    [
        ("1", 1, "1 process"),
        ("16", 16, "16 processes"),
        ("2..16", ProcessRange(2, 16), "2 to 16 processes"),
        ("1..1", ProcessRange(1, 1), "1 to 1 process"),
        (f"1..{MOST}", ProcessRange(1, MOST), f"1 to {MOST} processes"),
    ],
)
def test_how_many_processes(text, processes, words):
    assert processes_of(text) == options_of("--processes", text)["processes"] == processes
    assert processes_text(processes) == words
    assert str(processes) == text  # as another command is told it


def test_a_number_is_both_the_least_and_the_most():
    assert (least_of(4), most_of(4)) == (4, 4)
    assert (least_of(ProcessRange(2, 16)), most_of(ProcessRange(2, 16))) == (2, 16)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--processes", "2.."), "'2..' is not a whole number of at least 1, nor a range such as"),
        (("--processes", "..2"), "'..2' is not a whole number"),
        (("--processes", "2...4"), "'2...4' is not a whole number"),
        (("--processes", "-2"), "'-2' is not a whole number"),
        (("--processes", "٣"), "'٣' is not a whole number"),
        (("--processes", "16..2"), "'16..2' ends before it begins: write 2..16"),
        (("--processes", "0..4"), "'0..4' begins with 0: one process is the least"),
        (("--processes", "0"), "'0' is not a whole number of at least 1"),
        (("--processes", f"1..{MOST + 1}"), f"more than the {MOST} that one supervisor runs"),
        (("--target-wait", "0"), "'0' is too short: 10ms is the least"),
        (("--target-wait", "9ms"), "'9ms' is too short: 10ms is the least"),
        (("--target-wait", "soon"), "'soon' is not a length of time"),
        (("--scale-down-after", "0"), "'0' is too short: 1s is the least"),
        (("--max-memory", "512"), "'512' has no unit: write 512MiB or 512GiB"),
        (("--max-memory", "1XB"), "'1XB' has a unit that is none of"),
        (("--max-memory", "much"), "'much' is not a size such as 512MiB or 2GiB"),
        (("--max-memory", "0MiB"), "'0MiB' is nothing"),
    ],
)
def test_what_can_not_be_meant(words, why):
    with pytest.raises(CommandError, match="argument") as refused:
        options_of(*words)
    assert why in str(refused.value)
    assert "\n" not in str(refused.value)


def test_at_the_limits():
    options = options_of("--target-wait", "10ms", "--scale-down-after", "1s", "--max-memory", "1KB")
    assert options["target_wait"] == 0.01
    assert options["scale_down_after"] == 1
    assert options["max_memory"] == 1000


def test_beside_the_front():
    parser = runqueueproxy.Command().create_parser("manage.py", "runqueueproxy")
    assert parser.parse_args(["--workers", "2..16"]).workers == ProcessRange(2, 16)
    assert parser.parse_args(["--workers", "3"]).workers == 3


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512MiB", 512 * 2**20),
        ("512 MiB", 512 * 2**20),
        ("2G", 2 * 2**30),
        ("1.5gib", 3 * 2**29),
        ("2GB", 2 * 10**9),
        ("64k", 65_536),
    ],
)
def test_sizes(text, size):
    assert bytes_of(text) == size
