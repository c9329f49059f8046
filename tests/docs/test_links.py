"""Links that MkDocs does not see: from the README, the changelog, code, and rules of Prometheus."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PLACES = ("queueproxy", "project", "tests", "benchmarks", "drill", "deploy", "docs/prometheus")
SUFFIXES = {".py", ".yml", ".yaml", ".lua", ".json"}


def anchors(page: Path) -> set[str]:
    """The headings of a page, as links name them."""
    headings = re.findall(r"^#+ (.+?)(?: \{.*\})?$", page.read_text(), re.MULTILINE)
    plain = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading) for heading in headings]
    return {re.sub(r"[^\w\- ]", "", text.lower()).strip().replace(" ", "-") for text in plain}


def lead_somewhere(links: list[tuple[str, str]], where: Path) -> None:
    """Fail where one leads to no file, or to no heading of it."""
    for target, anchor in links:
        page = where / target if target else None
        assert page is None or page.exists(), f"{where}: {target}"
        if anchor and page and page.suffix == ".md":
            assert anchor in anchors(page), f"{where}: {target}#{anchor}"


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md"])
def test_links_of_the_first_pages(name):
    text = (ROOT / name).read_text()
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]*)(?:#([\w-]+))?\)", text)
    lead_somewhere(links, ROOT)
    named = re.findall(r"(?<![\w(/])(docs/[\w/.-]+\.(?:md|yml|json|png))(?:#([\w-]+))?", text)
    lead_somewhere(named, ROOT)


def test_pages_that_the_code_names_are_there():
    found = 0
    for place in PLACES:
        for file in (ROOT / place).rglob("*"):
            if file.suffix in SUFFIXES and "__pycache__" not in file.parts:
                text = file.read_text()
                links = re.findall(r"(?<![\w(/])(docs/[\w/-]+\.md)(?:#([\w-]+))?", text)
                lead_somewhere(links, ROOT)
                found += len(links)
    assert found > 10


def test_no_page_names_a_place_on_somebodys_machine():
    for page in DOCS.rglob("*.md"):
        assert not re.search(r"/(?:tmp|work|root)/", page.read_text()), page
