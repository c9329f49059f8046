"""What a visitor does with each app. The first word of a function's name names the app."""

import io
import json
import re

from PIL import Image

from .visitor import Visitor

ADMIN = {"username": "admin", "password": "admin"}


def _log_in(visitor: Visitor, **who: str) -> None:
    visitor.get("/django-admin/login/")
    visitor.post("/django-admin/login/?next=/apps/", who or ADMIN)


def wagtail(visitor: Visitor) -> None:
    """Pages, their API and sitemap; the editor: a page is made, published, changed, moved away."""
    visitor.get("/")
    visitor.get("/sitemap.xml")
    visitor.get("/nowhere/")
    page = visitor.get("/pages-api/pages/?fields=*").json()["items"][0]["id"]
    visitor.get("/cms/")
    visitor.get("/cms/login/")
    visitor.post("/cms/login/", {**ADMIN, "next": "/cms/"})
    visitor.get("/cms/")
    visitor.get(f"/cms/pages/{page}/")
    visitor.get(f"/cms/pages/add/home/homepage/{page}/")
    body = json.dumps({"blocks": [{"text": "Through the queue", "type": "unstyled"}]})
    form = {"title": "Grüße", "slug": "grusse", "body": body, "action-publish": "1"}
    visitor.post(f"/cms/pages/add/home/homepage/{page}/", {**form, "slug": "not a slug"})
    visitor.post(f"/cms/pages/add/home/homepage/{page}/", form)
    visitor.get("/grusse/")
    visitor.get("/cms/pages/search/?q=Gr")
    visitor.get("/cms/images/add/")
    picture = io.BytesIO()
    Image.new("RGB", (640, 480), "teal").save(picture, "PNG")
    files = {"file": ("teal.png", picture.getvalue(), "image/png")}
    visitor.post("/cms/images/add/", {"title": "Teal", "collection": "1"}, files=files)
    visitor.get("/cms/images/")
    document = {"file": ("notes.txt", b"a note\n" * 20_000, "text/plain")}
    visitor.post("/cms/documents/add/", {"title": "Notes", "collection": "1"}, files=document)
    visitor.get("/documents/1/notes.txt")
    visitor.post("/cms/logout/")


def oscar(visitor: Visitor) -> None:
    """The shop: a catalogue, a basket, a checkout that asks who is there."""
    visitor.get("/shop/")
    visitor.get("/shop/catalogue/")
    visitor.get("/shop/catalogue/lamp-0_1/")
    visitor.post("/shop/basket/add/1/", {"quantity": 2})
    visitor.get("/shop/basket/")
    visitor.post("/shop/basket/vouchers/add/", {"code": "NONE"})
    visitor.get("/shop/checkout/")
    visitor.get("/shop/search/?q=lamp")
    email = {"login-username": "admin@apps.test", "login-password": "admin", "login_submit": "1"}
    visitor.get("/shop/accounts/login/")
    visitor.post("/shop/accounts/login/", email)
    visitor.get("/shop/basket/")
    visitor.get("/shop/checkout/shipping-address/")
    visitor.get("/shop/dashboard/")
    visitor.get("/shop/dashboard/catalogue/")


def rest_framework(visitor: Visitor) -> None:
    """Its browsable pages, JSON, forms with files, tokens, errors and throttles."""
    visitor.get("/rest/", Accept="text/html")
    visitor.get("/rest/notes/")
    visitor.get("/rest/notes/", Accept="text/html")
    visitor.get("/rest/notes/", Accept="image/png")
    visitor.send("POST", "/rest/notes/", json={"title": "nobody's"})
    visitor.send("OPTIONS", "/rest/notes/")
    visitor.send("POST", "/rest-token/", json={**ADMIN, "password": "wrong"})
    token = visitor.send("POST", "/rest-token/", json=ADMIN).json()["token"]
    own = {"Authorization": f"Token {token}"}
    made = visitor.send("POST", "/rest/notes/", json={"title": "mine", "stars": 4}, headers=own)
    note = f"/rest/notes/{made.json()['id']}/"
    visitor.send("PATCH", note, json={"stars": 5}, headers=own)
    visitor.send("PUT", note, json={"stars": -5}, headers=own)
    visitor.send("PUT", note, data={"title": "file"}, files={"file": b"x" * 200_000}, headers=own)
    visitor.send("POST", "/rest/notes/", content=b"{", headers={**own, "Content-Type": "text/json"})
    visitor.send("DELETE", note, headers=own)
    visitor.get(note)
    for _ in range(5):
        visitor.get("/rest/notes/seldom/")


def filter(visitor: Visitor) -> None:
    """django-filter, within the REST framework."""
    visitor.get("/rest/notes/?stars=3")
    visitor.get("/rest/notes/?stars__gte=3&title__icontains=note")
    visitor.get("/rest/notes/?stars__gte=many")


def spectacular(visitor: Visitor) -> None:
    visitor.get("/rest-schema/")
    visitor.get("/rest-schema/", Accept="application/vnd.oai.openapi+json")
    visitor.get("/rest-docs/")


def allauth(visitor: Visitor) -> None:
    """A person signs up, confirms nothing, logs out and in, and asks for a new password."""
    visitor.get("/accounts/signup/")
    new = {"username": "nina", "email": "nina@apps.test", "password1": "a1b2c3d4e5"}
    visitor.post("/accounts/signup/", {**new, "password2": "other"})
    visitor.post("/accounts/signup/", {**new, "password2": "a1b2c3d4e5"})
    visitor.get("/apps/")
    visitor.get("/accounts/email/")
    visitor.get("/accounts/2fa/")
    visitor.get("/accounts/logout/")
    visitor.post("/accounts/logout/")
    visitor.get("/accounts/login/")
    visitor.post("/accounts/login/", {"login": "nina", "password": "wrong"})
    visitor.post("/accounts/login/", {"login": "nina", "password": "a1b2c3d4e5"})
    visitor.post("/accounts/password/reset/", {"email": "nina@apps.test"})


def debug_toolbar(visitor: Visitor) -> None:
    """Its handle within a page, and a panel fetched by the page's script."""
    times = r"(?s)<style>.*?</style>|\d+(\.\d+)?"  # its figures are of time and of the process
    page = visitor.get("/apps/?toolbar", times)
    found = re.search(r'data-(?:store|request)-id="([^"]+)"', page.text)
    for panel in ("SQLPanel", "HeadersPanel", "RequestPanel"):
        query = f"request_id={found.group(1)}&panel_id={panel}"
        # The environ tells the server, and SQL its times.
        answer = visitor.get(f"/__debug__/render_panel/?{query}", r"(?s).+")
        assert panel != "SQLPanel" or "home_note" in answer.json()["content"]


def silk(visitor: Visitor) -> None:
    """It has recorded what was asked before, and tells as many requests."""
    visitor.get("/silk/requests/", r"\d+(\.\d+)?|(?s:<div class=\"cell.*)")
    visitor.get("/silk/", r"\d+(\.\d+)?|(?s:<div class=\"row.*)")


def compressor(visitor: Visitor) -> None:
    page = visitor.get("/apps/")
    styles = re.search(r'href="(/static/CACHE/[^"]+)"', page.text).group(1)
    visitor.get(styles)
    visitor.get(styles, Accept_Encoding="gzip", Range="bytes=3-9")


def axes(visitor: Visitor) -> None:
    """Three wrong passwords lock; the right one does not help any more."""
    visitor.get("/django-admin/login/")
    for password in ("wrong", "wrong", "wrong", "right"):
        visitor.post("/django-admin/login/", {"username": "axel", "password": password})


def ratelimit(visitor: Visitor) -> None:
    for _ in range(5):
        visitor.get("/apps/limited/")
    visitor.get("/django-admin/login/")
    for key in ("a", "a", "b", "a"):
        visitor.post("/apps/blocked/", headers={"X-Key": key})


def cors_headers(visitor: Visitor) -> None:
    for origin in ("https://friend.test", "https://foe.test"):
        visitor.get("/rest/notes/", Origin=origin)
        asked = {
            "Origin": origin,
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": "x-csrftoken",
        }
        visitor.send("OPTIONS", "/rest/notes/1/", headers=asked)


def htmx(visitor: Visitor) -> None:
    visitor.get("/apps/fragment/")
    own = {"HX_Request": "true", "HX_Target": "main", "HX_Boosted": "true"}
    visitor.get("/apps/fragment/", **own, HX_Current_URL="http://apps.test/?%C3%BC=1")
    visitor.get("/apps/fragment/", **own, Triggering_Event='{"type": "click"}')
    visitor.get("/apps/fragment/?elsewhere", **own)


def ninja(visitor: Visitor) -> None:
    visitor.get("/ninja/openapi.json")
    visitor.send("POST", "/ninja/sum", json={"first": 1})
    visitor.send("POST", "/ninja/sum", json={"first": "one"})
    visitor.send("POST", "/ninja/sum", content=b"{")
    visitor.send("POST", "/ninja/upload", files={"file": ("a.bin", bytes(300_000))})
    visitor.get("/ninja/async?name=J%C3%BCrgen")
    visitor.get("/ninja/nothing")


def prometheus(visitor: Visitor) -> None:
    """As many requests, by view, method and status, as the other site has had."""
    answer = visitor.get("/prometheus/metrics", r"(?s).+")
    for line in sorted(answer.text.splitlines()):
        if line.startswith("django_http_responses_total_by_status_view_method_total"):
            visitor.seen.append((line,))


def simple_history(visitor: Visitor) -> None:
    """Who has changed a note stands in its history."""
    _log_in(visitor)
    visitor.get("/django-admin/home/note/1/change/")
    visitor.post("/django-admin/home/note/1/change/", {"title": "Changed", "stars": "9"})
    visitor.get("/django-admin/home/note/1/history/")


def import_export(visitor: Visitor) -> None:
    """A table goes in by two steps, and comes out."""
    _log_in(visitor)
    visitor.get("/django-admin/home/note/import/")
    table = "id,title,stars\n" + "".join(f",Row {n},{n}\n" for n in range(20))
    files = {"import_file": ("notes.csv", table.encode(), "text/csv")}
    asked = visitor.post("/django-admin/home/note/import/", {"format": "0"}, files=files)
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', asked.text))
    visitor.post("/django-admin/home/note/process_import/", hidden)
    visitor.get("/django-admin/home/note/export/")
    fields = {"format": "0", "resource": "", "noteresource_title": "on"}
    visitor.post("/django-admin/home/note/export/", fields)


def crispy_forms(visitor: Visitor) -> None:
    visitor.get("/apps/contact/")
    visitor.post("/apps/contact/", {"name": "much too long", "mail": "nowhere"})
    files = {"file": ("a.bin", bytes(2_000_000))}
    visitor.post("/apps/contact/", {"name": "Jü", "mail": "j@apps.test"}, files=files)


def csp(visitor: Visitor) -> None:
    """A nonce of its own in the policy of each page, and in the page."""
    pages = [visitor.get("/apps/") for _ in range(2)]
    nonces = [
        re.search(r"'nonce-([^']+)'", page.headers["Content-Security-Policy-Report-Only"]).group(1)
        for page in pages
    ]
    assert nonces[0] != nonces[1]
    assert all(f'nonce="{one}"' in page.text for one, page in zip(nonces, pages, strict=True))


def whitenoise(visitor: Visitor) -> None:
    first = visitor.get("/static/a.css")
    visitor.get("/static/a.css", If_Modified_Since=first.headers["Last-Modified"])
    visitor.get("/static/a.css", Range="bytes=0-3")
    visitor.get("/static/nothing.css")


# Those that look at what was recorded of the others come last.
ALL = (
    *(wagtail, oscar, rest_framework, filter, spectacular, allauth, debug_toolbar, compressor),
    *(axes, ratelimit, cors_headers, htmx, ninja, simple_history, import_export, crispy_forms),
    *(csp, whitenoise, silk, prometheus),
)
