"""Altair charts. One quantity, one colour; one network, one mark.

Errors and shares are fractions in the data and per cent on the axes. Domains are fixed
by the run's settings, never by its data: a chart that is redrawn every second must not
change its specification, or it flickers.
"""
