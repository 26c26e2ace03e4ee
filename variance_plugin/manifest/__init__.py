"""`plugin.json`: what a plugin is called, where its code is, and which parameters it takes.

The format is PostHog's (posthog.com/docs/apps/build/reference, "plugin.json file"; `PluginConfigSchema` of
@posthog/plugin-scaffold). `model` says what there is, `reading` reads it from a text, `values` applies it
to what a user gave.
"""

from .likeness import nearest
from .model import Condition, Manifest, Parameter, ParameterType
from .reading import load_manifest

__all__ = ["Condition", "Manifest", "Parameter", "ParameterType", "load_manifest", "nearest"]
