"""A queue between your clients and your Django site."""

__version__ = "0.1.0"
