"""Where Chromium is, and how it is started without a screen."""

import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome")

# It runs as root in CI, without a graphics card, and has nothing to ask of anybody.
OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)

MISSING = "Chromium is not installed (Debian: apt-get install chromium)"


def find() -> str | None:
    """The program's path; None where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)
