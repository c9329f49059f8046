"""What all commands have in common: suggestions, help, and the status of what can't be asked."""

import pytest
from django.core.management import CommandError, call_command, load_command_class
from django.core.management.base import SystemCheckError
from django.test import override_settings

from queueproxy import conf
from queueproxy.cli.examples import EXAMPLES
from queueproxy.cli.helpful import HelpfulCommand
from queueproxy.policy_checks import check_policies

COMMANDS = ("queueproxy", "runqueueproxy", "runqueueworker")


def parser_of(name: str):
    command = load_command_class("queueproxy", name)
    command._called_from_command_line = True
    return command.create_parser("manage.py", name)


@pytest.mark.parametrize(
    ("command", "words", "meant"),
    [
        ("queueproxy", ["statu"], "status"),
        ("queueproxy", ["status", "--wach"], "--watch"),
        ("queueproxy", ["status", "--jsno=1"], "--json"),
        ("queueproxy", ["dead", "lst"], "list"),
        ("queueproxy", ["acl", "--format", "acfile"], "aclfile"),
        ("queueproxy", ["purge", "--database", "defalt"], "default"),
        ("runqueueproxy", ["--server", "uvcorn"], "uvicorn"),
        ("runqueueproxy", ["--worker-s", "3"], "--workers"),
        ("runqueueworker", ["--proceses", "3"], "--processes"),
    ],
)
def test_a_word_that_is_alike_is_suggested(capsys, command, words, meant):
    with pytest.raises(SystemExit) as ended:
        parser_of(command).parse_args(words)
    assert ended.value.code == 2
    assert capsys.readouterr().err.endswith(f". Did you mean {meant!r}?\n")


def test_nothing_is_suggested_where_nothing_is_alike(capsys):
    with pytest.raises(SystemExit):
        parser_of("queueproxy").parse_args(["xyzzy"])
    assert "Did you mean" not in capsys.readouterr().err


def test_a_queue_that_is_alike_is_suggested():
    with pytest.raises(CommandError, match=r"No queue 'hihg'. Did you mean 'high'\?") as refused:
        call_command("queueproxy", "pause", "hihg")
    assert refused.value.returncode == 2
    raw = {"ROUTES": [{"queue": "lwo"}], "POLICIES": {"a": {"queue": "hgih"}}}
    first, second = conf.problems_of(raw)
    assert first.message.endswith("Did you mean 'low'?")
    assert second.message.endswith("Did you mean 'high'?")


def test_a_view_that_is_alike_is_suggested():
    policies = {"POLICIES": {"things:expoort": {"queue": "low"}}}
    with override_settings(QUEUEPROXY=policies):
        (message,) = check_policies(None)
    assert message.msg.endswith("Did you mean 'things:export'?")


@pytest.mark.parametrize("path", EXAMPLES)
def test_each_example_is_in_the_help_of_its_command_and_can_be_parsed(path, capsys):
    name, *verbs = path.split()
    with pytest.raises(SystemExit):
        parser_of(name).parse_args([*verbs, "--help"])
    shown = capsys.readouterr().out
    for line in EXAMPLES[path].splitlines():
        assert line in shown
    for line in EXAMPLES[path].splitlines()[1:]:
        words = line.partition("  #")[0].partition(" > ")[0].replace("'", "").split()
        assert words[:2] == ["manage.py", name]
        if "new index" not in line:
            parser_of(name).parse_args(words[2:])


@pytest.mark.parametrize("name", COMMANDS)
def test_help_tells_defaults(name):
    shown = parser_of(name).format_help()
    assert "default: None" not in shown
    assert "default: False" not in shown
    if name == "runqueueworker":
        assert "(default: 30)" in shown
        assert "per process (default: 1)" in " ".join(shown.split())


class Failing(HelpfulCommand):
    requires_system_checks = ()
    stealth_options = ("error",)

    def handle(self, **options):
        raise options["error"]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (CommandError("no broker"), 2),
        (SystemCheckError("wrong"), 2),
        (CommandError("the code can't be loaded", returncode=4), 4),
    ],
)
def test_what_can_not_be_asked_ends_with_status_2(error, status):
    with pytest.raises(CommandError) as raised:
        call_command(Failing(), error=error)
    assert raised.value.returncode == status


@pytest.mark.parametrize(("value", "plain"), [("1", True), ("", False)])
def test_no_color_in_the_environment(monkeypatch, value, plain):
    monkeypatch.setenv("NO_COLOR", value)

    class Telling(HelpfulCommand):
        requires_system_checks = ()

        def handle(self, **options):
            assert options["no_color"] is plain

    call_command(Telling())
