"""The images, and what is done to labels and pixels. NumPy only: pages import it."""
