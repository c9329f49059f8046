"""Real faults on the real system, and a checker that counts what came of each request."""
