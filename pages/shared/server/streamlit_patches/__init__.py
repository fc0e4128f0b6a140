"""The changes that this app makes to Streamlit 1.67, each with its reason and a canary.

A canary is a test that passes as long as Streamlit needs the patch. When it fails, the patch can
go. After an upgrade of Streamlit, read this folder and run `tests/pages/test_streamlit_*`.

message_order   replaces the queue class of a session: reruns of fragments lose messages
downloads       replaces the manager of files: a downloaded file is removed before it is fetched
disconnects     middleware: a browser that disconnects mid-send leaves a traceback
.streamlit/config.toml, postScriptGC = false
                Streamlit collects all garbage after every run of a script: 80 ms and more here

Workarounds that do not change Streamlit are explained where they are.
"""
