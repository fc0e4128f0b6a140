"""Finding and repairing wrong labels: scores of each image, rankings, repair. NumPy only."""
