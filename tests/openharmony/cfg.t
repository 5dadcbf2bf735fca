#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The .cfg files that are shipped are right for every release that they are for, and the checker which says so refuses each
kind of mistake: here is one file for each, made from a right one by one change."""
import copy
import glob
import json
import os
import sys

sys.dont_write_bytecode = True  # no __pycache__ in the tree
here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [here, os.path.join(here, "..", "manifest")]
import corpus  # noqa: E402
from corpus import ok  # noqa: E402
from init_cfg import problems, releases_of  # noqa: E402

os.chdir(os.path.join(here, "..", ".."))

GOOD = json.load(open("cfg/init/edgeinit-3.2.cfg", encoding="utf-8"))
OLD = json.load(open("cfg/init/edgeinit-3.1.cfg", encoding="utf-8"))
SOCKET = {"name": "edgeinit", "family": "AF_UNIX", "type": "SOCK_STREAM", "protocol": "default", "permissions": "0660",
          "uid": "root", "gid": "shell"}


def service(**keys):
    """The right file, with these keys of its service (None: without)."""
    root = copy.deepcopy(GOOD)
    for key, value in keys.items():
        key = key.replace("_", "-") if key in ("start_mode", "end_mode", "d_caps") else key
        if value is None:
            root["services"][0].pop(key, None)
        else:
            root["services"][0][key] = value
    return root


def command(text, base=None):
    root = copy.deepcopy(base or GOOD)
    root["jobs"][0]["cmds"].insert(0, text)
    return root


def changed(change, base=None):
    root = copy.deepcopy(base or GOOD)
    change(root)
    return root


# What is wrong, on which release, and a part of what must be said.
MISTAKES = [
    ("no name", "4.0", service(name=None), "services[0].name"),
    ("a name of 40 letters", "4.0", service(name="e" * 40), "services[0].name"),
    ("a service twice", "4.0", changed(lambda r: r["services"].append(dict(GOOD["services"][0]))), "is there already"),
    ("no path", "4.0", service(path=None), "services[0].path"),
    ("path as a string", "4.0", service(path="/system/bin/edgeinit"), "must be an array"),
    ("an empty path", "4.0", service(path=[]), "1 to 19 elements"),
    ("20 arguments", "4.0", service(path=["/system/bin/edgeinit"] + ["x"] * 19), "1 to 19 elements"),
    ("an argument of 201 characters", "4.0", service(path=["/system/bin/edgeinit", "x" * 201]), "200 characters"),
    ("a number among the arguments", "4.0", service(path=["/system/bin/edgeinit", 1]), "array of strings"),
    ("a relative program", "4.0", service(path=["edgeinit"]), "no absolute path"),
    ("a program on /data", "4.0", service(path=["/data/bin/edgeinit"]), "below /system/bin"),
    ("an unknown user", "4.0", service(uid="edgeinit"), "no account of the image"),
    ("a user of the wrong type", "4.0", service(uid=True), "a name or a number"),
    ("an unknown group", "4.0", service(gid=["root", "docker"]), "no account of the image"),
    ("no group at all", "4.0", service(gid=[]), "is empty"),
    ("once as a boolean", "4.0", service(once=True), "must be a number"),
    ("once that is 2", "4.0", service(once=2), "0 or 1"),
    ("importance as a string", "4.0", service(importance="-10"), "must be a number"),
    ("importance out of range", "4.0", service(importance=-21), "-20 to 19"),
    ("critical that reboots", "4.0", service(critical=[1, 4, 240]), "reboots the board"),
    ("critical in its short form", "4.0", service(critical=1), "reboots the board"),
    ("critical with two numbers", "4.0", service(critical=[0, 4]), "[0, deaths, seconds]"),
    ("critical with zero deaths", "4.0", service(critical=[0, 0, 20]), "above 0"),
    ("critical as a string", "4.0", service(critical="0"), "[0, deaths, seconds]"),
    ("an unknown capability", "4.0", service(caps=["SYS_ADMIN", "BPF"]), '"BPF" is not in'),
    ("capabilities as a string", "4.0", service(caps="SYS_ADMIN"), "must be an array"),
    ("an unknown start-mode", "4.0", service(start_mode="early"), "start-mode"),
    ("an end-mode", "4.0", service(end_mode="ready"), "used by nothing"),
    ("disabled alone", "4.0", changed(lambda r: r["services"][0].update({"disabled": 1, "start-mode": "normal"})),
     "does not keep a service from starting"),
    ("no sandbox", "3.2", service(sandbox=None), "sandbox: is missing"),
    ("a sandbox", "3.2", service(sandbox=1), "is 0 for a service that mounts"),
    ("sandbox as a boolean", "3.2", service(sandbox=False), "must be a number"),
    ("no secon", "3.2", service(secon=None), "limit_domain"),
    ("a secon of a file", "3.2", service(secon="u:object_r:edgeinit:s0"), "is a context like"),
    ("a secon without a level", "3.2", service(secon="u:r:edgeinit"), "is a context like"),
    ("an unknown key", "4.0", service(restart="always"), "is no key of a service"),
    ("a key in capitals", "4.0", service(Path=["/system/bin/x"]), "write path"),
    ("sandbox on 3.1", "3.1", changed(lambda r: r["services"][0].update(sandbox=0), OLD), "3.1 leaves a service out"),
    ("env on 3.1", "3.1", changed(lambda r: r["services"][0].update(env=[{"name": "A", "value": "b"}]), OLD), "5.0 on"),
    ("bootevents on 3.1", "3.1", changed(lambda r: r["services"][0].update(bootevents="bootevent.x"), OLD), "3.2 on"),
    ("env on 4.1", "4.1", service(env=[{"name": "A", "value": "b"}]), "5.0 on"),
    ("a value that overflows init's buffer", "5.0", service(env=[{"name": "A", "value": "b" * 128}]), "overflows"),
    ("a bootevent of another name", "4.0", service(bootevents=["edgeinit.started"]), 'begins with "bootevent."'),
    ("ondemand false on 3.1", "3.1", changed(lambda r: r["services"][0].update(ondemand=False), OLD), "means true"),
    ("ondemand and critical", "4.0", service(ondemand=True), "excludes ondemand"),
    ("a socket without a user", "4.0", service(socket=[{k: v for k, v in SOCKET.items() if k != "uid"}]), "lacks uid"),
    ("a socket with a number for a mode", "4.0", service(socket=[dict(SOCKET, permissions=660)]), "octal, as a string"),
    ("a socket of an unknown family", "4.0", service(socket=[dict(SOCKET, family="AF_INET")]), "family is"),
    ("a file with four words", "4.0", service(file=["/dev/kmsg rd 0640 root"]), "drops all files"),
    ("a job for an unknown moment", "4.0", service(jobs={"on-exit": "services:edgeinit:stop"}), "no moment"),
    ("pre-start before 5.0", "4.1", service(jobs={"pre-start": "services:edgeinit:stop"}), "5.0 on"),
    ("a job that is not there", "4.0", service(jobs={"on-stop": "services:edgeinit:halt"}), "there is no job"),
    ("console 2 before 5.1", "5.0", service(console=2), "0 to 1"),
    ("a key of another top level", "4.0", changed(lambda r: r.update(service=[])), "no key of a .cfg"),
    ("services as an object", "4.0", changed(lambda r: r.update(services={})), "services: is an array"),
    ("101 services", "4.0", changed(lambda r: r.update(services=[dict(GOOD["services"][0], name=f"s{i}")
                                                                 for i in range(101)])), "at most 100"),
    ("a relative import", "4.0", changed(lambda r: r.update({"import": ["init.x.cfg"]})), "absolute path"),
    ("a job without commands", "4.0", changed(lambda r: r["jobs"][0].update(cmds=[])), "at least one command"),
    ("a key of a job", "4.0", changed(lambda r: r["jobs"][0].update(when="boot")), "no key of a job"),
    ("a job that nobody runs", "4.0", changed(lambda r: r["jobs"][0].update(name="data-ready")), "run by nobody"),
    ("a parameter's job without condition", "4.0",
     changed(lambda r: r["jobs"].append({"name": "param:edge", "cmds": ["sync"]})), "never run without it"),
    ("201 commands", "4.0", changed(lambda r: r["jobs"][0].update(cmds=["mkdir /data/x"] * 200 + ["start edgeinit"])),
     "at most 200"),
    ("an unknown command", "4.0", command("chattr +i /data"), "is no command"),
    ("a command with a tab", "4.0", command("mkdir\t/data/x"), "one space"),
    ("a comment", "4.0", command("# make it"), "a comment"),
    ("too few words", "4.0", command("chown root /data/x"), "3 to 3 words"),
    ("too many words", "4.0", command("umount /data MNT_FORCE"), "drops what is too much"),
    ("mkdir with three words", "4.0", command("mkdir /data/x 0700 root"), "1, 2 or 4 words"),
    ("a mode that is none", "4.0", command("mkdir /data/x 0799 root root"), "no mode in octal"),
    ("chmod the wrong way round", "4.0", command("chmod /data/x 0700"), "first the mode"),
    ("an owner that nobody is", "4.0", command("chown docker root /data/x"), "no account"),
    ("a relative path", "4.0", command("mkdir data/x"), "no absolute path"),
    ("a sleep of 10 s", "4.0", command("sleep 10"), "at most 5"),
    ("syncexec on 3.1", "3.1", command("syncexec /system/bin/sync", OLD), "3.2 on"),
    ("write of three words on 3.1", "3.1", command("write /proc/sys/x a b", OLD), "2 to 2 words"),
    ("termservice before 6.0", "5.1", command("termservice edgeinit"), "6.0 on"),
    ("a mount option that begins like a flag", "4.0", command("mount f2fs /dev/x /mnt rootcontext=u:object_r:x:s0"),
     'begins with "ro"'),
    ("mount options in two words", "4.0", command("mount f2fs /dev/x /mnt discard background_gc=on"), "is no flag"),
    ("a parameter's name with a space in front of a dot", "4.0", command("setparam .edge 1"), "no name of a parameter"),
    ("the start of another service", "4.0", command("start dockerd"), 'no service "dockerd"'),
    ("started by nobody", "4.0", changed(lambda r: r["jobs"][0]["cmds"].remove("start edgeinit")), "no job starts it"),
]

shipped = sorted(glob.glob("cfg/init/*.cfg") + glob.glob("sa/*.cfg"))
ok(len(shipped) >= 2, "there are .cfg files")
for name in shipped:
    with open(name, encoding="utf-8") as file:
        text = file.read()
    for release in releases_of(name):
        found = problems(text, release)
        ok(found == [], f"{name} on {release}", found)
ok(problems(json.dumps(GOOD), "3.1") != [], "one file cannot serve all: that for 3.2 is refused for 3.1")
ok(problems(json.dumps(OLD), "3.2") != [], "and the other way round")
for what, release, root, part in MISTAKES:
    found = problems(json.dumps(root), release)
    ok(any(part in line for line in found), f"refused on {release}: {what}", found)
for what, text in {"a comment in JSON": '// x\n{"jobs": []}', "a comma too many": '{"jobs": [],}', "an array": "[]",
                   "nothing": "", "a key twice": '{"jobs": [], "jobs": []}', "a byte order mark": "\ufeff{}",
                   "100 kB": '{"import": ["' + "x" * 102400 + '"]}'}.items():
    ok(problems(text, "4.0") != [], f"refused as a whole: {what}")
kinds = {part for _, _, _, part in MISTAKES}
ok(len(kinds) >= 40, f"{len(MISTAKES)} mistakes of {len(kinds)} kinds")
corpus.done_testing()
