"""The site that every candidate serves: the same views under the same settings."""
