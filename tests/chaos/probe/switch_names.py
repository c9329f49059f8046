"""The names of the switches; importable without Django."""

SWITCH_NAMES = ("never_again", "fence", "withdraw", "id_check")
