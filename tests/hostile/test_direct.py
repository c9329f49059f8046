"""The corpus against both servers as the front runs under them."""

import pytest

from queueproxy.servers import SERVERS

from ..integration.serving import serving
from .cases import all_cases
from .wire import Bystander, Case, converse, shorts

CASES = all_cases()


@pytest.fixture(scope="module", params=SERVERS)
def server(request):
    """A server and a bystander's connection to it; its log must stay clean."""
    with serving(request.param, module="tests.hostile.app") as served:
        bystander = Bystander(served.address)
        yield served, bystander
        bystander.close()
        assert "Traceback" not in "".join(served.output)


def test_there_are_at_least_300_cases_and_no_two_of_one_name_or_kind():
    assert len(CASES) >= 300
    assert len({case.name for case in CASES}) == len(CASES)
    assert len({case[1:] for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_requests_in_are_executions_are_answers(server, case: Case):
    served, bystander = server
    bystander.runs()
    answers = converse(served.address, case, bystander)
    expected, runs = [*case.answers], case.runs
    if not case.closes:
        expected, runs = [*expected, "GET /probe"], [*runs, "GET /probe"]
    assert merged(shorts(answers)) == merged(expected)
    assert bystander.runs() == runs
    assert "Traceback" not in "".join(served.output)


def merged(answers: list) -> list:
    """Answers in which it does not matter how a websocket is refused."""
    return [403 if answer == 501 else answer for answer in answers]
