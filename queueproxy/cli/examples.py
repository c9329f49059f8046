"""Examples for ``--help``, by command."""


def _examples(*lines: str) -> str:
    return "\n".join(["Examples:", *(f"  manage.py {line}" for line in lines)])


EXAMPLES = {
    "runqueueproxy": _examples(
        "runqueueproxy 0.0.0.0:8000 --server uvicorn",
        "runqueueproxy --embedded --workers 2      # the whole system on this machine",
        "runqueueproxy unix:/run/site/front.sock   # behind a proxy on this machine",
    ),
    "runqueueworker": _examples(
        "runqueueworker --processes 4 --threads 4",
        "runqueueworker --queues high,default      # leave the queue low to others",
        "runqueueworker --async 100                # for async views",
    ),
    "queueproxy": _examples(
        "queueproxy status --watch",
        "queueproxy hold -- python manage.py migrate",
        "queueproxy doctor",
    ),
    "queueproxy status": _examples(
        "queueproxy status",
        "queueproxy status --watch                 # q or Ctrl-C ends it",
        "queueproxy status --json",
    ),
    "queueproxy routes": _examples(
        "queueproxy routes",
        "queueproxy routes /checkout/ POST",
    ),
    "queueproxy find": _examples("queueproxy find 3f8c0a6d9b2e4f51"),
    "queueproxy pause": _examples(
        "queueproxy pause --wait --reason 'new index'",
        "queueproxy pause low --timeout 5m",
    ),
    "queueproxy resume": _examples(
        "queueproxy resume",
        "queueproxy resume --rate 50/s             # or 300/m: the backlog comes out slowly",
    ),
    "queueproxy hold": _examples(
        "queueproxy hold -- python manage.py migrate",
        "queueproxy hold --timeout 2m -- ./deploy.sh",
    ),
    "queueproxy dead": _examples(
        "queueproxy dead list",
        "queueproxy dead show ID",
    ),
    "queueproxy purge": _examples("queueproxy purge --database default"),
    "queueproxy acl": _examples(
        "queueproxy acl --passwords",
        "queueproxy acl --format aclfile --passwords > users.acl",
    ),
    "queueproxy doctor": _examples(
        "queueproxy doctor",
        "queueproxy doctor --url https://www.example.com   # through its proxies",
    ),
}
