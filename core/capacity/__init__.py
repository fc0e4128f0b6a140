"""Capacity: labels that a network, or a kernel, can fit by construction. No training, no torch."""
