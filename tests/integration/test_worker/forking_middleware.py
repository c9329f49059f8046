"""Middleware that forks, or that lets views run below an event loop."""

import os

from django.http import HttpResponse
from django.utils.decorators import async_only_middleware

from .fork_urls import ending


@async_only_middleware
def forking(get_response):
    """Fork at ``?fork``, in place of the view; let others' views run."""

    async def middleware(request):
        if "fork" not in request.GET:
            return await get_response(request)
        pid = os.fork()
        return HttpResponse(ending(pid)) if pid else await leave(request)

    async def leave(request):
        if request.GET["fork"] == "exit":
            raise SystemExit(3)
        return HttpResponse("never to be seen")

    return middleware
