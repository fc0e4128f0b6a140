"""What this app changes in Streamlit 1.67, each with its reason and a canary.

A canary is a test that passes as long as Streamlit needs the patch; the day it fails, the patch
can go. After an upgrade of Streamlit, read this folder and run `tests/pages/test_streamlit_*`.

message_order   replaces the class of a session's queue: reruns of fragments lose messages
disconnects     middleware: a browser that leaves while it is being sent to leaves a traceback
.streamlit/config.toml, postScriptGC = false
                Streamlit collects all garbage after every run of a script, 80 ms and more here

Settings of our own that work around behavior without changing it are explained where they are.
"""
