"""The list of favourites, kept in the session."""

from django.http import HttpRequest

KEY = "favourites"


def ids(request: HttpRequest) -> list[int]:
    """Primary keys of this visitor's favourites, in the order they were added."""
    return request.session.get(KEY, [])


def toggle(request: HttpRequest, pk: int) -> bool:
    """Add or take away; whether it is a favourite now."""
    chosen = ids(request)
    added = pk not in chosen
    request.session[KEY] = [*chosen, pk] if added else [other for other in chosen if other != pk]
    return added
