#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""cfg/edgeinit.schema.json and `edgeinit validate` (EDGEINIT) must judge alike: on the corpus, on the manifests shipped,
and on documents made from the schema, which try every key of every object."""
import copy
import os
import re
import sys

sys.dont_write_bytecode = True  # no __pycache__ in the tree
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import corpus  # noqa: E402
from corpus import ok  # noqa: E402

try:
    import jsonschema
    from jsonschema import Draft202012Validator
except ImportError:
    if sys.executable != "/usr/bin/python3" and os.access("/usr/bin/python3", os.X_OK) and "AGAIN" not in os.environ:
        os.environ["AGAIN"] = "1"  # another Python comes first here: the package belongs to the system's
        os.execv("/usr/bin/python3", ["/usr/bin/python3"] + sys.argv)
    corpus.skip_all("python3-jsonschema with JSON Schema 2020-12 (4.0 or later) is not there")

# What a schema cannot say, and why; see its $comment.
BEYOND = {
    "circle-of-binds": "a circle of needs",
    "circle-of-two": "a circle of needs",
    "duplicate-keys": "JSON leaves equal keys open",
    "duplicate-key-by-escape": "JSON leaves equal keys open",
    "duplicate-resources": "equal in one member only",
    "edge-address-out-of-range": "numbers in a string",
    "durations-overflow": "a number in a string",
    "insecure-tcp": "words of a command, and a file that another key writes",
    "overlay-delay-above-max": "numbers in strings, compared",
    "overlay-duplicate-key": "JSON leaves equal keys open",
    "overlay-removes-a-service-that-is-needed": "keys of another object",
    "path-too-long-in-bytes": "a schema counts characters",
    "rules-address-of-the-other-family": "depends on another key, in words of its own",
    "services-after-itself": "a circle",
    "services-after-unknown": "keys of another object",
    "services-circle": "a circle",
    "services-condition-no-such-day": "the calendar",
    "services-condition-no-such-route": "numbers in a string",
    "services-max-delay": "numbers in strings, compared",
    "services-ranges-in-strings": "numbers in strings",
    "services-target-port": "a number in a string",
    "sizes-overflow": "a number in a string",
    "sizes-too-large": "a number in a string",
    "syntax-surrogate-alone": "JSON's grammar alone allows it",
    "syntax-surrogate-low-first": "JSON's grammar alone allows it",
    "syntax-too-deep": "a limit of the text",
    "syntax-too-many-values": "a limit of the text",
}

SCHEMA = corpus.parse(corpus.read("cfg", "edgeinit.schema.json"))


def ecma(schema):
    """Python's $ also stands before a newline at the end, ECMA's (which JSON Schema means) does not."""
    if isinstance(schema, dict):
        return {key: value.replace("$", r"\Z") if key == "pattern" and isinstance(value, str) else ecma(value)
                for key, value in schema.items()}
    return [ecma(item) for item in schema] if isinstance(schema, list) else schema


Draft202012Validator.check_schema(SCHEMA)
JUDGE = Draft202012Validator(ecma(SCHEMA))


def schema_accepts(data):
    try:
        return JUDGE.is_valid(corpus.parse(data) if isinstance(data, bytes) else data)
    except ValueError:
        return False


def merged(target, patch):
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    target = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        else:
            target[key] = merged(target.get(key), value)
    return target


def stacks(kind):
    """Name and merged document of each case of the corpus."""
    for name in sorted(os.listdir(os.path.join(corpus.TOP, "tests", "manifest", kind))):
        if not name.endswith(".json") or name.endswith(".base.json"):
            continue
        name = name[:-5]
        data = corpus.read("tests", "manifest", kind, name + ".json")
        base = os.path.join("tests", "manifest", kind, name + ".base.json")
        if os.path.exists(os.path.join(corpus.TOP, base)):
            try:
                data = merged(corpus.parse(corpus.read(base)), corpus.parse(data))
            except ValueError:
                data = b""
        yield name, data


def check_corpus():
    for name, data in stacks("good"):
        ok(schema_accepts(data), "good/%s: the schema accepts it" % name,
           "" if isinstance(data, bytes) and not data else list(JUDGE.iter_errors(
               corpus.parse(data) if isinstance(data, bytes) else data)))
    for name, data in stacks("bad"):
        accepted = schema_accepts(data)
        if name in BEYOND:
            ok(accepted, "bad/%s: beyond a schema (%s)" % (name, BEYOND[name]))
        else:
            ok(not accepted, "bad/%s: the schema refuses it" % name)
    ok(set(BEYOND) <= {name for name, _ in stacks("bad")}, "what is listed as beyond a schema exists")
    base = corpus.parse(corpus.read("cfg", "edgeinit.json"))
    for name in corpus.SHIPPED:
        overlay = corpus.parse(corpus.read("cfg", name))
        ok(JUDGE.is_valid(overlay if overlay is base else merged(base, overlay)), "%s: the schema accepts it" % name)


def resolve(schema):
    """Follow $ref; what stands beside it (examples) comes first."""
    while "$ref" in schema:
        target = SCHEMA
        for part in schema["$ref"][2:].split("/"):
            target = target[part]
        schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    return schema


def objects(schema, wrap, name):
    """Every object schema below: its name, the schema, and a function that puts an instance of it into a manifest."""
    schema = resolve(schema)
    for choice in schema.get("anyOf", []):
        yield from objects(choice, wrap, name)
    if schema.get("type") == "array" and "items" in schema:
        yield from objects(schema["items"], lambda value: wrap([value]), name + "[]")
    if schema.get("type") != "object":
        return
    if isinstance(schema.get("additionalProperties"), dict):
        yield from objects(schema["additionalProperties"], lambda value: wrap({"name": value}), name + ".*")
        return
    if "properties" not in schema:
        return
    yield name, schema, wrap
    for key, child in schema["properties"].items():
        example = dict(schema.get("examples", [{}])[0])
        if schema.get("maxProperties") == 1:
            example = {}
        yield from objects(child, lambda value, key=key, example=example: wrap({**example, key: value}),
                           (name + "." + key).lstrip("."))


WRONG = [None, True, -1.5, 4294967296, "", "\n", "no such word", [], [[]], {}, {"?": {}}]


def check_keys():
    """Every key that the schema knows: an example is good for both, an unknown neighbour is bad for both, and on each
    value of a wrong type or range the two agree."""
    for name, schema, wrap in list(objects(SCHEMA, lambda value: value, "")):
        texts, expect, about = [], [], []
        if "description" not in schema:
            ok(False, "%s: described" % name)
        bases = schema.get("examples", [{}])
        texts.append(wrap({**bases[0], "no-such-key": 1}))
        expect.append(False)
        about.append("an unknown key")
        for key, child in schema["properties"].items():
            single = schema.get("maxProperties") == 1
            resolved = resolve(child)
            if not resolved.get("description") or not resolved.get("examples"):
                ok(False, "%s.%s: has a description and an example" % (name, key))
                continue
            fitting = None
            for example in resolved["examples"]:
                candidates = [wrap({**({} if single else base), key: example}) for base in bases]
                fitting = next((each for each in candidates if JUDGE.is_valid(each)), None)
                texts.append(fitting if fitting is not None else candidates[0])
                expect.append(True)
                about.append("%s: the example %r" % (key, example))
            if fitting is None:
                continue
            for wrong in WRONG:
                document = None
                for base in bases:
                    candidate = wrap({**({} if single else base), key: wrong})
                    if document is None or JUDGE.is_valid(candidate):
                        document = copy.deepcopy(candidate)
                texts.append(document)
                expect.append(None)
                about.append("%s: %r" % (key, wrong))
        verdicts = corpus.validate_all(texts)
        trouble = []
        # The complaint about the unknown key tells the parser's whole table.
        known = re.search(r"no-such-key: unknown key; known here: (.*)", verdicts[0].errors)
        if known is not None and set(known.group(1).split(", ")) != set(schema["properties"]):
            trouble.append("keys of one alone: %s" % (set(known.group(1).split(", ")) ^ set(schema["properties"])))
        elif known is None and not name.endswith("rlimits"):
            trouble.append("the parser does not tell its keys: %s" % verdicts[0])
        for text, wanted, what, verdict in zip(texts, expect, about, verdicts):
            accepted = JUDGE.is_valid(text)
            if verdict.code not in (0, 1) or verdict.good != accepted or wanted not in (None, accepted):
                trouble.append("%s: schema %s, parser %s" % (what, accepted, verdict))
        ok(not trouble, "%s: schema and parser agree on %d documents about its %d keys" % (
            name or "the whole", len(texts), len(schema["properties"])), "\n".join(trouble))


ok("$id" in SCHEMA and "title" in SCHEMA and "$comment" in SCHEMA, "the schema says what it is")
check_corpus()
check_keys()
corpus.done_testing()
