"""Events that come by HTTP: what PostHog's webhook destination posts, and what its SDKs do.

One server in a thread of its own (`server`), one application (`app`) that reads requests within limits and
brings each to a door (`doors`); what the doors take is on disk (`keeping`) before it is answered for. In
front of them stands `intake`, which a `SpoolSource` starts and stops. `forwarding` brings copies to PostHog.
"""
