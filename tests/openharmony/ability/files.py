#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Do the files of sa/ say the same: profile (both forms), .cfg (both), manifest, header, BUILD.gn, policy? A line each:
"ok WHAT" or "bad WHAT"."""
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".."))
ID = 126318
PROCESS = "edgeinit_sa"


def say(condition, what):
    print("ok" if condition else "bad", what)


def text(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def profile_of_xml(path):
    """As the profile in JSON would be, for the tags that sa_main and samgr of 3.x read."""
    root = xml.etree.ElementTree.fromstring(text(path))
    kinds = {"name": int, "libpath": str, "run-on-create": lambda word: word == "true",
             "distributed": lambda word: word == "true", "dump-level": int}
    abilities = [{tag.tag: kinds[tag.tag](tag.text) for tag in ability} for ability in root.findall("systemability")]
    loaded = [path.text for path in root.findall("loadlibs/libpath")]
    return root.tag, {"process": root.findtext("process"), "systemability": abilities}, loaded


profile = json.loads(text(f"sa/{ID}.json"))
ability = profile["systemability"][0]
tag, old, loaded = profile_of_xml(f"sa/{ID}.xml")
say(profile["process"] == PROCESS and len(profile["systemability"]) == 1, "one ability in a process of its own")
say(ability["name"] == ID and f"sa/{ID}.json" in glob.glob("sa/*.json"), "the profile's file has the ability's number")
say(0x00010000 <= ID <= 0x00020000, "which is of the vendors' range")
say(ability["run-on-create"] is True and ability["distributed"] is False,
    "published when its process starts, for hidumper starts nobody; and not to other devices")
say((tag, old) == ("info", profile), "the profile in XML says the same")
say(loaded == [ability["libpath"]], "and what is to be loaded")
header = re.search(r"EDGEINIT_SA_ID = (0x[0-9A-F]+);", text("sa/edgeinit_ability.h"))
say(header and int(header.group(1), 16) == ID, "so does the header")
say(f'ohos_shared_library("{ability["libpath"][3:-len(".z.so")]}")' in text("sa/BUILD.gn"), "the library is one that is built")

manifest = json.loads(re.sub(r"(?m)^//.*$", "", text("sa/50-edgeinit-sa.json")))
readers = manifest["control"]["readers"]
say(set(manifest["control"]) == {"readers"}, "the manifest lets it ask for the status, and for nothing else")
for name, ending in ("sa/edgeinit_sa.cfg", "json"), ("sa/edgeinit_sa-3.cfg", "xml"):
    service, = json.loads(text(name))["services"]
    say(service["name"] == PROCESS, f"{name}: the service has the process's name, by which samgr knows it")
    say(service["path"] == ["/system/bin/sa_main", f"/system/profile/{PROCESS}.{ending}"], f"{name}: sa_main and the profile")
    say([service["uid"]] == service["gid"] == [readers], f"{name}: user and group of its own, the manifest's readers")
    say(service["ondemand"] is True and "critical" not in service, f"{name}: started on demand")
    say(service["apl"] == "normal" and not {"caps", "permission", "permission_acls", "sandbox"} & set(service),
        f"{name}: no capability, no permission, in the sandbox")
    say(service["secon"] == f"u:r:{PROCESS}:s0", f"{name}: a domain of its own")

contexts = glob.glob("sepolicy/**/service_contexts", recursive=True)
lines = [line.split() for path in contexts for line in text(path).splitlines() if line and not line.startswith("#")]
say(not contexts or [str(ID), "u:object_r:sa_edgeinit:s0"] in lines, "the policy knows the number, if it knows any")


def generated(release):
    """gn's view of sa/BUILD.gn in a tree: ours, with templates and external parts that only take what is given."""
    with tempfile.TemporaryDirectory() as tree:
        for path in "BUILD.gn", ".gn", "sa", "build", "daemon", "edgeinit.gni", "third_party", "cfg", "hisysevent.yaml":
            if os.path.isdir(path):
                shutil.copytree(path, os.path.join(tree, path))
            elif os.path.exists(path):
                shutil.copy(path, tree)
        os.makedirs(os.path.join(tree, "build/ohos/sa_profile"))
        with open(os.path.join(tree, "build/ohos/sa_profile/sa_profile.gni"), "w", encoding="utf-8") as file:
            file.write('template("ohos_sa_profile") {\n  copy(target_name) {\n    sources = invoker.sources\n'
                       '    outputs = [ "$root_out_dir/profile/{{source_file_part}}" ]\n    not_needed(invoker, "*")\n  }\n}\n')
        with open(os.path.join(tree, "build/external-deps"), "w", encoding="utf-8") as file:
            file.write('printf "cflags = []\\nlibs = [ \\"%s\\" ]\\n" "$1"\n')
        with open(os.path.join(tree, "build/BUILD.gn"), "r+", encoding="utf-8") as file:
            whole = re.sub(r'(?s)group\("default"\) \{.*?\n\}\n', 'group("default") {\n  deps = [ "//sa:edgeinit_sa_packages" ]\n}\n',
                           file.read())
            file.seek(0)
            file.truncate()
            file.write(whole)
        run = subprocess.run(["gn", "gen", "-q", "out", "--check", f'--args=edgeinit_feature_release = "OpenHarmony-{release}"'], cwd=tree,
                             capture_output=True, text=True, timeout=120, check=False)
        if run.returncode != 0:
            return run.stdout + run.stderr
        asked = [subprocess.run(["gn", "desc", "out", "//sa:" + target, what], cwd=tree, capture_output=True, text=True,
                                timeout=120, check=False).stdout
                 for target, what in (("edgeinit_sa", "libs"), ("edgeinit_sa_profile", "sources"), ("edgeinit_sa_cfg", "sources"))]
        return " ".join(word for answer in asked for word in answer.split())


WANTED = {
    "3.1": f"ipc:ipc_core safwk:system_ability_fwk samgr_standard:samgr_proxy utils_base:utils //sa/{ID}.xml //sa/edgeinit_sa-3.cfg",
    "3.2": f"ipc:ipc_core safwk:system_ability_fwk c_utils:utils samgr:samgr_proxy //sa/{ID}.xml //sa/edgeinit_sa-3.cfg",
    "4.0": f"ipc:ipc_core safwk:system_ability_fwk c_utils:utils samgr:samgr_proxy //sa/{ID}.json //sa/edgeinit_sa.cfg",
}
for release, wanted in WANTED.items():
    found = generated(release)
    if not set(wanted.split()) <= set(found.split()):
        print(found, file=sys.stderr)
    say(set(wanted.split()) <= set(found.split()), f"sa/BUILD.gn in a tree of {release}: its parts, its profile, its .cfg")
