"""Make the database and print the cookie of a logged-in session: run as a process of its own."""

from datetime import UTC, datetime, timedelta

import django
from django.core.management import call_command

ROWS = 200


def main() -> None:
    """Everything the page view reads."""
    django.setup()
    call_command("migrate", run_syncdb=True, verbosity=0)
    from django.contrib.auth.models import User

    from .models import Article

    user = User.objects.create_user("reader", password=None)
    first = datetime(2026, 1, 1, tzinfo=UTC)
    Article.objects.bulk_create(
        Article(
            title=f"Article {number}",
            summary=f"What article {number} is about, in a few words. " * 6,
            author=user,
            created=first + timedelta(hours=number),
        )
        for number in range(ROWS)
    )
    print(f"sessionid={_log_in(user)}")


def _log_in(user) -> str:
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return session.session_key


if __name__ == "__main__":
    main()
