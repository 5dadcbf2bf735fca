# SPDX-License-Identifier: Apache-2.0
"""What the tests in Python share: running `edgeinit validate` on many texts, TAP, and JSON with comments."""
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EDGEINIT = os.path.realpath(os.environ.get("EDGEINIT", os.path.join(TOP, "out", "edgeinit")))
SHIPPED = ["edgeinit.json", "edgecore.json"] + sorted(
    os.path.join("boards", name) for name in os.listdir(os.path.join(TOP, "cfg", "boards")) if name.endswith(".json"))
WORKERS = 2

_count = 0
_failed = 0


def ok(good, name, why=""):
    """One TAP result."""
    global _count, _failed
    _count += 1
    _failed += not good
    print("%sok %d - %s" % ("" if good else "not ", _count, name), flush=True)
    if not good and why:
        print("\n".join("# " + line for line in str(why).splitlines()[:20]), file=sys.stderr, flush=True)
    return good


def done_testing():
    print("1..%d" % _count)
    sys.exit(_failed > 0)


def skip_all(why):
    print("1..0 # SKIP " + why)
    sys.exit(0)


def read(*path):
    with open(os.path.join(TOP, *path), "rb") as file:
        return file.read()


class Verdict:
    """How one run of validate ended: exit code (negative: a signal; None: hung), stderr, CPU seconds."""

    def __init__(self, code, errors, cpu):
        self.code, self.errors, self.cpu = code, errors, cpu
        self.good = code == 0

    def __str__(self):
        return "exit %s after %.2f s: %s" % (self.code, self.cpu, self.errors[:2000])


def run(arguments, patience=200):
    """Run a program with its stderr in a file; wait4 tells the CPU time of this one child."""
    with tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors)
        alarm = threading.Timer(patience, child.kill)
        alarm.start()
        _, status, usage = os.wait4(child.pid, 0)
        alarm.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        text = errors.read().decode("utf-8", "replace")
    code = None if child.returncode == -signal.SIGKILL else child.returncode
    return Verdict(code, text, usage.ru_utime + usage.ru_stime)


def validate_all(texts):
    """The verdicts on many texts (bytes, or values to be written as JSON), each as a file "N.json"."""
    verdicts = [None] * len(texts)
    numbers = iter(range(len(texts)))
    lock = threading.Lock()

    def work(directory):
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            text = texts[number]
            name = os.path.join(directory, "%d.json" % number)
            with open(name, "wb") as file:
                file.write(text if isinstance(text, bytes) else json.dumps(text).encode())
            os.chmod(name, 0o600)
            verdicts[number] = run([EDGEINIT, "validate", name])
            os.unlink(name)

    with tempfile.TemporaryDirectory() as directory:
        threads = [threading.Thread(target=work, args=(directory,)) for _ in range(WORKERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return verdicts


def without_comments(text):
    """JSON with comments to JSON. Strings are left alone; what is no comment and no string as well."""
    return re.sub(r'("(?:\\.|[^"\\\n])*")|//[^\n]*|/\*.*?\*/', lambda match: match.group(1) or " ", text, flags=re.S)


def parse(data):
    """The value that the bytes of a manifest stand for; ValueError if they are no JSON."""
    def no_constant(word):
        raise ValueError(word)

    return json.loads(without_comments(data.decode("utf-8")), parse_constant=no_constant)


def places(value, path=()):
    """The path of every value in a document, its own first."""
    yield path
    if isinstance(value, (dict, list)):
        for key, child in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(child, path + (key,))


def replaced(value, path, new):
    """A copy of the document with another value at this path."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy
