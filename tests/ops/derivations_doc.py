"""Reads `docs/derivations.md`: its results, its links, its mathematics.

`python -m tests.ops.derivations_doc` points the links to the lines where the definitions stand now.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

DOC = Path(__file__).resolve().parents[2] / "docs" / "derivations.md"
LINK = re.compile(r"\[`(?P<name>\w+)`\]\((?P<path>[^)#]+)#L(?P<line>\d+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"\$`(.*?)`\$")
# A result: a block with its tag, and below it what it is linked to.
RESULT = re.compile(
    r"\\tag\{(?P<tag>D\d+)\}\n```\n\n\*\*(?P<number>D\d+)\*\* · report (?P<report>[^·]+?) "
    r"· code (?P<code>[^·]+?)\s· test (?P<test>.+)"
)
MARKED = re.compile(r"\\tag\{|^\*\*D\d+\*\*", re.MULTILINE)
# What GitHub's MathJax, or its Markdown, does not take.
REFUSED = re.compile(r"\\(newcommand|hspace|def|operatorname|label|begin\{(split|align)\*?\})|\$")


class Result(NamedTuple):
    """One numbered result: where it is in the report, the code and the tests."""

    number: str
    report: str
    code: list[str]
    test: list[str]


def results(text: str) -> list[Result]:
    """The numbered results in order.

    Raises:
        ValueError: a tag without its line of links, a line without its tag, or two numbers.
    """
    found = []
    for match in RESULT.finditer(text):
        if match["tag"] != match["number"]:
            raise ValueError(f"the block tagged {match['tag']} is followed by {match['number']}")
        code, test = ([m["name"] for m in LINK.finditer(match[part])] for part in ("code", "test"))
        found.append(Result(match["number"], match["report"], code, test))
    if 2 * len(found) != len(MARKED.findall(text)):
        raise ValueError("a tagged block lacks its line '**D1** · report … · code … · test …'")
    return found


def number_of(test: str) -> int:
    """12 for `test_d12_softmax_shift`."""
    return int(test.removeprefix("test_d").partition("_")[0])


def report_numbers(report: str) -> Iterator[int]:
    """The equations that `4–11, 45` names; none for `–` and `1.1 c`."""
    for part in report.split(", "):
        if re.fullmatch(r"\d+(–\d+)?", part):
            first, _, last = part.partition("–")
            yield from range(int(first), int(last or first) + 1)


def definition(path: str, name: str) -> int | None:
    """The line in which a file that the page links to defines a name; None if there is none."""
    file = (DOC.parent / path).resolve()
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if re.match(rf"\s*(def|class) {name}\b", line):
            return number
    return None


def broken_links(text: str) -> list[str]:
    """Links that do not point to the line `def name`."""
    complaints = []
    for link in LINK.finditer(text):
        where = f"{link['path']}#L{link['line']}"
        if not (DOC.parent / link["path"]).is_file():
            complaints.append(f"{where}: there is no such file")
        elif (line := definition(link["path"], link["name"])) is None:
            complaints.append(f"{where}: the file does not define {link['name']}")
        elif line != int(link["line"]):
            complaints.append(f"{where}: {link['name']} is defined in line {line}")
    return complaints


def relinked(text: str) -> str:
    """The page with its links pointing to the lines where the definitions stand."""

    def renew(link: re.Match[str]) -> str:
        line = definition(link["path"], link["name"]) or link["line"]
        return f"[`{link['name']}`]({link['path']}#L{line})"

    return LINK.sub(renew, text)


def unreadable(text: str) -> list[str]:
    """Mathematics that GitHub would not show, and lines that are too long."""
    prose = FENCE.sub("", text)
    spans = [match[2] for match in FENCE.finditer(text) if match[1] == "math"]
    complaints = [f"a stray dollar: {line}" for line in INLINE.sub("", prose).splitlines()
                  if "$" in line]  # fmt: skip
    for span in INLINE.finditer(prose):
        around = prose[span.start() - 1] + prose[span.end()]
        if re.search(r"[\w$-]", around):
            complaints.append(f"GitHub wants space or punctuation around: {span[0]}")
        spans.append(span[1])
    for span_text in spans:
        braces = re.sub(r"\\[{}]", "", span_text)
        if braces.count("{") != braces.count("}"):
            complaints.append(f"unbalanced braces: {span_text}")
        if span_text.count(r"\left") != span_text.count(r"\right"):
            complaints.append(f"unbalanced \\left and \\right: {span_text}")
        if refused := REFUSED.search(span_text):
            complaints.append(f"GitHub does not take {refused[0]}: {span_text}")
    complaints += [
        f"{len(line)} columns: {line}"
        for line in text.splitlines()
        if len(line) > 120 and not line.startswith("|") and not LINK.search(line)
    ]
    return complaints


def example(text: str) -> str:
    """The page's Python."""
    (code,) = (match[2] for match in FENCE.finditer(text) if match[1] == "python")
    return code


# Ways to spoil the page: what to replace, by what, and what must be said about it.
SPOILT = [
    ("../tinygrad_lite/engine.py#L", "../tinygrad_lite/engin.py#L", "there is no such file"),
    ("[`relu`]", "[`rely`]", "the file does not define rely"),
    ("elementwise.py#L", "elementwise.py#L1", "log is defined in line"),
    (r"\tag{D1}", r"\newcommand{\tag{D1}", "GitHub does not take \\newcommand"),
    (r"\tag{D1}", r"\tag{D1}}", "unbalanced braces"),
    ("```\n\n**D1**", "```\n\n$x$ **D1**", "a stray dollar"),
    ("$`W`$ is", "$`W`$is", "space or punctuation"),
    ("# Derivations", "# Derivations" * 10, "columns"),
]


if __name__ == "__main__":
    DOC.write_text(relinked(DOC.read_text(encoding="utf-8")), encoding="utf-8")
    sys.exit("\n".join(broken_links(DOC.read_text(encoding="utf-8"))))
