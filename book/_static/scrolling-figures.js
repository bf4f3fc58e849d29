// On a phone, wide figures are scrolled sideways: the keyboard must reach those that are. A classic
// script, since a browser loads no module from the disk.
"use strict";

{
  const figures = document.querySelectorAll("article figure:has(img[class*='seeing-least-'])");

  function reach() {
    for (const figure of figures) {
      if (figure.scrollWidth > figure.clientWidth) figure.tabIndex = 0;
      else figure.removeAttribute("tabindex");
    }
  }

  addEventListener("load", reach);
  addEventListener("resize", reach);
  reach();
}
