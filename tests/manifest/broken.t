#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Broken manifests, made from those that are shipped. `validate` (EDGEINIT) must say what is wrong and where, or that the
result happens to be right; it must never crash or take long. `apply` must refuse a sample of them without having changed
anything, which strace sees."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # no __pycache__ in the tree
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import corpus  # noqa: E402
from corpus import ok  # noqa: E402

SANITIZED = b"__asan_init" in open(corpus.EDGEINIT, "rb").read()
LONGEST = 5.0 if SANITIZED else 1.0  # CPU seconds
MUTATING = ("mount,umount2,mkdir,mkdirat,mknod,mknodat,rename,renameat,renameat2,unlink,unlinkat,rmdir,link,linkat,symlink,"
            "symlinkat,open,openat,creat,truncate,ftruncate,chmod,fchmod,fchmodat,chown,fchown,fchownat,lchown,socket,"
            "sethostname,init_module,finit_module,delete_module,fork,vfork,execve")


def place(verdict):
    """Does it end as it should: right, or wrong with at least one mistake that has its place?"""
    if verdict.code == 0:
        return True
    lines = [line for line in verdict.errors.splitlines() if ": warning: " not in line]
    return verdict.code == 1 and any(re.match(r"^/[^:]+\.json:[1-9]\d*:[1-9]\d*: .", line) for line in lines)


def survives(name, texts, at_least=0, check=place):
    """All texts are judged properly; at least so many of them are wrong."""
    verdicts = corpus.validate_all(texts)
    trouble = ["%d: %s\n%r" % (number, verdict, texts[number][:300] if isinstance(texts[number], bytes) else "")
               for number, verdict in enumerate(verdicts) if not check(verdict) or verdict.cpu > LONGEST]
    refused = sum(not verdict.good for verdict in verdicts)
    ok(not trouble and refused >= at_least, "%s: %d documents, %d refused" % (name, len(texts), refused),
       "\n".join(trouble) or "too few are refused")
    return [text for text, verdict in zip(texts, verdicts) if not verdict.good]


def truncations(name):
    data = corpus.read("cfg", name)
    return survives("%s cut at every 64th byte" % name, [data[:length] for length in range(0, len(data) - 8, 64)],
                    at_least=(len(data) - 8) // 64)


REPLACEMENTS = [None, -7.5, "?", [[1]], {"?": None}]


def retyped(name):
    """Each value in turn is replaced by one of each type."""
    document = corpus.parse(corpus.read("cfg", name))
    # Sanitized, a run takes ten times as long: two types for each value, in turn.
    texts = [corpus.replaced(document, path, new) for number, path in enumerate(corpus.places(document))
             for turn, new in enumerate(REPLACEMENTS) if not SANITIZED or (turn + number) % len(REPLACEMENTS) < 2]
    return survives("%s with each value of each wrong type" % name, texts, at_least=len(texts) // 2)


def flipped(name):
    """A bit, a byte, or a piece is wrong."""
    data = corpus.read("cfg", name)
    texts = []
    for at in range(17, len(data), len(data) // 24):
        for byte in (0x00, 0xff, 0x22, data[at] ^ 0x20):
            texts.append(data[:at] + bytes([byte]) + data[at + 1:])
        texts.append(data[:at] + data[at + 40:])
        texts.append(data[:at] + data[:at])
    return survives("%s with wrong bytes" % name, texts)


def services(count, text):
    """A manifest with so many services, each what `text` says of its number."""
    return b'{"version": 1, "services": {' + b",".join(
        b'"service-number-%d":{"command":["/a"]%s}' % (n, text(n)) for n in range(count)) + b"}}"


def many_services():
    def after(*numbers):
        return b',"after":[' + b",".join(b'"service-number-%d"' % number for number in numbers) + b"]"

    good = [
        services(1024, lambda n: b',"nice":1,"user":"1","needs":["/a","/b"],"ready":{"file":"/a"},"alive":{"file":"/b"},"log":{}'),
        services(1024, lambda n: after(n + 1) if n < 1023 else b""),
        services(1024, lambda n: after(*range(n + 1, min(n + 13, 1024)))),
        services(1024, lambda n: after(*range(max(n - 12, 0), n))),
    ]
    ok(all(verdict.good for verdict in corpus.validate_all(good)), "1024 services with 12 values each are accepted")
    return good + [
        services(1025, lambda n: b""),
        services(5400, lambda n: after(n + 1)),
        services(1024, lambda n: after((n + 1) % 1024)),
        services(1024, lambda n: after(*((n + 11 - more) % 1024 for more in range(11)))),
        services(1024, lambda n: after(*range(2000 + 11 * n, 2011 + 11 * n))),
        services(1, lambda n: after(*range(16000))),
    ]


def huge():
    mega = 1 << 20
    least = b'{"version": 1}'
    limit = [
        least + b" " * (mega - len(least)),
        b'{"version": 1, "host": {"directories": [' + b"1," * 520000 + b"1]}}",
        b'{"version": 1, "host": {"directories": [' + b",".join(b'"/%d"' % n for n in range(4096)) + b"]}}",
        b'{"version": 1, "host": {"directories": [' + b",".join(b'"/%d"' % n for n in range(16000)) + b"]}}",
        b'{"version": 1, "host": {"directories": [' + b",".join(b'"/a"' for n in range(16000)) + b"]}}",
        b'{"version": 1, "host": {"directories": ["/' + b"a/" * 500000 + b'"]}}',
        b'{"version": 1, "host": {"directories": ["' + b"\\u00e9" * 170000 + b'"]}}',
        b'{"version": 1, "host": {"sysctls": {' + b",".join(b'"a.%d":"1"' % n for n in range(16000)) + b"}}}",
        b'{"version": 1, "host": {"cgroups": {"named": [' + b",".join(b'"%d"' % n for n in range(16000)) + b"]}}}",
        b'{"version": 1, "' + b"k" * 1000000 + b'": 1}',
        b'{"version": 1,' + b"\n" * 1000000 + b"}",
        b'{"version": 1,' + b"/**/" * 250000 + b"}",
        b'{"version": 1, // ' + b"\xc3\xa9" * 500000 + b"\n}",
        b'{"version": 1' + b"0" * 1000000 + b"}",
        b'{"version": 1, ' + b",".join(b'"%d":1' % n for n in range(16000)) + b"}",
        b'{"version": 1, ' + b",".join(b'"a":1' for n in range(16000)) + b"}",
        b'{"version": 1, "host": {"mounts": [' + b",".join(
            b'{"target":"/m%d","source":"/m%d","type":"bind"}' % (n, n + 1) for n in range(4000)) + b"]}}",
        b'{"version": 1, "host": {"mounts": [' + b",".join(
            b'{"target":"/m%d","source":"/m%d","type":"bind"}' % (n, (n + 1) % 3600) for n in range(3600)) + b"]}}",
    ]
    survives("at the limits of size", limit)
    survives("many services", many_services(), at_least=6)
    survives("deep", [b"[" * depth for depth in (31, 32, 33, 1000, 100000, 1000000)] +
             [b'{"a":' * depth for depth in (31, 32, 33, 1000, 200000)] +
             [b'{"version": 1, "host": {"files": [{"path": "/a", "yaml": ' + b"[" * depth + b"]" * depth + b"}]}}"
              for depth in (100, 10000)] +
             [b'{"version": 1, "host": ' + b'{"host":' * depth + b"1" + b"}" * depth + b"}" for depth in (10, 25, 5000)],
             at_least=16)
    # As a whole too large: that has no line.
    survives("more than 1 MiB", [least + b" " * mega, b"[" * (2 * mega), b"\n" * (mega + 1), b"\xff" * (mega + 1)],
             at_least=4, check=lambda verdict: verdict.code == 1 and verdict.errors.endswith(
                 ".json: File too large; a manifest has at most 1 MiB\n"))


def not_utf8():
    data = corpus.read("cfg", "edgeinit.json")
    at = data.index(b"overlay2")
    pieces = [b"\x80", b"\xbf", b"\xc0\xaf", b"\xc1\xbf", b"\xc3", b"\xc3\x28", b"\xe0\x80\xaf", b"\xe2\x82", b"\xe2\x28\xa1",
              b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xf0\x80\x80\x80", b"\xf0\x9f\x98", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80",
              b"\xf8\x88\x80\x80\x80", b"\xfe", b"\xff"]
    survives("invalid UTF-8 in a string", [data[:at] + piece + data[at:] for piece in pieces], at_least=len(pieces))
    survives("invalid UTF-8 in a comment", [b"// " + piece + b"\n" + data for piece in pieces], at_least=len(pieces))
    survives("invalid UTF-8 at the end", [data + piece for piece in pieces], at_least=len(pieces))
    survives("no text at all", [b"", b"\0", b"\0" * 4096, bytes(range(256)), b"\xff\xfe{\0}\0", os.urandom(4096)], at_least=6)


def changes(trace):
    """The lines of a strace log that show a change of the board."""
    found = []
    for line in trace.splitlines():
        call = re.match(r"^(?:\d+ +)?(\w+)\((.*)", line)
        if not call or call.group(1) == "execve" and len(found) == 0 and "edgeinit" in call.group(2):
            continue
        if call.group(1) in ("open", "openat") and not re.search(r"O_(WRONLY|RDWR|CREAT|TRUNC)", call.group(2)):
            continue
        if '"/dev/null"' not in call.group(2):
            found.append(line)
    return found


def apply_changes_nothing(texts):
    if shutil.which("strace") is None or subprocess.run(
            ["strace", "-qq", "-o", "/dev/null", "true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        ok(True, "apply # SKIP strace is not there, or may not trace")
        return
    environment = dict(os.environ)
    # LeakSanitizer cannot work where another tracer does.
    environment["ASAN_OPTIONS"] = environment.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        for number, text in enumerate(texts):
            with open("broken.json", "wb") as file:
                file.write(text if isinstance(text, bytes) else json.dumps(text).encode())
            os.chmod("broken.json", 0o600)
            result = subprocess.run(
                ["strace", "-f", "-qq", "-o", "trace", "-e", "signal=none", "-e", "trace=" + MUTATING, corpus.EDGEINIT, "apply",
                 "--manifest", "broken.json", "--run-dir", directory + "/run", "--state-dir", directory + "/state"],
                env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False)
            with open("trace", encoding="utf-8", errors="replace") as file:
                found = changes(file.read())
            left = sorted(os.listdir("."))
            ok(result.returncode == 1 and not found and left == ["broken.json", "trace"] and result.stdout == "" and
               re.search(r"^edgeinit: error: the manifest has \d+ mistakes?, so nothing was done$", result.stderr, re.M),
               "apply of broken manifest %d: exit 1, and nothing is changed" % (number + 1),
               "exit %d, left %s\n%s\n%s%s" % (result.returncode, left, "\n".join(found), result.stdout, result.stderr))


bad = []
for shipped in corpus.SHIPPED:
    bad += [truncations(shipped), retyped(shipped), flipped(shipped)]
huge()
not_utf8()
apply_changes_nothing([texts[len(texts) * part // 5] for texts in bad[:4] for part in range(5)])
corpus.done_testing()
