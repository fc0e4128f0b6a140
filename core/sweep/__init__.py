"""The precomputed runs of the sweep, and their comparison with the paper's numbers."""
