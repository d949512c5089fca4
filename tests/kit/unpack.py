"""Unpacks modules of Ansible's collections, with what they import: unpack.py PACKAGE FOLDER"""

import re
import sys
import zipfile

MODULES = {
    "ansible.posix": ["acl", "authorized_key", "mount", "sysctl"],
    "community.general": ["ini_file", "pam_limits", "sudoers", "xattr"],
}


def unpack(package, folder):
    names = set(package.namelist())
    left = [
        f"ansible_collections/{collection.replace('.', '/')}/plugins/modules/{module}.py"
        for collection, modules in MODULES.items()
        for module in modules
    ]
    done = set()
    while left:
        name = left.pop()
        if name in done:
            continue
        done.add(name)
        package.extract(name, folder)
        for found in re.findall(r"\bansible_collections\.[\w.]+", package.read(name).decode()):
            path = found.replace(".", "/")
            left += names.intersection({path + ".py", path + "/__init__.py"})


with zipfile.ZipFile(sys.argv[1]) as package:
    unpack(package, sys.argv[2])
