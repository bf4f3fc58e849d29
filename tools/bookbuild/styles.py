"""One style sheet for all pages, with those rules of the theme's that a page or a script can use.

The theme brings ten sheets of 560 kB: all of Bootstrap, two thousand icons, boxes of every kind.
A browser reads and matches them all before it shows a letter. Of these, a rule stays when every
class, id and element that it needs occurs in a tag of some page or anywhere in a script, whole or
in parts that the script puts together. Icons come from fonts of 270 kB; the few that are used
travel in the sheet itself.
"""

import base64
import hashlib
import io
import os
import pathlib
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from fontTools import subset

from bookbuild import css, formulas, paths, search

STATIC, NAME = "_static", "pages.css"

# Of the site itself, for any medium. The sheet of formulas is mostly a font, for some pages only.
_LINK = re.compile(
    rf'<link\b(?![^>]*(?:\bmedia=|\bhref="(?:\w+:|//|[^"]*/{re.escape(formulas.SHEET)})))'
    r'[^>]*\brel="stylesheet"[^>]*>\s*'
)
_HREF = re.compile(r'\bhref="([^"?]*)')
_SCRIPT = re.compile(r"<script\b([^>]*)>(.*?)</script>", re.DOTALL)
_SOURCE = re.compile(r'\bsrc="([^"?]*)')
_TAG = re.compile(r"""<([a-zA-Z][\w-]*)((?:[^>"']|"[^"]*"|'[^']*')*)>""")
_NAMED = re.compile(r"""\b(?:class|id)=(?:"([^"]*)"|'([^']*)'|([^\s>]+))""")
# In scripts that were made small, variables have names of one or two letters.
_SCRIPT_WORD = re.compile(r"""[\w-]{3,}|(?<=["'`])[\w-]+(?=["'`])""")

_URL = re.compile(r"""url\((["']?)(?!["']|data:|#|/|\w+:)([^"')]+)\1\)""")
_IMPORT = re.compile(r'@import\s+(?:url\()?"([^"]+)"\)?\s*;')
_GROUP = re.compile(r"@(?:container|layer|media|supports)\b")
_KEYFRAMES = re.compile(r"@(?:-\w+-)?keyframes\s+([\w-]+)")

# What a selector needs: classes and ids, and elements, which nothing stands before.
_NEEDED = re.compile(r"(?<![\w:.#-])[.#]?-?[a-zA-Z_](?:[\w-]|\\.)*|[.#](?:[\w-]|\\.)+")
_CLASS_HOLDS = re.compile(r"""\[(?:class|id)[*^$~|]?=["']?([^"'\]]+)["']?\]""")
_WORD = re.compile(r"[\w-]+")
_VARIABLE = re.compile(r"--[a-zA-Z][\w-]*")

# Browsers drop a rule for one selector that they do not know, such as another's own.
_ONE_BROWSERS = re.compile(r":-(?:webkit|moz|ms|o)-")

_ICON_FONT = re.compile(r'@font-face\{[^}]*url\("([^"]*/fontawesome/[^"]*\.ttf)"\)[^}]*\}')
_ESCAPE = re.compile(r"\\([0-9a-fA-F]{2,6})")


def write(checkout: paths.Checkout) -> None:
    """Write the sheet, and let every page load it in place of the sheets that it is made of.

    Raises:
        ValueError: when a page names a sheet that is not in the site, or one that is malformed.
    """
    pages = {
        path: path.read_text(encoding="utf-8")
        for path in sorted(checkout.html.rglob("*.html"))
        if STATIC not in path.relative_to(checkout.html).parts
    }
    target = checkout.html / STATIC / NAME
    names = named(pages, target)
    if not names:
        return
    made = f"/* {' '.join(names)} */\n{joined(names, target.parent, words(pages))}\n"
    if not target.is_file() or target.read_text(encoding="utf-8") != made:
        target.write_text(made, encoding="utf-8")
    version = hashlib.sha256(made.encode()).hexdigest()[:8]
    for path, page in pages.items():
        linked = with_link(page, version)
        if linked != page:
            path.write_text(linked, encoding="utf-8")


def named(pages: Mapping[pathlib.Path, str], target: pathlib.Path) -> list[str]:
    """The sheets that pages load, in their order, as seen from the folder of static files.

    Args:
        pages: texts of built pages, by their files.
        target: the one sheet. For pages of an earlier build, which load it, its first line tells.
    """
    found: dict[str, None] = {}
    for path, page in pages.items():
        for link in _LINK.findall(page):
            sheet = path.parent / _HREF.search(link)[1]
            found[pathlib.Path(os.path.relpath(sheet, target.parent)).as_posix()] = None
    if NAME in found and target.is_file():
        first, _, _ = target.read_text(encoding="utf-8").partition("\n")
        before = first.removeprefix("/* ").removesuffix(" */").split()
        found = dict.fromkeys(before) | found
    found.pop(NAME, None)
    return list(found)


def with_link(page: str, version: str) -> str:
    """A page that loads the one sheet where it loaded its first."""
    links = _LINK.findall(page)
    if not links:
        return page
    folder, _, _ = _HREF.search(links[0])[1].rpartition(f"{STATIC}/")
    link = f'<link rel="stylesheet" href="{folder}{STATIC}/{NAME}?v={version}" />\n'
    first = page.index(links[0])
    return page[:first] + link + _LINK.sub("", page[first:])


def words(pages: Mapping[pathlib.Path, str]) -> set[str]:
    """What may name an element, a class, an id or a variable: in a tag, or anywhere in a script.

    Args:
        pages: texts of built pages, by their files; scripts are found from there.
    """
    found: set[str] = set()
    scripts: set[pathlib.Path] = set()
    for path, page in pages.items():
        found.update(_VARIABLE.findall(page))
        for tag, attributes in _TAG.findall(page):
            found.add(tag.lower())
            for quoted in _NAMED.findall(attributes):
                found.update("".join(quoted).split())
        for attributes, body in _SCRIPT.findall(page):
            found.update(_SCRIPT_WORD.findall(body))
            source = _SOURCE.search(attributes)
            # What the search looks through is all prose, and is not yet written.
            if source and not source[1].endswith(f"/{search.FILE}"):
                scripts.add((path.parent / source[1]).resolve())
    for script in filter(pathlib.Path.is_file, scripts):
        found.update(_SCRIPT_WORD.findall(script.read_text(encoding="utf-8")))
    return found


def joined(names: Sequence[str], static: pathlib.Path, known: set[str]) -> str:
    """The rules of some sheets that can apply, as one sheet in the folder of static files.

    Args:
        names: the sheets, as seen from that folder, in the order in which pages load them.
        static: the folder.
        known: names of elements, classes and ids that may occur.

    Raises:
        ValueError: when a sheet is missing or malformed.
    """
    names_known = Names(known)
    text = "".join(_read(static / name, static) for name in names)
    text = "".join(_rules(text, names_known.can_match))
    # Then variables and animations that nothing which is left refers to.
    used = re.sub(rf"--[\w-]+(?=:)|{_KEYFRAMES.pattern}", "", text)
    referred = known.union(_WORD.findall(used))
    text = "".join(_rules(text, lambda selector: True, lambda name: name in referred))
    return _with_few_icons(text, static)


def _read(sheet: pathlib.Path, static: pathlib.Path) -> str:
    """A sheet with what it imports; addresses in it are as seen from the folder of static files."""
    try:
        text = sheet.read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"pages load the style sheet {sheet}, which cannot be read") from error
    folder = pathlib.Path(os.path.relpath(sheet.parent, static)).as_posix()
    text = _URL.sub(
        lambda found: f'url("{posixpath.normpath(posixpath.join(folder, found[2]))}")', text
    )
    return _IMPORT.sub(lambda found: _read(sheet.parent / found[1], static), text)


def _rules(
    text: str, matches: Callable[[str], bool], referred: Callable[[str], bool] = lambda name: True
) -> Iterator[str]:
    """The rules that can apply.

    Args:
        text: a sheet, or the content of a group of rules.
        matches: whether a selector may match something.
        referred: whether something refers to a variable, or to an animation.
    """
    for rule in css.rules(text):
        prelude, content = rule.prelude, rule.content
        if content is None:
            if prelude.startswith("@import"):
                raise ValueError(f"a style sheet imports another in a form not known: {prelude}")
            if not prelude.startswith("@charset"):  # ours is UTF-8, like its pages
                yield f"{prelude};"
            continue
        if _GROUP.match(prelude):
            content = "".join(_rules(content, matches, referred))
        elif prelude.startswith("@"):
            animation = _KEYFRAMES.match(prelude)
            content = content if animation is None or referred(animation[1]) else ""
        else:
            selectors = css.split(prelude, ",")
            matching = [one for one in selectors if matches(one)]
            if not (matching and _ONE_BROWSERS.search(prelude)):
                prelude = ",".join(matching)
            declared = css.split(content, ";")
            content = ";".join(
                one
                for one in declared
                if one[:2] != "--" or referred(one.partition(":")[0].strip())
            )
        if prelude and content:
            yield f"{prelude}{{{content}}}"


class Names:
    """Names of elements, classes and ids that may occur, also where a script makes them of parts.

    Scripts write ``${NAME}-maps`` and ``bs-${kind}-auto``: whatever ends with ``-maps`` may occur,
    and whatever begins with ``bs-``.
    """

    def __init__(self, known: set[str]) -> None:
        self.known = known
        self.every = "\n".join(sorted(known))
        self.starts = tuple(name for name in known if re.fullmatch(r"\w[\w-]+-", name))
        self.ends = tuple(name for name in known if re.fullmatch(r"-[a-zA-Z_][\w-]+", name))

    def holds(self, name: str) -> bool:
        """Whether a name may occur: ``.class``, ``#id`` or ``element``."""
        bare = name.lstrip(".#")
        if bare == name:
            return name.lower() in self.known
        return bare in self.known or bare.startswith(self.starts) or bare.endswith(self.ends)

    def can_match(self, selector: str) -> bool:
        """Whether all classes, ids and elements that a selector needs may occur.

        Of what stands in brackets, classes are looked at: ``[class*=icon-]`` needs a name that
        holds these letters. What stands in parentheses, as in ``:not(...)``, is passed over.

        Args:
            selector: one, without a comma.
        """
        held = (word for part in _CLASS_HOLDS.findall(selector) for word in part.split())
        if any(word not in self.every for word in held):
            return False
        outside = re.sub(r"\[[^\]]*\]", "", selector)
        while "(" in outside:
            outside, before = re.sub(r"\([^()]*\)", "", outside), outside
            if outside == before:
                return True  # a parenthesis in a string: leave it alone
        if _ESCAPE.search(outside):
            return True  # a name with a letter's number in it
        needed = (re.sub(r"\\(.)", r"\1", name) for name in _NEEDED.findall(outside))
        return all(map(self.holds, needed))


def _with_few_icons(text: str, static: pathlib.Path) -> str:
    """A sheet whose icon fonts hold only what it asks for, in the sheet itself."""
    # In Unicode's private area, where icons are, letters may also stand as they are.
    wanted = {int(code, 16) for code in _ESCAPE.findall(text)}
    wanted |= {ord(letter) for letter in text if "\ue000" <= letter <= "\uf8ff"}

    def with_subset(rule: re.Match[str]) -> str:
        font = font_subset(static / rule[1], wanted)
        if font is None:
            return ""
        address = f"data:font/woff;base64,{base64.b64encode(font).decode()}"
        return re.sub(r"src:[^;}]*", lambda _: f'src:url({address}) format("woff")', rule[0])

    return _ICON_FONT.sub(with_subset, text)


def font_subset(path: pathlib.Path, characters: set[int]) -> bytes | None:
    """A font with only some characters, as WOFF; None where it has none of them.

    Args:
        path: a TrueType font.
        characters: their numbers in Unicode.
    """
    options = subset.Options(flavor="woff", hinting=False, layout_features=[], name_IDs=[])
    with subset.load_font(path, options) as font:
        if characters.isdisjoint(font.getBestCmap()):
            return None
        chosen = subset.Subsetter(options)
        chosen.populate(unicodes=characters)
        chosen.subset(font)
        written = io.BytesIO()
        subset.save_font(font, written, options)
    return written.getvalue()
