"""The images, and the corruption of labels and pixels. NumPy only, because pages import it."""
