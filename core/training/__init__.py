"""Training of one network or of several at once, in torch."""
