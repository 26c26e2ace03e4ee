"""The query of an address, as a browser sees it."""

import can_ada


def url_search(url: str) -> str | None:
    """`URL.search` of the WHATWG standard: the query with its `?`, or empty; None for no absolute address."""
    try:
        return str(can_ada.parse(url).search)
    except ValueError:
        return None
    except TypeError:  # a lone surrogate, in place of which a browser reads U+FFFD
        return url_search(url.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
