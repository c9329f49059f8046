"""The same site served plainly and through the queue: what clients get must be equal."""
