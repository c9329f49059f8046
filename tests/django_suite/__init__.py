"""Django's own tests, with every request of its test client sent over our wire."""
