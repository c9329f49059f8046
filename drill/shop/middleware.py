"""Names the release in every answer; in release 4 every page fails when it is done."""

from . import FAILS, RELEASE_HEADER
from .release import RELEASE


def name_release(get_response):
    """Mark each answer. To be outermost: Django has made a 500 of what failed by then."""

    def middleware(request):
        response = get_response(request)
        response[RELEASE_HEADER] = str(RELEASE)
        return response

    return middleware


def fail_in_release_4(get_response):
    """Be the mistake of that release."""

    def middleware(request):
        response = get_response(request)
        if RELEASE == FAILS:
            raise AttributeError("'Basket' object has no attribute 'total'")
        return response

    return middleware
