"""The page that shows the queue and lets people act on it."""
