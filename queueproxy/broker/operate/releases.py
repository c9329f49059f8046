"""Chooses which release serves: activate one, roll back to the one before."""

from typing import NamedTuple

from ...records import Activation, parse
from ..link.links import Link
from ..link.protocol import checked

ANY = "*"  # whichever is active
KEEP = 600.0  # seconds that the release before stays, unless told


class Activated(NamedTuple):
    """What became of an activation.

    Attributes:
        what: ``done``, ``already``, ``changed`` (somebody else has activated another meanwhile) or
            ``no_worker`` (none of the release is ready).
        active: the release that serves now; empty for any.
        previous: the one before; empty for none.
    """

    what: str
    active: str
    previous: str


class Releases:
    """Makes people's changes. Each method raises BrokerUnavailable where it could not be asked.

    Args:
        link: its own.
    """

    def __init__(self, link: Link):
        self._link = link

    def activation(self) -> Activation:
        """Return which release serves.

        Raises:
            DecodeError: somebody else wrote there.
        """
        (text,) = self._link.commands([("HMGET", self._link.keys.state, "activation")])
        found: bytes | None
        (found,) = checked(text)
        return parse(Activation, found) if found else Activation(0)

    def activate(
        self, release: str, *, keep: float, instead_of: str = ANY, force: bool = False
    ) -> Activated:
        """Let the workers of this release claim, and no others, from now on.

        Args:
            release: its name; empty: any worker claims.
            keep: seconds that workers of the one before stay, to be activated again at once.
            instead_of: the release that must be active for it; empty for none.
            force: though no worker of it is ready.
        """
        told = (release, instead_of, int(keep * 1000), int(force))
        return Activated(*map(bytes.decode, self._link.script("activate", *told)))

    def roll_back(
        self, *, keep: float, instead_of: str | None = None, force: bool = False
    ) -> Activated | None:
        """Activate the release before the active one; None where none is, or was.

        Where none was active before it, any worker claims, as then.

        Args:
            keep: as of `activate`.
            instead_of: the release that must be active for it; None for whichever is.
            force: as of `activate`.
        """
        now = self.activation()
        if now.active is None and now.previous is None:
            return None
        active = now.active or "" if instead_of is None else instead_of
        return self.activate(now.previous or "", keep=keep, instead_of=active, force=force)
