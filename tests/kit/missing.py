"""What this machine lacks."""


class Missing(Exception):
    """A program or library that is needed is not installed.

    A test that meets it is skipped, and fails in CI, which must have all (tests/conftest.py).

    Args:
        what: named as one would look for it, with its package where that has another name.
    """

    def __init__(self, what: str):
        super().__init__(what)
        self.what = what

    def __str__(self) -> str:
        return f"{self.what} is missing"
