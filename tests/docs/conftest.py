import pytest

from ..deploy.tools import ROOT
from .building import build


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The built site, a directory."""
    target = tmp_path_factory.mktemp("site")
    done = build(ROOT, target)
    assert done.returncode == 0, done.stdout
    return target
