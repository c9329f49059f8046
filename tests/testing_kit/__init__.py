"""`queueproxy.testing`, as a stranger's project uses it."""
