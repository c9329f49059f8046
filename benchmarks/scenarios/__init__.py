"""What a load of ordinary requests does not show; each gives one dict for its own JSON file."""
