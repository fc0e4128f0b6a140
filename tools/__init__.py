"""Commands for maintainers: the documentation's tables, measured speeds, borrowed machines.

The app imports none of them.
"""
