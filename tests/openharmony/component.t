#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bundle.json, BUILD.gn, edgeinit.gni and the files fit together (component.py says what that means), in every release; and what
says so refuses each kind of mistake: here is one change of a copy for each."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # no __pycache__ in the tree
here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [here, os.path.join(here, "..", "manifest")]
import corpus  # noqa: E402
from corpus import ok  # noqa: E402
from component import RELEASES, Tree, copy_project, problems, read, write  # noqa: E402

project = corpus.TOP
scratch = tempfile.mkdtemp(prefix="edgeinit-component-")
upstream = os.path.join(project, "out", "static-lib", "x86_64", "upstream")
made = subprocess.run([os.path.join(project, "build", "static", "libraries"), "x86_64"], stdout=subprocess.PIPE,
                      stderr=subprocess.STDOUT, universal_newlines=True, check=False)
if not ok(made.returncode == 0, "the sources of the libraries are there", made.stdout):
    corpus.done_testing()
good = copy_project(project, os.path.join(scratch, "good"))
names = [os.path.relpath(os.path.join(base, name), good) for base, _, files in os.walk(good) for name in files]


def tree_with(what, change=None):
    copy = os.path.join(scratch, what)
    component = shutil.copytree(good, os.path.join(copy, "new"), symlinks=True)
    if change:
        change(component)
    return Tree(copy, component, upstream)


def replaced(name, old, new):
    """A change of one file; the test would prove nothing if it changed nothing."""
    def change(component):
        text = read(component, name)
        assert old in text, f"{name} has no {old}"
        write(os.path.join(component, name), text.replace(old, new, 1))
    return change


def removed(name):
    return lambda component: os.remove(os.path.join(component, name))


def in_json(name, change):
    def changed(component):
        root = json.loads(read(component, name))
        change(root)
        write(os.path.join(component, name), json.dumps(root, indent=4))
    return changed


def added(name, text):
    return lambda component: write(os.path.join(component, name), text)


# What is changed, and a part of what must be said.
MISTAKES = [
    ("a target that is not there", replaced("bundle.json", ":edgeinit_packages", ":edgeinit_package"), "edgeinit_package"),
    ("tests that are not there", in_json("bundle.json", lambda r: r["component"]["build"]["test"].append(
        "//base/startup/edgeinit:tests")), "edgeinit:tests"),
    ("a part that is not declared", in_json("bundle.json", lambda r: r["component"]["deps"]["components"].remove("hilog")),
     "hilog is used on 5.0"),
    ("a third party that is not declared", in_json("bundle.json", lambda r: r["component"]["deps"]["components"].remove("zlib")),
     "zlib is used on 3.1"),
    ("a part that nothing uses", in_json("bundle.json", lambda r: r["component"]["deps"]["components"].append("appspawn")),
     "appspawn, which nothing uses"),
    ("a part without its feature", replaced("edgeinit.gni", "if (edgeinit_feature_parameter) {", "if (true) {"),
     "without any feature"),
    ("a feature that bundle.json does not offer", in_json("bundle.json", lambda r: r["component"]["features"].pop()),
     "not in both"),
    ("a feature that is none", in_json("bundle.json", lambda r: r["component"]["features"].append("edgeinit_feature_x")),
     "edgeinit_feature_x"),
    ("an argument of an unknown name", replaced("edgeinit.gni", "edgeinit_feature_board = ", "edgeinit_feature_boards = "), "gn,"),
    ("a source that is not there", removed("daemon/host/rule.c"), "rule.c"),
    ("a manifest that is not there", removed("cfg/edgecore.json"), "cfg/edgecore.json"),
    ("a .cfg that nobody installs", added("cfg/init/edgeinit-9.cfg", "{}"), "edgeinit-9.cfg is installed by no target"),
    ("parameters that nobody installs", replaced("BUILD.gn", '    ":edgeinit.para.dac",\n', ""),
     "edgeinit.para.dac is installed by no target"),
    ("a file that is installed elsewhere than the page says", replaced(
        "BUILD.gn", 'relative_install_dir = "edgeinit"', 'relative_install_dir = "edge"'), "/system/etc/edge/edgeinit.json"),
    ("a template's word that 3.1 does not know", replaced(
        "edgeinit.gni", 'edgeinit_protector = {', 'edgeinit_protector = {\n  other_word = "x"'), "gn,"),
    ("events that are not there", removed("hisysevent.yaml"), "hisysevent.yaml"),
    ("a README that is not there", removed("README_zh.md"), "README_zh.md"),
    ("a name that is none", replaced("bundle.json", '"@ohos/edgeinit"', '"@ohos/edge-init"'), "do not fit"),
    ("bundle.json that is none", replaced("bundle.json", '"segment"', 'segment'), "no JSON"),
    ("README.OpenSource without a licence", in_json("third_party/libnl/README.OpenSource", lambda r: r[0].pop("License")),
     'lacks "License"'),
    ("a licence file that is not there", replaced("third_party/libblkid/README.OpenSource", "libblkid/COPYING", "COPYING.x"),
     "there is no"),
    ("another version than is built", replaced("third_party/libcgroup/README.OpenSource", '"3.1.0"', '"3.0.0"'),
     "says version 3.0.0"),
    ("no README.OpenSource", removed("third_party/libcgroup/README.OpenSource"), "no JSON list"),
    ("OAT.xml that is none", replaced("OAT.xml", "</oatconfig>", ""), "OAT.xml"),
    ("an exception without a reason", replaced("OAT.xml", 'type="compatibility" name="LGPL-2.1+"', 'type="" name="LGPL-2.1+"'),
     "policyitem lacks"),
    ("a filter that OAT does not know", replaced("OAT.xml", 'filefilter name="copyrightPolicyFilter"',
                                                 'filefilter name="myFilter"'), "myFilter"),
    ("a source without a licence", replaced("daemon/edgeinit.c", "SPDX-License-Identifier", "SPDX"), "edgeinit.c has no licence"),
    ("another licence", added("LICENSE", "Do what you want."), "not the Apache License"),
]

try:
    tree = tree_with("right")
    found = problems(tree, names, RELEASES)
    ok(found == [], "the component is right, in a tree of 3.1, 3.2, 4.0, 4.1 and 5.0", "\n".join(found))
    # At its place, not at the root: nothing in it says where it is. The keeper and the files, for they need no other part.
    out = os.path.join(tree.root, "out", "outside")
    code, text = tree.gn("gen", out, "--args=")
    files = ["edgeinit-keeper", "etc/init/edgeinit.cfg", "etc/edgeinit/edgeinit.json", "etc/param/edgeinit.para.dac"]
    ran = subprocess.run(["ninja", "-C", out] + files, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         universal_newlines=True, timeout=300, check=False)
    ok(code == 0 and ran.returncode == 0, "the keeper builds there", text + ran.stdout[-2000:])
    ok(read(out, "etc/init/edgeinit.cfg") == read(project, "cfg/init/edgeinit-3.2.cfg"), "the .cfg is that of the release")
    for release, cfg in {"3.1": "edgeinit-3.1.cfg", "3.2": "edgeinit-3.2.cfg", "5.0": "edgeinit-3.2.cfg"}.items():
        targets, text = tree.targets("cfg-" + release, release)
        source = targets[f"//{tree.place}:edgeinit.cfg"]["sources"] if targets else text
        ok(source == [f"//{tree.place}/cfg/init/{cfg}"], f"{release} gets {cfg}", source)
    targets, text = tree.targets("new", "7.5")
    ok(targets is None and "-5.0 for it and all later" in text, "a release that nobody knows is refused", text)
    shutil.rmtree(tree.root)
    for count, (what, change, part) in enumerate(MISTAKES):
        tree = tree_with(str(count), change)
        # Only what compares all releases needs them all.
        found = problems(tree, names, RELEASES if "no target" in part else ["3.1", "5.0"])
        ok(any(part in line for line in found), "refused: " + what, "\n".join(found) or "nothing was found")
        shutil.rmtree(tree.root)
    unittest = os.path.join(project, "out", "edgeinit_unittest")
    ran = subprocess.run([unittest], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True, timeout=300,
                         check=False)
    ok(ran.returncode == 0 and " PASSED " in ran.stdout, "the unit tests for a board pass on this machine", ran.stdout[-2000:])
finally:
    shutil.rmtree(scratch, ignore_errors=True)
corpus.done_testing()
