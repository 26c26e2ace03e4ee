"""How fast each source is: the same events into the same sink, each source in a process of its own.

`python -m benchmarks.sources` measures and prints. A module here prepares one source: it puts the events
where the source finds them, and says with which settings the runner reads them to the end.
"""
