"""python -m core ...: one file for each command."""
