"""Commands for maintainers: the documentation's tables, measured speeds, training on a borrowed machine.

The app imports none of them.
"""
