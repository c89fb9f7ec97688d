"""What the bridge may ask of the lists that it reads."""

from ..const import MAX_LEADS


def may_ask(filters, kinds, page, size):
    """Return whether ``filters`` are of ``kinds`` (key -> type) and there is such a page.

    Lists hold texts; a boolean is no integer.
    """
    return (
        isinstance(filters, dict)
        and all(key in kinds and type(value) is kinds[key] for key, value in filters.items())
        and all(
            isinstance(text, str)
            for value in filters.values()
            if isinstance(value, list)
            for text in value
        )
        and type(page) is type(size) is int
        and page >= 1
        and 1 <= size <= MAX_LEADS
    )
