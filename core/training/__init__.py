"""One network, or several at once: the only folder that is all torch."""
