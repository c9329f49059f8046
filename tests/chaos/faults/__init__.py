"""What goes wrong, at random. Each fault is a function of the site and a source of chance."""

from .broker import (
    break_flow,
    crash_broker,
    flush_broker,
    flush_functions,
    freeze_broker,
    kill_connections,
    pause_clients,
    refuse_all,
    refuse_writes,
    set_clock,
)
from .caches import clear_own_cache, clear_shared_cache
from .counting import recount
from .database import crash_database, fail_over_database
from .embedded import (
    kill_embedded_broker,
    kill_embedded_front,
    kill_embedded_supervisor,
    reload_embedded,
    stop_embedded_front,
)
from .people import hold_among_pauses, hold_briefly, leave_while_paused, pause_among_pauses
from .processes import (
    drain_workers,
    freeze_front,
    freeze_worker,
    kill_front,
    kill_supervisor,
    kill_worker,
    reload_workers,
    replace_front,
    wake_zombie,
)
from .releases import switch_releases

# Those that ask the broker themselves, and wait for one that has just been killed.
ASK_THE_BROKER = tuple(f"{__name__}.{one}" for one in ("broker", "counting", "people", "releases"))
# How often each is drawn where fronts, workers and broker stand apart.
FAULTS = {
    kill_worker: 20,
    freeze_worker: 2,
    wake_zombie: 2,
    drain_workers: 1,
    reload_workers: 1,
    kill_supervisor: 1,
    kill_front: 1,
    replace_front: 1,
    freeze_front: 1,
    crash_broker: 1,
    freeze_broker: 1,
    flush_broker: 1,
    flush_functions: 1,
    pause_clients: 1,
    refuse_writes: 1,
    refuse_all: 1,
    switch_releases: 2,
    set_clock: 2,
    kill_connections: 2,
    recount: 3,
    break_flow: 2,
    clear_own_cache: 1,
    clear_shared_cache: 1,
    hold_briefly: 1,
    hold_among_pauses: 1,
    pause_among_pauses: 1,
    leave_while_paused: 1,
    crash_database: 1,
    fail_over_database: 1,
}

# Where all requests are such as happen once: none by which clients lose their connections, for
# then nobody can say whether they were told right.
ONCE_FAULTS = {
    kill_worker: 10,
    freeze_worker: 2,
    drain_workers: 1,
    reload_workers: 1,
    kill_supervisor: 1,
    crash_broker: 1,
    freeze_broker: 1,
    flush_broker: 2,
    flush_functions: 1,
    pause_clients: 1,
    refuse_writes: 1,
    kill_connections: 2,
    recount: 1,
    crash_database: 1,
    fail_over_database: 1,
}
# What there is not, by database. On SQLite a worker that is stopped would keep the lock for which
# all others wait.
NOT_ON = {
    "mariadb": (fail_over_database,),
    "sqlite": (freeze_worker, wake_zombie, crash_database, fail_over_database),
}

# Where one command runs all.
EMBEDDED_FAULTS = {
    kill_worker: 6,
    freeze_worker: 1,
    wake_zombie: 1,
    kill_embedded_front: 2,
    stop_embedded_front: 1,
    kill_embedded_supervisor: 3,
    kill_embedded_broker: 2,
    reload_embedded: 1,
    flush_functions: 1,
    kill_connections: 1,
    break_flow: 1,
    recount: 2,
    clear_own_cache: 1,
    hold_among_pauses: 1,
    pause_among_pauses: 1,
    leave_while_paused: 1,
}
