import pytest

from .site import Site


@pytest.fixture(params=["uvicorn", "daphne"])
def server(request):
    return request.param


@pytest.fixture
def make_site(tmp_path, broker, server):
    """Makes a Site with the given QUEUEPROXY settings; stops it at the end."""
    sites = []

    def make(**settings) -> Site:
        site = Site(tmp_path, broker, server, **settings)
        sites.append(site)
        return site

    yield make
    for site in sites:
        site.stop()


@pytest.fixture
def site(make_site):
    return make_site()
