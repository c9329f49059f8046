"""Faults at chosen places, as real processes meet them. QUEUEPROXY_FAULT_ROUNDS repeats them."""
