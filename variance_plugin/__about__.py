"""Name and version, each written down once; the build reads the version from here."""

NAME = "posthog-variance-plugin"
__version__ = "2.0.0"
