"""Reads and writes a trace's context in the headers of a request, by the configured propagators."""

import re
from collections.abc import Iterable, Sequence

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import Getter

from ..envelopes import Header

# A client's baggage is passed on to the view as it came.
_LEFT_ALONE = frozenset(("baggage",))
TRACEPARENT = "traceparent"
_SAMPLE = trace.SpanContext(1, 2, is_remote=False, trace_flags=trace.TraceFlags(1))
_NOT_SAMPLED = frozenset(("-00", "-02"))  # the endings; 02 is for a random id
_parts = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})").fullmatch


class _Lookup(Getter[Sequence[Header]]):
    """Gets the values of a header, by its name in lower case."""

    def get(self, carrier: Sequence[Header], key: str) -> list[str] | None:
        """Return its values in order; of a ``traceparent`` that comes twice, none is valid."""
        key = key.lower()
        found = [value for name, value in carrier if name == key]
        if not found or (len(found) > 1 and key == TRACEPARENT):
            return None
        return found

    def keys(self, carrier: Sequence[Header]) -> list[str]:
        """List all names."""
        return [name for name, _ in carrier]


class _Asked(_Lookup):
    """Notes which headers a propagator looks for.

    Attributes:
        names: of those.
        all: whether it looks through all there are.
    """

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.all = False

    def get(self, carrier: Sequence[Header], key: str) -> list[str] | None:
        self.names.add(key.lower())
        return None

    def keys(self, carrier: Sequence[Header]) -> list[str]:
        self.all = True
        return []


_lookup = _Lookup()


class Propagation:
    """What the propagators do that are configured as this is made.

    Most requests come without a context, and most are not recorded. So what is common is done
    here, which is several times as quick: the one header ``traceparent`` (W3C Trace Context,
    version 00), where that is what the propagators write.
    """

    def __init__(self) -> None:
        asked = _Asked()
        propagate.extract((), context=Context(), getter=asked)
        written = {name.lower() for name in propagate.get_global_textmap().fields}
        self._replaced = written - _LEFT_ALONE
        self._read = frozenset(asked.names | written)
        self._read_raw = frozenset(name.encode("latin-1") for name in self._read)
        self._reads_all = asked.all
        self._writes_traceparent = _written_of(_SAMPLE) == {TRACEPARENT: _traceparent(_SAMPLE)}

    def says_not_sampled(self, headers: Iterable[Header]) -> bool:
        """Whether the context of these headers is there, and is not sampled; cheap to ask.

        False also where only `context_in` could tell.
        """
        if not self._writes_traceparent:
            return False
        told = [value for name, value in headers if name == TRACEPARENT]
        return len(told) == 1 and told[0][-3:] in _NOT_SAMPLED and _parts(told[0]) is not None

    def context_in(self, headers: Iterable[Header]) -> Context:
        """Read the context; an empty one where there is none or it is not valid."""
        told = [header for header in headers if self._reads_all or header[0] in self._read]
        if not told:
            return Context()
        if self._writes_traceparent and len(told) == 1 and told[0][0] == TRACEPARENT:
            return _context_of(told[0][1])
        return propagate.extract(told, context=Context(), getter=_lookup)

    def context_in_raw(self, headers: Iterable[tuple[bytes, bytes]]) -> Context:
        """Do what `context_in` does for the headers of an ASGI scope."""
        wanted, reads_all = self._read_raw, self._reads_all
        told = [header for header in headers if reads_all or header[0] in wanted]
        return self.context_in([(_text(name), _text(value)) for name, value in told])

    def with_context_of(self, span: trace.Span, headers: Sequence[Header]) -> list[Header]:
        """Return the headers with the context of a span in the place of any other."""
        context = span.get_span_context()
        if not context.is_valid:
            return list(headers)
        replaced = self._replaced
        kept = [header for header in headers if header[0] not in replaced]
        if self._writes_traceparent and not context.trace_state:
            kept.append((TRACEPARENT, _traceparent(context)))
        else:
            kept.extend((name.lower(), value) for name, value in _written_of(context).items())
        return kept


def _written_of(context: trace.SpanContext) -> dict[str, str]:
    """Return the headers that the configured propagators write."""
    carrier: dict[str, str] = {}
    span = trace.NonRecordingSpan(context)
    propagate.inject(carrier, context=trace.set_span_in_context(span, Context()))
    return carrier


def _traceparent(context: trace.SpanContext) -> str:
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def _context_of(traceparent: str) -> Context:
    """Read a header of version 00 by itself; an empty context where it is not valid."""
    parts = _parts(traceparent)
    if parts is None:
        return propagate.extract([(TRACEPARENT, traceparent)], Context(), _lookup)  # of another
    flags = trace.TraceFlags(int(parts[3], 16))
    context = trace.SpanContext(
        int(parts[1], 16), int(parts[2], 16), is_remote=True, trace_flags=flags
    )
    if not context.is_valid:
        return Context()
    return trace.set_span_in_context(trace.NonRecordingSpan(context), Context())


def _text(raw: bytes) -> str:
    return raw.decode("latin-1")
