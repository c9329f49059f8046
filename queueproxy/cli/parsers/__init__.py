"""The command line of ``manage.py queueproxy``: words and options of its verbs, and no more.

What a verb does is imported when it runs. A command runs one of thirty, and most of its time went
into importing the others.
"""
