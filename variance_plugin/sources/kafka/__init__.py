"""Kafka: PostHog's topic as a source, and topics that this program writes to. Needs confluent-kafka.

In the order in which a record passes through: `member` reads it in a thread of its own, `handover` passes it
on, `source` gives it, `given` knows how far each partition is done with, `member` commits that.
`subscription`, `start` and `access` say what is read where, `hearing` and `words` what brokers object to.
"""
