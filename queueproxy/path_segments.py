"""What is known of a path before its pattern is tried: how it begins, and its segments."""

from collections.abc import Sequence

from .path_patterns import Choice, Level, Loop, Run, characters, first_of, leading_texts


def leading_text(levels: Sequence[Level]) -> str:
    """Return the text that all paths begin with that a pattern may match."""
    items = (item for level in levels for item in level)
    return "".join(leading_texts(items))


def _may_take_a_slash(item: Run | Loop | Choice) -> bool:
    if isinstance(item, Choice):
        return any("/" in text for text in item.texts)
    return isinstance(item, Loop) or bool(characters(item.chars) & first_of("/"))


def segments(levels: Sequence[Level], *, whole: bool) -> tuple[list[str | None], bool]:
    """Return the first segments of the paths that a pattern may match, None for one of many.

    Returns:
        Those segments, and whether there are exactly so many.
    """
    found: list[str | None] = []
    text: str | None = ""
    for item in (item for level in levels for item in level):
        if isinstance(item, str):
            first, *others = item.split("/")
            text = None if text is None else text + first
            for other in others:
                found.append(text)
                text = other
        elif not _may_take_a_slash(item):
            text = None
        else:
            return found, False
    return ([*found, text], True) if whole else (found, False)
