#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""README.md and README_zh.md say the same, as far as that can be held against each other: the headings, the tables, the lists, the
links, the words in code, and in the blocks every command and everything that a program prints."""
import os
import re
import sys

sys.dont_write_bytecode = True  # no __pycache__ in the tree
here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "manifest"))
import corpus  # noqa: E402
from corpus import TOP, ok  # noqa: E402

OTHER = {"README_zh.md": "README.md"}
CHINESE = re.compile("[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")


def blocks(text):
    """The code blocks: fenced ones, and lines indented by four after an empty line."""
    found, inside, fence = [], [], False
    for before, line in zip([""] + text.splitlines(), text.splitlines() + [""]):
        if line.startswith("```"):
            if fence:
                found.append(inside)
                inside = []
            fence = not fence
        elif fence:
            inside.append(line)
        elif line.startswith("    ") and (inside or not before):
            inside.append(line[4:])
        elif inside and line:
            found.append(inside)
            inside = []
        elif inside:
            inside.append("")
    return [[line for line in block if line] for block in found if any(block)]


def command(line):
    """What both languages share of a line: up to where an explanation begins."""
    return re.split("  +# | # |  +|(?<=\\]) (?=[a-z\u4e00-\u9fff])", line.strip())[0].strip()


def facts(text):
    """Everything that must be the same in both."""
    prose = re.sub(r"(?s)```.*?```", "", text)
    prose = "\n".join(line for line in prose.splitlines() if not line.startswith("    "))
    return {
        "headings": re.findall(r"^#+", prose, re.M),
        "rows of tables": [row.split("|")[1].strip() for row in re.findall(r"^\|.*", prose, re.M) if "`" in row],
        "items of lists": len(re.findall(r"^\* ", prose, re.M)),
        "links": sorted(OTHER.get(link, link) for link in re.findall(r"\]\(([^)]*)\)", prose)),
        "words in code": sorted(re.findall(r"`[^`]+`", prose.replace("\n", " "))),
        "blocks": len(blocks(text)),
    }


def differences(english, chinese):
    a, b = facts(english), facts(chinese)
    found = [f"{what}: {a[what]} and {b[what]}" for what in a if a[what] != b[what]]
    for one, other in zip(blocks(english), blocks(chinese)):
        if len(one) != len(other):
            found.append(f"a block of {len(one)} lines has {len(other)}: {one[0]}")
            continue
        for left, right in zip(one, other):
            # A drawing's words are translated, its commands stand between the lines.
            if "│" in left or "──" in left:
                same = re.findall(r"[│├└─◄►]+|/[a-z0-9/_.]+", left) == re.findall(r"[│├└─◄►]+|/[a-z0-9/_.]+", right)
            elif CHINESE.search(right):
                # Prose inside a block has no command to hold against.
                same = command(left) == command(right) or CHINESE.search(command(right)) is not None
            else:
                same = left == right
            if not same:
                found.append(f"{left}\nand\n{right}")
    return found


def text_of(name):
    return corpus.read(name).decode()


en, zh = text_of("README.md"), text_of("README_zh.md")
found = differences(en, zh)
ok(found == [], "README_zh.md says what README.md says", "\n".join(found))
ok("](README_zh.md)" in en and "](README.md)" in zh, "each leads to the other")
lacking = [link for text in (en, zh) for link in re.findall(r"\]\(([^)#]*)\)", text)
           if not link.startswith("http") and not os.path.exists(os.path.join(TOP, link))]
ok(lacking == [], "every link of both leads to a file", lacking)
prose = [line for line in zh.splitlines() if len(line) > 40 and not line.startswith(("    ", "|", " ", "{", "}", "`", "["))]
ok(all(CHINESE.search(line) for line in prose), "README_zh.md is in Chinese", [one for one in prose if not CHINESE.search(one)])

for what, old, new in (("a heading less", "\n## 清单示例\n", "\n"), ("another command", "    make dist ", "    make disk "),
                       ("a verb less", "    edgeinit reload ", "    edgeinit relaod "), ("an item less", "* 环：", "环："),
                       ("another manifest", '"version": 1', '"version": 2'),
                       ("another answer", "~ sysctl net.ipv4.ip_forward", "~ sysctl net.ipv4.ip_forwards"),
                       ("a link less", "[docs/timeline.md](docs/timeline.md)", "docs/timeline.md"),
                       ("a row less", "| `cfg/edgecore.json`", "`cfg/edgecore.json`"),
                       ("another exit code's verb", "和 `down` 不需要", "和 `status` 不需要")):
    changed = zh.replace(old, new, 1)
    ok(changed != zh and differences(en, changed) != [], "refused: " + what)
corpus.done_testing()
