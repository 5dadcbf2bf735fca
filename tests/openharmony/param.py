#!/usr/bin/python3 -I
# SPDX-License-Identifier: Apache-2.0
"""A stand-in for OpenHarmony's "param set NAME VALUE": it takes and refuses what startup_init does (CheckParamName,
CheckParamValue, the type that a .para.dac names), answers with the same words, and exits 0 whatever happens. What is set is in
the file "parameters" of its directory, every call in "calls". While there is a file "hang" there it hangs; "fail": refuses."""
import os
import re
import sys
import time

HERE = os.environ.get("PARAM_DIRECTORY", "/tmp/work/param")
BOOLEANS = {"1", "0", "true", "false", "y", "yes", "on", "off", "n", "no"}


def types():
    """Name -> type, by the .para.dac that is shipped."""
    found = {}
    with open(os.path.join(HERE, "dac"), encoding="ascii") as file:
        for line in file:
            match = re.fullmatch(r"([^#=\s]+)\s*=\s*\w+:\w+:0[0-7]{3}(?::(\w+))?\s*", line)
            if match:
                found[match[1]] = match[2] or "string"
    return found


def problem(name, value):
    """The number that init answers with; 0: none."""
    if not 1 <= len(name) < 96 or name[0] == "." or name[-1] == "." or ".." in name \
            or not re.fullmatch(r"[A-Za-z0-9._@:-]+", name):
        return 101
    if len(value.encode()) >= 96 or "\n" in value:
        return 102
    kind = max((item for item in types().items() if name == item[0] or (item[0][-1] == "." and name.startswith(item[0]))),
               key=lambda item: len(item[0]), default=("", None))[1]
    if kind is None:
        return 106  # no rule of ours: whoever owns it would refuse us
    if kind == "bool" and value.lower() not in BOOLEANS or kind == "int" and not re.fullmatch(r"-?[0-9]+", value):
        return 102
    return 108 if os.path.exists(os.path.join(HERE, "fail")) else 0


def main():
    if len(sys.argv) != 4 or sys.argv[1] != "set":
        print("param: usage")
        return
    name, value = sys.argv[2:]
    with open(os.path.join(HERE, "calls"), "a", encoding="utf-8") as file:
        file.write(f"{time.monotonic():.3f} {os.getpid()} {name} {value}\n")
    if os.path.exists(os.path.join(HERE, "hang")):
        time.sleep(1000)
    number = problem(name, value)
    if number:
        print(f"Set parameter {name} {value} fail! errNum is:{number}!")
        return
    path = os.path.join(HERE, "parameters")
    known = {}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            known = dict(line.rstrip("\n").split("=", 1) for line in file)
    known[name] = value
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.writelines(f"{key}={known[key]}\n" for key in sorted(known))
    os.rename(path + ".new", path)
    print(f"Set parameter {name} {value} success")


main()
