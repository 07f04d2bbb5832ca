"""JavaScript: scripts run in V8, in a process of their own, a whole chunk per call.

`script` compiles and runs them, `functions` answers what they ask of the catalogue, `process` keeps the process
with V8, `worker` is that process, and ``runtime.js`` what a script finds there; `searches` and `loops` find the
line of what does not come to an end. Nothing of it is loaded, and no process is started, before a mapping has a
script.
"""
