"""What the tests have seen, as the table of docs/reliability.md."""

from collections import defaultdict


class Table:
    """Rows of (fault, request), each with what came of all its rounds."""

    def __init__(self):
        self._seen: defaultdict[tuple[str, str], list[tuple[str, float]]] = defaultdict(list)

    def add(self, fault: str, kind: str, what: str, seconds: float) -> None:
        """One round: what its client saw, and after how many seconds."""
        self._seen[fault, kind].append((what, seconds))

    def rounds(self) -> list[tuple[str, str, str, float]]:
        """All of them, as `add` takes them."""
        return [(*row, *one) for row, seen in self._seen.items() for one in seen]

    def lines(self) -> list[str]:
        """As Markdown; nothing where nothing was seen."""
        if not self._seen:
            return []
        lines = ["", "| fault | request | rounds | seen | slowest |", "|---|---|---|---|---|"]
        for (fault, kind), seen in sorted(self._seen.items()):
            whats = ", ".join(sorted({what for what, _ in seen}))
            slowest = max(seconds for _, seconds in seen)
            lines.append(f"| {fault} | {kind} | {len(seen)} | {whats} | {slowest:.2f} s |")
        return lines


TABLE = Table()
