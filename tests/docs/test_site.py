"""The site is built, each of its links leads somewhere, and it asks nobody for anything."""

import re

import pytest

from ..deploy.tools import ROOT
from .building import build

# Sections of the README that stand in pages.
FROM_README = {"tutorial.html": "make run", "add-to-your-project.html": "runqueueproxy"}


@pytest.fixture(scope="module")
def pages(site):
    """Each page's text, by its path."""
    return {str(page.relative_to(site)): page.read_text() for page in site.rglob("*.html")}


def test_there_is_a_page_for_each_file(pages):
    files = {path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")}
    wanted = {str(file.with_suffix(".html")).replace("README", "index") for file in files}
    assert wanted | {"404.html"} == set(pages)


def test_nothing_is_fetched_from_elsewhere(pages):
    """Scripts, styles, fonts and pictures are the site's own."""
    for name, text in pages.items():
        sources = re.findall(r"<(?:script|img|source|iframe)[^>]*?\ssrc=\"?([^\"\s>]+)", text)
        sources += re.findall(
            r"<link[^>]*rel=\"?(?:stylesheet|preconnect)[^>]*href=\"?([^\"\s>]+)", text
        )
        assert sources, name
        for source in sources:
            assert not source.startswith(("http:", "https:", "//")), f"{name}: {source}"


def test_styles_fetch_nothing_either(site):
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(?:https?:)?//", style.read_text()), style


def test_links_within_the_built_site_lead_somewhere(site, pages):
    """Also those in tables and raw HTML, and to files that are no pages."""
    for name, text in pages.items():
        if name == "404.html":  # its links begin with /, wherever the site is put
            continue
        for link in re.findall(r"<a [^>]*?href=\"?([^\"\s>]+)", text):
            if link.startswith(("http:", "https:", "mailto:")):
                continue
            path, _, anchor = link.partition("#")
            target = (site / name).parent / path if path else site / name
            target = target / "index.html" if target.is_dir() else target
            assert target.exists(), f"{name}: {link}"
            if anchor and target.suffix == ".html":
                assert re.search(rf"id=\"?{re.escape(anchor)}[\"\s>]", target.read_text()), (
                    f"{name}: {link}"
                )


def test_links_to_elsewhere_are_https(pages):
    for name, text in pages.items():
        for link in re.findall(r"<a [^>]*?href=\"?(http:[^\"\s>]+)", text):
            assert re.match(r"http://(?:127\.0\.0\.1|localhost)", link), f"{name}: {link}"


@pytest.mark.parametrize(("page", "word"), FROM_README.items())
def test_the_first_steps_are_the_readmes(pages, page, word):
    assert "<!-- README" not in pages[page]
    assert word in pages[page]


def test_a_link_that_leads_nowhere_fails_the_build(tmp_path):
    """So that the build says something."""
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    for name in ("deploy", "README.md", "CHANGELOG.md"):
        (tmp_path / name).symlink_to(ROOT / name)
    config = (ROOT / "mkdocs.yml").read_text().replace("docs_dir: docs", "docs_dir: pages")
    (tmp_path / "mkdocs.yml").write_text(config.split("nav:")[0])
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "index.md").write_text("[nowhere](nowhere.md) [here](#no-heading)\n")
    done = build(tmp_path, tmp_path / "site")
    assert done.returncode != 0
    assert "nowhere.md" in done.stdout
    assert "#no-heading" in done.stdout
