"""The commands of python -m core, one file each."""
