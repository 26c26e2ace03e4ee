"""What every table of the settings has in common."""

from pydantic import ConfigDict

# An unknown key is a slip of the pen; what stands below an attribute is what editors show of it.
STRICT = ConfigDict(extra="forbid", use_attribute_docstrings=True)
