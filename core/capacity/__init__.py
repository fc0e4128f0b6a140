"""What labels a network, or none, can fit by construction: no training, no torch."""
