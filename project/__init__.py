"""The example site: a small, ordinary Django project behind queueproxy."""
