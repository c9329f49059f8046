"""Other people's apps, served plainly and through the queue: `make apps`."""
