"""Views that make processes of their own, in every way that projects do."""

import asyncio
import multiprocessing
import os
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path

from tests.acceptance.probe.urls import note, run

PATIENCE = 15.0  # seconds a child may take to end
FORK = multiprocessing.get_context("fork")
FOR_LONG = 120.0  # seconds; a test ends it sooner


def ending(pid: int) -> str:
    """How a child ended, as told by its parent."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return f"ended with {os.waitstatus_to_exitcode(status)}"
        time.sleep(0.01)
    return f"lives as {pid}"


def exit_code(child):
    """Wait for the end of a process of multiprocessing.

    `join` is not enough where threads start such processes: each start reaps the children of all,
    and a `join` whose child is reaped by another thread comes back before that one has written
    down the exit code.
    """
    deadline = time.monotonic() + PATIENCE
    while child.exitcode is None and time.monotonic() < deadline:
        child.join(deadline - time.monotonic())
    return child.exitcode


def leave(request, nonce):
    """The child ends as ``sys.exit`` says."""
    note(request, nonce)
    pid = os.fork()
    if not pid:
        sys.exit(int(request.GET["status"]) if "status" in request.GET else "a last word")
    return HttpResponse(ending(pid))


def come_back(request, nonce):
    """Both return."""
    note(request, nonce)
    pid = os.fork()
    return HttpResponse(ending(pid) if pid else "never to be seen")


def fail(request, nonce):
    """The child fails."""
    note(request, nonce)
    pid = os.fork()
    if not pid:
        raise ValueError("the child's")
    return HttpResponse(ending(pid))


def in_stream(request, nonce, way):
    """Both go on with the stream, or only the parent."""
    note(request, nonce)

    def pieces():
        yield b"first, "
        pid = os.fork()
        if not pid and way == "exit":
            sys.exit(3)
        if pid or way == "go-on":
            yield ending(pid).encode() if pid else b"never to be seen"

    return StreamingHttpResponse(pieces())


def in_close(request, nonce):
    """Both come back out of the closing of the response."""
    note(request, nonce)
    told = Path(os.environ["PROBE_LEDGER"] + "-close")

    def close():
        pid = os.fork()
        if pid:
            told.write_text(ending(pid))

    response = HttpResponse("closed later")
    response._resource_closers.append(close)
    return response


def process(request, nonce):
    """A process of multiprocessing, terminated."""
    note(request, nonce)
    child = FORK.Process(target=time.sleep, args=(FOR_LONG,))
    child.start()
    child.terminate()
    return HttpResponse(f"ended with {exit_code(child)}")


def pool(request, nonce):
    """A pool of forked processes."""
    note(request, nonce)
    with ProcessPoolExecutor(2, mp_context=FORK) as workers:
        return HttpResponse(f"sum {sum(workers.map(abs, range(-10, 0)))}")


def command(request, nonce):
    """A program that is given all it can get."""
    note(request, nonce)
    words = ["ls", "-l", "/proc/self/fd"]
    done = subprocess.run(words, close_fds=False, capture_output=True, text=True, check=True)
    return HttpResponse(done.stdout)


def daemon(request, nonce):
    """A daemon, by the book: its pid is in the answer."""
    note(request, nonce)
    reading, writing = os.pipe()
    first = os.fork()
    if not first:
        os.setsid()
        second = os.fork()
        if second:
            os._exit(0)
        os.write(writing, str(os.getpid()).encode())
        time.sleep(FOR_LONG)
        os._exit(0)
    os.waitpid(first, 0)
    pid = os.read(reading, 20)
    os.close(reading)
    os.close(writing)
    return HttpResponse(pid)


def mute(request, nonce):
    """The process ends as if all were well."""
    note(request, nonce)
    os._exit(0)


async def coroutine(request, nonce, way):
    """Ends as `way` says, in the child that a coroutine has forked."""
    note(request, nonce)

    async def both():
        pid = os.fork()
        if not pid:
            return await endings[way]()
        return HttpResponse(ending(pid))

    async def returns():
        return HttpResponse("never to be seen")

    async def exits():
        sys.exit(3)

    async def fails():
        raise ValueError("the child's")

    async def waits():
        await waiting
        return HttpResponse("never to be seen")

    waiting = asyncio.get_running_loop().create_future()
    endings = {"return": returns, "exit": exits, "fail": fails, "wait": waits}
    if "task" in request.GET:
        return await asyncio.create_task(both())
    return await both()


async def in_pool(request, nonce):
    """The child is that of a function in a thread."""
    note(request, nonce)

    def both():
        pid = os.fork()
        return HttpResponse(ending(pid) if pid else "never to be seen")

    return await asyncio.get_running_loop().run_in_executor(None, both)


async def in_async_stream(request, nonce, way):
    """Both go on with the stream, or only the parent."""
    note(request, nonce)

    async def pieces():
        yield b"first, "
        pid = os.fork()
        if not pid and way == "exit":
            sys.exit(3)
        if pid or way == "go-on":
            yield ending(pid).encode() if pid else b"never to be seen"

    return StreamingHttpResponse(pieces())


async def lasting(request, nonce):
    """The child lives on: its pid is in the answer."""
    note(request, nonce)
    pid = os.fork()
    if not pid:
        time.sleep(FOR_LONG)  # noqa: ASYNC251  its loop has nothing else to do
    return HttpResponse(pid)


urlpatterns = [
    path("run/<nonce>/", run),
    path("leave/<nonce>/", leave),
    path("come-back/<nonce>/", come_back),
    path("fail/<nonce>/", fail),
    path("in-stream/<way>/<nonce>/", in_stream),
    path("in-close/<nonce>/", in_close),
    path("process/<nonce>/", process),
    path("pool/<nonce>/", pool),
    path("command/<nonce>/", command),
    path("daemon/<nonce>/", daemon),
    path("mute/<nonce>/", mute),
    path("coroutine/<way>/<nonce>/", coroutine),
    path("in-pool/<nonce>/", in_pool),
    path("in-async-stream/<way>/<nonce>/", in_async_stream),
    path("lasting/<nonce>/", lasting),
]
