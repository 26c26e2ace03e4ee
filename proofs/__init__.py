"""Nothing lost, nothing silent: shown with real processes that are killed, and an endpoint that fails.

`python -m proofs` runs the long ones and prints their figures; the tests run each of them small.
`docs/reliability.md` says what each figure means.
"""
