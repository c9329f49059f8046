"""The switches by name, each with the faults by which it shows; importable without Django."""

# Without any fault: by what users do.
SHOWN_BY = {
    "never_again": ("kill_worker",),
    "fence": ("wake_zombie",),
    "withdraw": ("leave_while_paused",),
    "id_check": ("none",),
    "one_pause": ("pause_among_pauses", "hold_among_pauses"),
    "lease_clock": ("freeze_broker", "set_clock"),
    "answers_count": ("recount",),
    "kept_bodies": ("kill_worker",),
    "pipelined_leaving": ("leave_while_paused",),
    "flow_again": ("break_flow",),
    "sendings": ("clear_shared_cache",),
    "patience": ("none",),
    "forked_children": ("none",),
}
SWITCH_NAMES = tuple(SHOWN_BY)
