"""The states of a request (docs/states.md), held against the real scripts by a state machine."""
