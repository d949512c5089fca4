"""Runs modules of Ansible one after the other in one process: a line of JSON in, a line of JSON out.

In: {"module": NAME, "args": {...}, "check": BOOL, "folder": PATH}; the module's temporary files go to the folder.
A name with dots is that of a module in a collection: `community.general.ini_file`.
Out: what the module said. Of what action plugins do on the controller, only this is done here: the content that
`copy` is given comes in a file of its own, which the module moves.
"""

import contextlib
import importlib
import io
import json
import os
import sys

from ansible.module_utils.testing import patch_module_args


def load(name):
    collection, _, module = name.rpartition(".")
    package = f"ansible_collections.{collection}.plugins" if collection else "ansible"
    return importlib.import_module(f"{package}.modules.{module}")


def run(call):
    module = load(call["module"])
    arguments = dict(call["args"], _ansible_check_mode=call["check"], _ansible_tmpdir=call["folder"])
    if call["module"] == "copy" and "content" in arguments:
        arguments["src"] = os.path.join(call["folder"], "source")
        with open(arguments["src"], "w", newline="") as source:
            source.write(arguments.pop("content"))
    said = io.StringIO()
    with patch_module_args(arguments), contextlib.redirect_stdout(said):
        try:
            module.main()
        except SystemExit:
            pass
        except Exception as error:  # what the module did not foresee
            return json.dumps({"failed": True, "crashed": True, "msg": repr(error)})
    answers = [line for line in said.getvalue().splitlines() if line.startswith("{")]
    return answers[-1] if answers else json.dumps({"failed": True, "msg": "it said nothing"})


os.umask(0o022)
for line in sys.stdin:
    print(run(json.loads(line)), flush=True)
