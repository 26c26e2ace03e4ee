"""The words PostHog shows for an `$autocapture` event: `clicked button with text "Buy"`."""

import re
from typing import Any

from .given import Given

# PostHog/posthog, frontend/src/lib/utils/events.ts; the last ones are of its mobile SDKs.
_VERBS = {
    "click": "clicked",
    "change": "changed",
    "submit": "submitted",
    "touch": "touched a",
    "value_changed": "changed value in",
    "toggle": "toggled",
    "menu_action": "pressed menu",
    "swipe": "swiped",
    "pinch": "pinched",
    "pan": "panned",
    "rotation": "rotated",
    "long_press": "long pressed",
    "scroll": "scrolled in",
}
_TAGS = {"a": "link", "img": "image"}

# PostHog/posthog, nodejs/src/common/utils/elements-chain.ts: elements are joined by `;`, the clicked one
# first; an element is `tag.class:key="value"…` with `\"` inside values.
_FIRST_ELEMENT = re.compile(r'(?:[^;"]|"(?:[^"\\]|\\.)*")*')
_TAG = re.compile(r"[^.:]+")
_ATTRIBUTE = re.compile(r'([^:;"\s=]{1,200}+)="((?:[^"\\]|\\.)*)"')


def autocapture_words(given: Given) -> str:
    """Verb, element and text, as PostHog's own event list has them."""
    type_ = given.known.event_type
    verb = _VERBS.get(type_, "interacted with") if isinstance(type_, str) else "interacted with"
    tag, text, label = _element(given)
    words = f"{verb} {_TAGS.get(tag, tag) if tag else 'element'}"
    text = given.known.el_text or text
    if isinstance(text, str) and text:
        return f'{words} with text "{text}"'
    return f'{words} with aria label "{label}"' if isinstance(label, str) and label else words


def _element(given: Given) -> tuple[str | None, Any, Any]:
    """Tag, text and aria label of the element that was clicked, from whichever field has it."""
    chain = given.elements_chain or given.known.elements_chain
    if isinstance(chain, str) and chain:
        first = _FIRST_ELEMENT.match(chain.replace("\n", "").replace("\\n", ""))
        element = first[0] if first else ""
        tag = _TAG.match(element)
        attributes = {key: value.replace('\\"', '"') for key, value in _ATTRIBUTE.findall(element)}
        return tag[0] if tag else None, attributes.get("text"), attributes.get("attr__aria-label")
    elements = given.known.elements
    if isinstance(elements, list) and elements and isinstance(elements[0], dict):
        clicked = elements[0]
        tag_name = clicked.get("tag_name")
        text = clicked.get("$el_text", clicked.get("text"))
        return tag_name if isinstance(tag_name, str) else None, text, clicked.get("attr__aria-label")
    return None, None, None
