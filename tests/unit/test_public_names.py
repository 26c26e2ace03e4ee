"""What the package promises by name."""

import variance_plugin


def test_the_public_names_are_these_and_no_others() -> None:
    """A name that appears or goes is a change that a user notices."""
    assert [
        "Event",
        "InvalidRecord",
        "Metrics",
        "MinimalMeta",
        "Plugin",
        "PluginMeta",
        "Rejection",
        "RetryError",
        "SettingsError",
        "UsageError",
        "VarianceError",
        "VariancePlugin",
        "__version__",
    ] == variance_plugin.__all__


def test_every_public_name_is_there_and_documented() -> None:
    """A star import gives what the list says, and `help` says what each is."""
    for name in variance_plugin.__all__:
        assert getattr(variance_plugin, name).__doc__
