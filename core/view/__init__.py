"""Charts and sentences made from records. Pages import it, so it must not import torch."""
