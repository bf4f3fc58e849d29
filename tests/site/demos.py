"""What the tests of the page's demos share."""

import json
import pathlib
from typing import Any

from playwright import sync_api


def exported(html: pathlib.Path, name: str) -> dict[str, Any]:
    """What a chapter wrote for a demo."""
    return json.loads((html / "_static/data" / name).read_text(encoding="utf-8"))


def of_demo(page: sync_api.Page, demo: str, name: str) -> Any:
    """A property of the page's demo."""
    return page.evaluate(f"document.querySelector('{demo}').{name}")


def set_slider(page: sync_api.Page, label: str, value: float) -> None:
    """Move a slider as a pointer does, to a value."""
    page.get_by_label(label).evaluate(
        "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }",
        value,
    )


def text_without_javascript(browser: sync_api.Browser, address: str, demo: str) -> str:
    """What stands in a demo's place where no script runs."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    text = page.locator(demo).inner_text()
    context.close()
    return text
