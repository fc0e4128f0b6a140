"""How wrong labels are noticed and mended: what is known of each image, rankings, repair. NumPy only."""
