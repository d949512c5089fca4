"""Writes what Ansible says of the inventories of inventories.json back into it.

    python record.py    # with ansible-core's programs on PATH; recorded with 2.19.14

`ansible` becomes what `ansible-inventory --list` prints, or `null` where it refuses the file: each is read
by the one inventory plugin of its format, and a file that the plugin cannot read is an error.

And writes patterns.tsv anew, what `ansible PATTERN --list-hosts` prints for hosts.ini.
"""

import json
import os
import pathlib
import subprocess
import tempfile

here = pathlib.Path(__file__).parent


def run(*command, **variables):
    environment = {**os.environ, "ANSIBLE_LOCALHOST_WARNING": "0", **variables}
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def inventories():
    file = here / "inventories.json"
    cases = json.loads(file.read_text())
    with tempfile.TemporaryDirectory() as folder:
        for case in cases:
            path = pathlib.Path(folder) / f"hosts.{case['format']}"
            path.write_text(case["text"])
            plugin = {"ini": "ini", "yml": "yaml"}[case["format"]]
            said = run(
                "ansible-inventory", "-i", str(path), "--list",
                ANSIBLE_INVENTORY_ENABLED=plugin, ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED="1",
            )
            case["ansible"] = json.loads(said.stdout) if said.returncode == 0 else None
            (case["ansible"] or {}).get("_meta", {}).pop("profile", None)
    lines = ",\n".join("    " + json.dumps(case, ensure_ascii=False) for case in cases)
    file.write_text(f"[\n{lines}\n]\n")


def patterns():
    file = here / "patterns.tsv"
    lines = []
    for line in file.read_text().splitlines():
        pattern = line.split("\t")[0]
        said = run("ansible", "-i", str(here / "hosts.ini"), "--list-hosts", "--", pattern)
        lines.append(f"{pattern}\t{' '.join(said.stdout.split()[2:])}\n")
    file.write_text("".join(lines))


inventories()
patterns()
