#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""hisysevent.yaml keeps the rules by which the image's build judges it, each of which is broken here once; and it, event.c and
docs/parameters.md name the same events, types and parameters. Likewise the parameters' names and what .para and .para.dac say."""
import copy
import os
import re
import sys

sys.dont_write_bytecode = True
here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(here, "..", "manifest")]
import corpus  # noqa: E402
from corpus import ok  # noqa: E402

os.chdir(os.path.join(here, "..", ".."))

KINDS = ["BOOL", "INT8", "UINT8", "INT16", "UINT16", "INT32", "UINT32", "INT64", "UINT64", "FLOAT", "DOUBLE", "STRING"]
TYPES = ["FAULT", "STATISTIC", "SECURITY", "BEHAVIOR"]


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def name_problems(what, name, longest):
    if not isinstance(name, str) or not re.fullmatch(r"[A-Z][A-Z0-9_]*", name) or len(name) > longest:
        yield f"{what} {name}: 1 to {longest} of A-Z, 0-9 and _, a letter first"


def text_problems(what, value):
    if not isinstance(value, str) or not 3 <= len(value) <= 128:
        yield f"{what}: desc has 3 to 128 characters"


def base_problems(event, base):
    unknown = set(base) - {"type", "level", "tag", "desc", "preserve"}
    if unknown:
        yield f"{event}: __BASE knows no {', '.join(sorted(unknown))}"
    if base.get("type") not in TYPES:
        yield f"{event}: type is one of {', '.join(TYPES)}"
    if base.get("level") not in ("CRITICAL", "MINOR"):
        yield f"{event}: level is CRITICAL or MINOR"
    tags = str(base.get("tag", "x")).split(" ")
    if len(tags) > 5 or any(not re.fullmatch(r"[A-Za-z0-9]{1,16}", tag) for tag in tags):
        yield f"{event}: at most 5 tags of 1 to 16 letters and digits"
    if not isinstance(base.get("preserve", True), bool):
        yield f"{event}: preserve is true or false"
    yield from text_problems(event, base.get("desc"))


def problems(root):
    """By the documents of the releases ("HiSysEvent Logging Configuration"): the stricter one where they differ."""
    root = dict(root)
    yield from name_problems("domain", root.pop("domain", None), 16)
    if len(root) > 4096:
        yield "more than 4096 events"
    for event, fields in root.items():
        yield from name_problems("event", event, 32)
        fields = dict(fields)
        base = fields.pop("__BASE", None)
        if base is None:
            yield f"{event}: lacks __BASE"
            continue
        yield from base_problems(event, base)
        if len(fields) > 128:
            yield f"{event}: more than 128 parameters"
        for field, about in fields.items():
            yield from name_problems("parameter", field, 32)
            if about.get("type") not in KINDS:
                yield f"{event}.{field}: type is one of {', '.join(KINDS)}"
            if "arrsize" in about and not 1 <= about["arrsize"] <= 100:
                yield f"{event}.{field}: arrsize is 1 to 100"
            if set(about) - {"type", "arrsize", "desc"}:
                yield f"{event}.{field}: unknown key"
            yield from text_problems(f"{event}.{field}", about.get("desc"))


def parse(text):
    """As much of YAML as such a file needs: a line of another form is a mistake of its own."""
    root = {}
    event = None
    for line in text.splitlines():
        if line.startswith("#") or not line:
            continue
        field = re.fullmatch(r"  (\w+): \{(\w+: [^,{}:#]+(?:, \w+: [^,{}:#]+)*)\}", line)
        if field and event:
            root[event][field[1]] = dict(pair.split(": ") for pair in field[2].split(", "))
        elif re.fullmatch(r"\w+:", line):
            event = line[:-1]
            assert event not in root, f"{event} twice"
            root[event] = {}
        elif line.startswith("domain: "):
            root["domain"] = line[len("domain: "):]
        else:
            raise ValueError(line)
    return root


GOOD = parse(read("hisysevent.yaml"))


def changed(change):
    root = copy.deepcopy(GOOD)
    change(root)
    return root


MISTAKES = [
    ("no domain", lambda r: r.pop("domain"), "domain"),
    ("a domain of 17 letters", lambda r: r.update(domain="E" * 17), "domain"),
    ("a domain in small letters", lambda r: r.update(domain="edgeinit"), "domain"),
    ("an event of 33 letters", lambda r: r.update({"E" * 33: r["DRIFT"]}), "event"),
    ("an event that begins with a digit", lambda r: r.update({"1E": r["DRIFT"]}), "event"),
    ("no __BASE", lambda r: r["DRIFT"].pop("__BASE"), "lacks __BASE"),
    ("an unknown type", lambda r: r["DRIFT"]["__BASE"].update(type="STATISTICS"), "type is one of"),
    ("an unknown level", lambda r: r["DRIFT"]["__BASE"].update(level="MAJOR"), "level is"),
    ("six tags", lambda r: r["DRIFT"]["__BASE"].update(tag="a b c d e f"), "tags"),
    ("a tag of 17 letters", lambda r: r["DRIFT"]["__BASE"].update(tag="a" * 17), "tags"),
    ("no desc", lambda r: r["DRIFT"]["__BASE"].pop("desc"), "desc has"),
    ("a desc of 129 characters", lambda r: r["DRIFT"]["__BASE"].update(desc="a" * 129), "desc has"),
    ("a key that nobody knows", lambda r: r["DRIFT"]["__BASE"].update(module="x"), "knows no module"),
    ("preserve as a word", lambda r: r["DRIFT"]["__BASE"].update(preserve="maybe"), "preserve"),
    ("a parameter in small letters", lambda r: r["DRIFT"].update(name={"type": "STRING", "desc": "a name"}), "parameter"),
    ("a parameter of an unknown type", lambda r: r["DRIFT"]["RESOURCE"].update(type="TEXT"), "type is one of"),
    ("a parameter without desc", lambda r: r["DRIFT"]["RESOURCE"].pop("desc"), "desc has"),
    ("129 parameters", lambda r: r["DRIFT"].update({f"P{i}": {"type": "BOOL", "desc": "one"} for i in range(129)}),
     "128 parameters"),
    ("an array of 101", lambda r: r["DRIFT"]["RESOURCE"].update(arrsize=101), "arrsize"),
]


def of_source():
    """The rows of event.c: name -> (type, {parameter: type})."""
    rows = {}
    text = read("daemon/ohos/event.c")
    text = text[text.index("} rows[] = {"):text.index("static_assert")]
    for match in re.finditer(r'\[REPORT_(\w+)\] = \{"(\w+)",\s*EVENT_TYPE_(\w+),(.*?)\}\},', text, re.S):
        assert match[1] == match[2]
        rows[match[2]] = (match[3], dict(re.findall(r'\{"(\w+)", FIELD_(\w+)\}', match[4] + "}")))
    return rows


def of_yaml():
    return {event: (fields["__BASE"]["type"], {key: about["type"] for key, about in fields.items() if key != "__BASE"})
            for event, fields in GOOD.items() if event != "domain"}


def of_page():
    """The table of docs/parameters.md: | `NAME` | TYPE | when | `PARAM` type, … |"""
    rows = {}
    for match in re.finditer(r"^\| `([A-Z_]+)` \| ([A-Z]+), [A-Z]+ \|[^|]*\|([^|]*)\|$", read("docs/parameters.md"), re.M):
        rows[match[1]] = (match[2], dict(re.findall(r"`([A-Z_]+)` (INT64|STRING)", match[3])))
    return rows


def levels_of_page():
    return dict(re.findall(r"^\| `([A-Z_]+)` \| [A-Z]+, ([A-Z]+) \|", read("docs/parameters.md"), re.M))


def main():
    ok(list(problems(GOOD)) == [], "hisysevent.yaml keeps the rules", list(problems(GOOD)))
    for what, change, said in MISTAKES:
        found = list(problems(changed(change)))
        ok(any(said in problem for problem in found), f"{what} is refused", found)
    ok(len(of_source()) == 4 and of_source() == of_yaml(), "event.c writes what hisysevent.yaml declares",
       [of_source(), of_yaml()])
    ok(of_page() == of_yaml(), "docs/parameters.md names the same", [of_page(), of_yaml()])
    ok(levels_of_page() == {event: fields["__BASE"]["level"] for event, fields in GOOD.items() if event != "domain"},
       "and the levels", [levels_of_page()])
    header = read("daemon/ohos/event.h")
    ok(f'#define EVENT_DOMAIN "{GOOD["domain"]}"' in header, "in the same domain")
    longest = int(re.search(r"EVENT_MOST_FIELDS (\d+)", header)[1])
    ok(all(len(fields) <= longest for _, fields in of_yaml().values()), "with room for all parameters")

    lines = [line for line in read("cfg/param/edgeinit.para").splitlines() if not line.startswith("#")]
    ok(all(re.fullmatch(r"[A-Za-z0-9._@:-]{1,95}=[^\n]{0,95}", line) for line in lines) and lines == ["edgeinit.ready=false"],
       "edgeinit.para: names and values as init takes them", lines)
    rules = [line for line in read("cfg/param/edgeinit.para.dac").splitlines() if not line.startswith("#")]
    parsed = [re.fullmatch(r"([A-Za-z0-9._@:-]{1,95})\s*=\s*(\w+):(\w+):(0[0-7]{3})", rule) for rule in rules]
    ok(all(parsed) and [match[1] for match in parsed] == ["edgeinit."], "edgeinit.para.dac: one rule for all of them", rules)
    ok(all(match[2] == "root" and int(match[4], 8) & 0o002 == 0 for match in parsed), "and nobody else may set them")


main()
corpus.done_testing()
