"""Pages whose tables the build writes: a marker in the page's prose says where."""


def insert(template: str, marker: str, text: str, *, page: str) -> str:
    """The page with a text in place of its marker.

    Args:
        template: the page's prose.
        marker: what stands there instead.
        text: takes the marker's place.
        page: the page's name, for the message.

    Raises:
        ValueError: when the marker is not there exactly once.
    """
    if template.count(marker) != 1:
        raise ValueError(
            f"{page} holds the marker {marker!r} {template.count(marker)} times; expected once"
        )
    return template.replace(marker, text)
