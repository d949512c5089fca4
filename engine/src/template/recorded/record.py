"""Writes what Ansible renders for the templates of cases.json and generated.json back into them.

    python record.py    # with ansible-core installed; recorded with 2.19.14 and Jinja2 3.1.6

Rendered as the action plugin `template` renders a file: its default options, and a result that is no
text written as `str` writes it.
"""

import json
import pathlib

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

here = pathlib.Path(__file__).parent
variables = json.loads((here / "variables.json").read_text())
options = {"trim_blocks": True, "lstrip_blocks": False, "newline_sequence": "\n"}


def record(path):
    cases = json.loads(path.read_text())
    for case in cases:
        templar = Templar(DataLoader(), variables=variables)
        template = trust_as_template(case["template"])
        try:
            result = templar.template(template, escape_backslashes=False, overrides=options)
            case["ansible"] = "" if result is None else str(result)
        except Exception as error:
            print(f"{case['template']!r}: {error}")
            case["ansible"] = None
    lines = ",\n".join("    " + json.dumps(case, ensure_ascii=False) for case in cases)
    path.write_text(f"[\n{lines}\n]\n")


for name in ["cases.json", "generated.json"]:
    record(here / name)
