"""The switches by name, each with what it shows by; importable without Django."""

SWITCH_VARIABLE = "QUEUEPROXY_TEST_SWITCH_OFF"  # the switch that tests are run with

# By faults of the chaos ("none": what users do), or by tests where these can't bring it about.
SHOWN_BY = {
    "never_again": ("kill_worker",),
    "fence": ("wake_zombie",),
    "withdraw": ("leave_while_paused",),
    "id_check": ("none",),
    "one_pause": ("pause_among_pauses", "hold_among_pauses"),
    "lease_clock": ("freeze_broker", "set_clock"),
    "answers_count": ("recount",),
    "group_limit": ("recount",),
    "kept_bodies": ("kill_worker",),
    "pipelined_leaving": ("leave_while_paused",),
    "flow_again": ("break_flow",),
    "sendings": ("clear_shared_cache",),
    "patience": ("none",),
    "forked_children": ("none",),
    "unique_key": ("none",),
    "answer_outside": ("none",),
    "insert_last": ("tests/integration/test_exactly_once/test_fence.py",),
    "chosen_key": ("tests/integration/test_exactly_once/test_fence.py",),
    "waiting_for_locks": ("tests/integration/test_exactly_once/test_idempotency_key.py",),
    "registrations": ("tests/integration/test_registrations.py",),
    "active_release": ("tests/integration/test_releases.py",),
    "expiry": ("tests/integration/test_signatures.py",),
    "namespace": ("tests/integration/test_signatures.py",),
}
SWITCH_NAMES = tuple(SHOWN_BY)
