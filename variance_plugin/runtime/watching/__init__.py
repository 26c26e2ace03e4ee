"""What is seen of a runner from outside: counts, metrics, logs, health, and what it tells PostHog."""
