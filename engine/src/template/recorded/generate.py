"""Writes templates of the constructs that people use most, put together at random, into generated.json.

    python generate.py && python record.py
"""

import json
import pathlib
import random

COUNT = 400
choose = random.Random(20261123)
one = choose.choice

TEXTS = ["name", "umlaut", "quoted", "spaced", "path", "version", "empty", "'a b'", "shop.name", "users[0].name"]
NUMBERS = ["port", "load", "half", "one", "numbers[0]", "7", "number_text | int", "words | length", "'x' | int", "-3"]
LISTS = ["words", "numbers", "shop.hosts", "[]", "['b', 'a']", "users | map(attribute='name') | list", "range(3) | list"]
TRUTHS = ["yes", "no", "empty", "words", "port > 80", "name == 'web1'", "missing is defined", "shop.tls", "nothing is none"]


def text(depth):
    if depth == 0:
        return one(TEXTS)
    inner = text(depth - 1)
    return one([
        inner,
        f"{inner} | upper",
        f"{inner} | lower",
        f"{inner} | title",
        f"{inner} | capitalize",
        f"{inner} | trim",
        f"{inner} | replace('s', '_')",
        f"{inner} | default('none at all')",
        f"{inner} | default('other', true)",
        f"{inner} | quote",
        f"{inner} | regex_replace('[aeiou]+', '<\\\\g<0>>')",
        f"{inner} | first | default('-')",
        f"missing | default({one(TEXTS)})",
        f"({inner}) ~ '/' ~ ({number(0)})",
        f"{items(depth - 1)} | join({one([repr(', '), repr(''), 'name'])})",
        f"{inner} if {truth(depth - 1)} else {one(TEXTS)}",
    ])


def number(depth):
    if depth == 0:
        return one(NUMBERS)
    inner = number(depth - 1)
    return one([
        inner,
        f"({inner}) + ({number(0)})",
        f"({inner}) * 2",
        f"({inner}) // 2",
        f"({inner}) % 4",
        f"{inner} | int",
        f"{inner} | float",
        f"{inner} | abs",
        f"{inner} | round",
        f"({inner}) | round(1)",
        f"{items(depth - 1)} | length",
        f"{text(depth - 1)} | length",
        "numbers | sum",
        "numbers | max",
        "numbers | min",
    ])


def items(depth):
    if depth == 0:
        return one(LISTS)
    inner = items(depth - 1)
    return one([
        inner,
        f"{inner} | unique",
        f"{inner} | reverse | list",
        f"{inner} | map('string') | list",
        f"{inner} | map('string') | sort",
        f"{inner} | map('string') | map('upper') | list",
        f"{inner} | reject('equalto', 'apple') | list",
        f"({inner}) + ({items(0)})",
        f"({inner})[:2]",
        f"({inner})[1:]",
        f"users | selectattr('admin') | map(attribute='uid') | list",
        f"users | rejectattr('admin') | map(attribute='name') | list",
        f"users | sort(attribute='uid', reverse=true) | map(attribute='name') | list",
    ])


def truth(depth):
    if depth == 0:
        return one(TRUTHS)
    return one([
        truth(0),
        f"not ({truth(depth - 1)})",
        f"({truth(0)}) and ({truth(depth - 1)})",
        f"({truth(0)}) or ({truth(depth - 1)})",
        f"({number(0)}) >= ({number(0)})",
        f"'e' in ({one(TEXTS)})",
        f"({one(TEXTS)}) is match('[a-w]')",
        f"({number(0)}) is number",
    ])


def tag(words):
    return "{%" + one(["", "", "", "-"]) + f" {words} " + one(["", "", "", "-"]) + "%}"


def shown(expression):
    return "{{" + one(["", "", "", "-"]) + f" {expression} " + one(["", "", "", "-"]) + "}}"


def plain():
    return one(["server {\n", "# note\n", "  key = ", "\n", "\n\n", "\t", "x", " y ", "ü: ", "'q' \"r\" \\n\n", "$1 %s\n"])


def piece(depth):
    kind = choose.randrange(10 if depth > 0 else 4)
    if kind == 0:
        return plain()
    if kind < 4:
        expression = one([text, text, number, items, truth])(choose.randrange(3))
        return shown(expression) + one(["", "\n", " "])
    if kind < 6:
        otherwise = one(["", tag("else") + body(depth - 1), tag(f"elif {truth(1)}") + body(depth - 1) + tag("else") + plain()])
        return tag(f"if {truth(2)}") + one(["", "\n"]) + body(depth - 1) + otherwise + tag("endif") + one(["", "\n"])
    if kind < 8:
        about = one(["{{ loop.index }}: {{ item }}", "{{ item }}{% if not loop.last %}, {% endif %}", "{{ loop.index0 }}/{{ loop.length }}\n",
                     "{{ 'first ' if loop.first }}{{ item }}\n", "- {{ item | upper if item is string else item }}\n", "{{ loop.revindex }} "])
        among = one(["", "", f" if item != {one(['1', repr('apple')])}"])
        otherwise = one(["", "", tag("else") + "nothing\n"])
        return tag(f"for item in {items(1)}{among}") + one(["", "\n"]) + about + otherwise + tag("endfor") + one(["", "\n"])
    if kind == 8:
        return one([
            "{% for key, value in shop | dictsort %}\n{{ key }}={{ value }}\n{% endfor %}\n",
            "{% for user in users %}{{ user.name }}:{{ user.groups | join(',') }}\n{% endfor %}",
            "{% set total = " + number(1) + " %}\n{{ total }}\n",
            "{# a comment #}\n",
            "{% raw %}{{ not this }}{% endraw %}\n",
            "{{ " + one(["shop", "words", "users[0]"]) + " | " + one(["to_json", "to_nice_json", "to_nice_yaml"]) + " }}\n",
        ])
    return "{% set it = " + text(1) + " %}" + shown("it | default('')") + "\n"


def body(depth):
    return "".join(piece(depth) for _ in range(choose.randrange(1, 4)))


templates = []
while len(templates) < COUNT:
    template = body(2)
    if template not in templates:
        templates.append(template)

path = pathlib.Path(__file__).parent / "generated.json"
path.write_text(json.dumps([{"template": template, "ansible": None} for template in templates]))
