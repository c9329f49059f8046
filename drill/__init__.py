"""The drill: a site is upgraded twice and meets two bad releases, while users click on.

``python -m drill`` (or ``make drill``) starts a front, a database, a broker and workers, all of
them real processes of this machine, and tells what the users get, second by second. At the end the
database is asked what was run: nothing may be missing, nothing there twice, nobody told an error
but by the release that fails. Then the same is played on plain gunicorn, for contrast.
"""
