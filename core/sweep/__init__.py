"""The runs computed in advance, and the numbers of the paper beside them."""
