"""What fronts do."""

from hypothesis import strategies as st
from hypothesis.stateful import initialize

from queueproxy.broker.encoded_request import EncodedRequest, encode_request
from queueproxy.envelopes import RequestHead

from .actors import FrontActor, OfAnotherRelease
from .base import GIVEN_UP, Base
from .happenings import happens
from .ledger import Call
from .site import QUEUES
from .table import IN_FLIGHT, NEW, RUNNING

RELEASES = ("r1", "r2")
ONE_OF = st.integers(0, 30)
LOST = st.sampled_from((0, 0, 0, 0, 1))  # replies
PLAIN: dict = {}
IN_GROUP = {"group": "g", "at_most": 1}
KINDS = (
    *({"most": 1}, {"most": 1}, PLAIN, PLAIN),
    *(IN_GROUP, IN_GROUP, IN_GROUP, {**IN_GROUP, "most": 1}),
    *({"release": "r2"}, {"release": "r2", "most": 1}, {"hold": 40.0}, {"version": 99}),
)
KIND = st.sampled_from(KINDS)


class FrontRules(Base):
    """Two fronts, which come and go."""

    @initialize()
    def fronts_join(self):
        for name in ("f1", "f2"):
            self._join(self.site.front(name))

    def _join(self, front: FrontActor, lost: int = 0) -> None:
        self.call(Call("front_join"), lambda: self.site.join(front), lost, set())

    def _request(self, front: FrontActor, id: str, queue: str, kind: dict) -> EncodedRequest:
        head = RequestHead(
            *(id, id, "POST" if kind.get("most") == 1 else "GET", f"/{id}", "", []),
            *("http", "1.1", front.name, queue, int(kind.get("hold", 10_000) * 1000)),
            kind.get("most", 2),
            sent=0,
            body_size=0,
            group=kind.get("group", ""),
            at_most=kind.get("at_most", 0),
            release=kind.get("release", ""),
        )
        made = encode_request(head, queue, b"")
        if "version" in kind:
            fields = (made.queue, made.meta, made.head, made.body, made.digest)
            return OfAnotherRelease(*fields)
        return made

    def _send(self, front: FrontActor, requests: list[EncodedRequest], lost: int) -> None:
        sent = {(front.name, request.id) for request in requests}
        before = {*self.now.metas}
        make = lambda: self.site.enqueue(front, requests)  # noqa: E731
        if self.call(Call("enqueue", sent), make, lost, set()) is GIVEN_UP:
            self._join(front)
            return
        new = [meta.id for place, meta in self.now.metas.items() if place not in before]
        assert len(new) == len(set(new)), f"put on its queue twice: {new}"

    @happens(
        15,
        f=ONE_OF,
        queue=st.sampled_from(QUEUES),
        kinds=st.lists(KIND, min_size=1, max_size=3),
        lost=LOST,
    )
    def sends(self, f, queue, kinds, lost):
        front = self.a_front(f)
        requests = []
        for kind in kinds:
            self.ids += 1
            requests.append(self._request(front, f"q{self.ids}", queue, kind))
        front.ids += [request.id for request in requests if request.meta.max_attempts > 1]
        self._send(front, requests, lost)

    @happens(2, when=lambda self: any(front.ids for front in self.site.fronts), n=ONE_OF, lost=LOST)
    def sends_again_what_was_lost(self, n, lost):
        """Only what may be repeated and is not held; first what a worker runs for nobody."""
        held = {id for _, id in self.now.there.held}
        sent = [(front, id) for front in self.site.fronts for id in front.ids if id not in held]
        unwanted = {self.now.metas[place].id for place in self.in_flight()} - held
        chosen = [one for one in sent if one[1] in unwanted] or sent
        if chosen:
            front, id = chosen[n % len(chosen)]
            self._send(front, [self._request(front, id, QUEUES[0], PLAIN)], lost)

    @happens(
        3,
        when=lambda self: self.now.held,
        n=ONE_OF,
        lost=LOST,
        why=st.sampled_from(("left", "expired")),
    )
    def withdraws(self, n, lost, why):
        places = sorted(self.now.held)
        place = places[n % len(places)]
        meta, state = self.now.metas[place], self.now.states[place]
        front = next(front for front in self.site.fronts if front.name == meta.front)
        make = lambda: front.asks.withdraw([meta.id], why)  # noqa: E731
        (said,) = self.call(Call("withdraw"), make, lost, {place})
        now = self.now.states.get(place, NEW)
        assert now == ("unwanted" if state in RUNNING else NEW), f"withdrawn, and {now}"
        if lost:
            return
        if state in RUNNING:
            assert said == "in_flight"
        elif self.ledger.started[place] > 0 or place in self.ledger.forgotten:
            assert said == "started", "its client is told that it was never started"

    @happens(f=ONE_OF, lost=LOST)
    def beats(self, f, lost):
        front = self.a_front(f)
        listed = self.now.fronts.get(front.name, 0)
        said = self.call(Call("front_beat"), front.asks.beat, lost, self.swept())
        if said is GIVEN_UP:
            assert listed <= self.now.clock, f"{front.name} is given up before its time"
            self._join(front)

    def swept(self):
        """Whom the heartbeat of anybody may move: of workers and fronts that are late."""
        now, late = self.now, self.now.clock + 1000
        workers = {worker for worker, expires in now.workers.items() if expires <= late}
        fronts = {front for front, expires in now.fronts.items() if expires <= late}
        return {
            place
            for place, meta in now.metas.items()
            if meta.front in fronts
            or (place in now.starts and now.starts[place].slot.rpartition("/")[0] in workers)
        }

    @happens(f=ONE_OF, lost=LOST)
    def joins_again(self, f, lost):
        self._join(self.a_front(f), lost)

    @happens(f=ONE_OF, lost=LOST)
    def leaves(self, f, lost):
        """All of its clients have gone; it comes again another time."""
        front = self.a_front(f)
        its = {place for place, meta in self.now.metas.items() if meta.front == front.name}
        self.call(Call("front_leave", reaped=front.name), front.asks.leave, lost, its)
        assert not {p for p in its if p in self.now.states} - self.in_flight()

    @happens(f=ONE_OF, lost=LOST)
    def reads(self, f, lost):
        """Reads its replies, and deletes what it has read before."""
        front = self.a_front(f)
        replies = self.now.replies.get(front.name)
        if replies and replies[-1].entry != front.read_upto:
            front.read_upto = replies[-1].entry
            self.call(Call("trim_replies"), front.asks.replies.read, lost, set())

    @happens(
        when=lambda self: any(s in IN_FLIGHT for s in self.now.states.values()),
        n=ONE_OF,
        taken=st.integers(1, 3),
        lost=LOST,
    )
    def acknowledges(self, n, taken, lost):
        places = sorted(self.in_flight())
        place = places[n % len(places)]
        meta = self.now.metas[place]
        front = next(front for front in self.site.fronts if front.name == meta.front)
        make = lambda: front.asks.acknowledge([(meta.id, taken)])  # noqa: E731
        self.call(Call("acknowledge"), make, lost, {place})
