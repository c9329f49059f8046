"""What is done with DEBUG on and for developers only."""
