"""Tables of the scenarios, as sections of the page."""

from .summary import MIB, table


def threads(result: dict) -> str:
    """One row for each number of threads."""
    rows = [
        (
            str(row["threads"]),
            f"{row['per_second']:,.0f}",
            f"{row['efficiency']:.1%}",
            f"{row['p99_ms']:.1f}",
            str(row["errors"]),
        )
        for row in result["rows"]
    ]
    head = ("threads", "req/s", "of what they could give", "p99 ms", "errors")
    title = f"## Threads of one process, a view that waits {result['wait_ms']} ms"
    return f"{title}\n\n{table(head, rows)}"


def priority(result: dict) -> str:
    """The high queue alone and during the flood."""
    rows = [
        (
            name,
            f"{result[name]['p50_ms']:.2f}",
            f"{result[name]['p99_ms']:.2f}",
            f"{result[name]['per_second']:,.0f}",
            str(result[name]["errors"]),
        )
        for name in ("alone", "flooded")
    ]
    head = ("high queue", "p50 ms", "p99 ms", "req/s", "errors")
    return (
        "## Priority\n\nOne client of the high queue, one worker with one thread; the flood is "
        f"{result['flood_connections']} clients of the low queue, whose requests run "
        f"{result['running_ms']} ms each. Medians of {result['rounds']} rounds.\n\n"
        f"{table(head, rows)}"
    )


def slow(result: dict) -> str:
    """Two rows for each candidate."""
    rows = [
        (
            row["candidate"],
            name,
            f"{row[key]['p50_ms']:.2f}",
            f"{row[key]['p99_ms']:.2f}",
            f"{row[key]['worst_ms']:.0f}",
            f"{row[key]['per_second']:,.0f}",
            str(row[key]["errors"]),
        )
        for row in result["rows"]
        for key, name in (("alone", "no"), ("beside", "yes"))
    ]
    head = ("candidate", "a slow one beside", "p50 ms", "p99 ms", "worst ms", "req/s", "errors")
    return (
        f"## A slow view beside quick ones\n\n{result['quick_connections']} clients of the trivial "
        f"view, without and with one client of a view that runs {result['slow_ms']} ms. What would "
        "be in line behind a slow request would wait as long as that. Medians of "
        f"{result['rounds']} rounds, the worst of all.\n\n{table(head, rows)}"
    )


def hold(result: dict) -> str:
    """One held crowd."""
    facts = {
        "all arrived within": f"{result['arrival_seconds']:.1f} s",
        "answers": ", ".join(f"{code}: {n:,}" for code, n in result["statuses"].items()),
        "worker listed after": f"{result['worker_listed_seconds']:.2f} s",
        "first answer after": _seconds(result["first_answer_seconds"]),
        "last answer after": _seconds(result["last_answer_seconds"]),
        "front's memory for each": f"{result['front_bytes_per_client'] / 1000:.1f} KB",
        "broker's memory for each": f"{result['broker_bytes_per_client'] / 1000:.1f} KB",
    }
    title = f"## {result['clients']:,} clients held for {result['held_seconds']:.0f} s"
    return (
        f"{title}\n\nNo worker is there; then one starts, with one thread. Its start is counted "
        f"from the command, Python's and Django's start included.\n\n"
        f"{table(('', 'measured'), facts.items())}"
    )


def _seconds(value: float | None) -> str:
    return "none" if value is None else f"{value:.2f} s"


def soak(result: dict) -> str:
    """Memory of each process."""
    rows = [
        (
            name,
            f"{samples[0][1] / MIB:.1f}",
            f"{samples[-1][1] / MIB:.1f}",
            f"{result['slopes'][name] / MIB:+.2f}",
        )
        for name, samples in result["samples"].items()
    ]
    head = ("process", "first MiB", "last MiB", "MiB in ten minutes")
    return (
        f"## Soak\n\n{result['minutes']:.0f} minutes of every load in turn, two worker processes "
        f"with four threads: {result['requests']:,} requests, {result['errors']} errors. The slope "
        "is the median of those between any two samples (Theil-Sen) after warm-up.\n\n"
        f"{table(head, rows)}"
    )


def broker(result: dict) -> str:
    """One row for each number of workers."""
    rows = [
        (
            str(row["workers"]),
            f"{row['per_second']:,.0f}",
            f"{row['broker_busy']:.0%}",
            f"{row['broker_cpu_seconds_per_request'] * 1e6:.0f}",
        )
        for row in result["rows"]
    ]
    head = ("workers", "req/s", "broker's core busy", "broker's CPU µs per request")
    return (
        "## What one broker carries\n\nA front and workers that only talk to the broker, each a "
        f"process. Measured to {result['best_per_second']:,.0f} requests a second on this machine; "
        f"at that cost a core of its own would carry {result['ceiling_per_second']:,.0f}.\n\n"
        f"{table(head, rows)}"
    )


def statistics(result: dict) -> str:
    """With and without, and what stays in the broker."""
    roles = ("front", "worker", "broker")
    rows = [
        (
            title,
            f"{result[name]['per_second']:,.0f}",
            *(f"{result[name][f'{role}_cpu_ms']:.3f}" for role in roles),
        )
        for name, title in (("watched", "on"), ("unwatched", "off"))
    ]
    head = ("statistics", "req/s", *(f"{role}'s CPU ms per request" for role in roles))
    ratios = [f"{result[f'{name}_ratio']:.3f}" for name in ("throughput", "broker_cpu")]
    cost = (
        "## What it costs to see what is slow\n\nThe trivial view, 32 clients, one worker thread: "
        "with routes counted and answered requests kept (the defaults), and with neither. Medians "
        f"of {result['rounds']} rounds; by pairs, requests a second are {ratios[0]} of those "
        f"without, the broker's time is {ratios[1]}.\n\n{table(head, rows)}"
    )
    return f"{cost}\n{_kept(result)}" if result["keys"] else cost


def _kept(result: dict) -> str:
    """Some ten of the counts."""
    found = result["keys"]
    rows = [
        tuple(f"{row[name]:,}" for name in ("requests", "keys", "bytes"))
        for row in [*found[: -1 : max(1, len(found) // 10)], found[-1]]
    ]
    return (
        f"The broker's keys as requests of {result['paths']:,} paths of one route go by:\n\n"
        f"{table(('requests', 'keys', 'bytes of data'), rows)}"
    )


SECTIONS = {
    "statistics": statistics,
    "threads": threads,
    "priority": priority,
    "slow": slow,
    "hold": hold,
    "soak": soak,
    "broker": broker,
}
