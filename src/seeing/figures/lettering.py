"""The lettering of a figure: a reader's own words, such as class names, appear as they are written.

Matplotlib takes what stands between two dollar signs for mathematics, leaves a label that starts
with an underscore out of a legend, and draws a box for a character that its font does not have.

Explained on the page *The Command Line*.
"""

import re
import unicodedata
import warnings
from collections.abc import Sequence

import matplotlib as mpl
from matplotlib import font_manager

# Fonts with outlines for Chinese, Japanese and Korean, and for emoji, as Linux, Windows and macOS
# have them. Matplotlib cannot draw the colored emoji fonts, which are made of pixels.
FALLBACK_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "Droid Sans Fallback",
    "Microsoft YaHei",
    "SimHei",
    "Yu Gothic",
    "Meiryo",
    "Malgun Gothic",
    "PingFang SC",
    "Hiragino Sans",
    "Hiragino Sans GB",
    "Heiti TC",
    "Apple SD Gothic Neo",
    "Arial Unicode MS",
    "Noto Emoji",
    "Segoe UI Emoji",
    "Segoe UI Symbol",
    "Symbola",
)

LENGTH = 40  # characters


def families() -> list[str]:
    """Matplotlib's present font families and, after them, what is installed of the fallbacks.

    For each character Matplotlib takes the first font that has it.
    """
    present = list(mpl.rcParams["font.family"])
    installed = {font.name for font in font_manager.fontManager.ttflist}
    return present + [name for name in FALLBACK_FONTS if name in installed and name not in present]


def shown(text: str, length: int = LENGTH) -> str:
    r"""What to hand to Matplotlib, so that it draws a text as it is written, in one line.

    Args:
        text: any text, such as a class's name.
        length: characters at most; of a longer text the beginning and the end are shown.

    Returns:
        The text, with ``$`` as ``\$``. Control characters stand as Python writes them, such as
        ``\n``. A character that none of the present fonts has stands as its name or its code, such
        as ``[tulip]`` or ``[U+73AB]``, and a warning says so.
    """
    text = "".join(map(_visible, str(text)))
    missing = _missing(text)
    if missing:
        text = re.sub(f"[{re.escape(missing)}]+", lambda run: _named(run.group()), text)
        warnings.warn(
            f"no font for {missing}, drawn as {_named(missing)}: install one that has it, such as "
            "Noto Sans CJK or Noto Emoji",
            stacklevel=2,
        )
    text = _shortened(text, length)
    if text.startswith("_"):
        text = "\N{ZERO WIDTH SPACE}" + text
    return text.replace("$", r"\$") if mpl.rcParams["text.parse_math"] else text


def shown_each(texts: Sequence[str], length: int = LENGTH) -> list[str]:
    """:func:`shown` for each of several texts."""
    return [shown(text, length) for text in texts]


def shown_lines(text: str, length: int = LENGTH) -> str:
    """:func:`shown` for each line of a text of several lines."""
    return "\n".join(shown_each(str(text).split("\n"), length))


def _visible(character: str) -> str:
    """A character, or how Python writes it, where it is a control or no character at all."""
    if unicodedata.category(character) in ("Cc", "Cs"):
        return character.encode("unicode_escape").decode("ascii")
    return character


def _missing(text: str) -> str:
    """The characters of a text that no present font has, each once, in their order."""
    if text.isascii():
        return ""
    fonts = []
    for family in mpl.rcParams["font.family"]:
        properties = font_manager.FontProperties(family=[family])
        fonts.append(font_manager.get_font(font_manager.findfont(properties)))
    return "".join(
        character
        for character in dict.fromkeys(text)
        if not any(font.get_char_index(ord(character)) for font in fonts)
    )


def _named(characters: str) -> str:
    """Characters by their names or codes; those that only change others have no shape to name."""
    spoken = [
        unicodedata.name(character).lower()
        if unicodedata.category(character) == "So"
        else f"U+{ord(character):04X}"
        for character in characters
        if unicodedata.category(character) not in ("Cf", "Mn")
    ]
    return f"[{' '.join(spoken)}]" if spoken else ""


def _shortened(text: str, length: int) -> str:
    if len(text) <= length:
        return text
    end = length // 3
    return f"{text[: length - end - 1]}…{text[len(text) - end :]}"
