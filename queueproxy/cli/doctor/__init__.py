"""queueproxy doctor: looks at a whole set-up, and says of what is wrong what to do."""

from .command import doctor

__all__ = ["doctor"]
