"""Compares how fronts classify paths with what Django finds there, for whole URLconfs."""
