import pytest

from ..servers import BrokerServer
from .stage import Stage
from .table import TABLE


@pytest.fixture(scope="module")
def make_stage(tmp_path_factory):
    """Makes a Stage with the given QUEUEPROXY settings; stops it at the end of the module.

    Each has a broker of its own, that may be hurt: `broker` has options of its configuration.
    """
    stages: list[Stage] = []

    def make(broker: dict[str, str] | None = None, **settings) -> Stage:
        server = BrokerServer(**(broker or {})).start()
        stages.append(Stage(tmp_path_factory.mktemp("stage"), server, **settings))
        return stages[-1]

    yield make
    for stage in stages:
        stage.stop()
        stage.broker.stop()


def pytest_terminal_summary(terminalreporter):
    for line in TABLE.lines():
        terminalreporter.write_line(line)
