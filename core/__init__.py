"""The lab without its pages: the experiment, live runs, the sweep, and what is drawn of them."""
