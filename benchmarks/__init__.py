"""How fast events go through, beside the least a Python program must do and beside connector 1.0.0.

`python -m benchmarks` measures and prints; `docs/performance.md` says what each figure means.
"""
