#!/usr/bin/env python3
"""Makes random small templates and writes what jinja2, set up as transformers does it, makes of each.

    python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install jinja2==3.1.6
    /tmp/oracle/bin/python -W ignore bench/oracle/jinja_cases.py --cases 3000 --seed 7 \\
        common/src/test/resources/chat-templates/generated-tests.json.gz

Left out: what prints an address of Python's, and slices of anything but plain variables, because
jinja2's own answer to a slice of a number depends on whether it folds it as a constant.
"""

import argparse
import copy
import gzip
import json
import random

import chat_templates

CONTEXT = {
    "l": [1, 2, 3, 4],
    "s": "Hello",
    "d": {"a": 1, "b": None, "items": 5, "Z": [1, {"q": "x"}]},
    "m": [{"r": "u", "c": "x"}, {"r": "a", "c": None}, {"r": "B"}],
    "n": None,
    "f": "false",
    "e": "",
    "t": True,
    "u": "a\U0001f600b \u00df\n c",
    "x": 2.5,
    "z": 0,
    "neg": -7,
    "w": " a\tb  \n",
    "big": 12345678901234567890,
    "k": ["b", "A", "c", "a"],
}
NAMES = [*CONTEXT, "nothing"]
LITERALS = """1 0 -1 2 3.5 'a' 'el' '' none true false [] {} [1,2] (1,2) 'a,b' '%s' '{}' {'a':1}
    1e20 0.1 'A' '5' '1.5x'""".split()
FILTERS = """length count upper lower trim title capitalize string list first last join(',') join tojson
    tojson(indent=2) int float abs round round(1) default('q') default('q',true) d reverse|list sort
    sort(reverse=true) unique|list dictsort items|list sum min max safe e escape replace('l','L')
    replace('a','<b>',1) indent(2) indent(2,true) wordcount select|list reject|list
    select('string')|list map('upper')|list map('string')|list map(attribute='r')|list
    selectattr('c')|list selectattr('r','equalto','u')|list rejectattr('c')|list batch(2)|list
    center(9) format(1) attr('upper') int(7) int(base=16) sort(attribute='r')
    map(attribute='c',default='D')|list trim('H') reverse""".split()
TESTS = """defined undefined none string number integer float mapping sequence iterable boolean true false
    odd even divisibleby(2) eq(1) equalto('a') in([1,2]) lower upper callable sameas(none) gt(1)
    ne(2)""".split()
METHODS = """upper() lower() strip() lstrip() rstrip() split() split(',') split('l',1) rsplit('l',1)
    rsplit() split(none,1) rsplit(none,1) splitlines() startswith('He') endswith(('o','x'))
    replace('l','L') replace('','-') replace('l','L',1) find('l') rfind('l') count('l') index('l')
    title() capitalize() zfill(8) ljust(8) rjust(8,'*') center(9) isdigit() isalpha() isspace()
    isupper() islower() join(['a','b']) format(1,a=2) partition('l') rpartition('l')
    removeprefix('He') removesuffix('lo') get('a') get('q',3) keys()|list values()|list items()|list
    items() keys() copy() count(1) index(2) strip('Ho') find('l',2) startswith('l',2)""".split()
OPERATORS = ["+", "-", "*", "/", "//", "%", "~", "~", "+", "**"]
RELATIONS = ["==", "!=", "<", "<=", ">", ">=", "in", "not in"]
SLICES = ["1:", "-2:", ":2", "::-1", "::2", "1:3", "-1:-3:-1", ":-1"]


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.pick = self.random.choice

    def chance(self, share):
        return self.random.random() < share

    def atom(self):
        if self.chance(0.08):
            return f"{self.pick('lsuk')}[{self.pick(SLICES)}]"
        return self.pick(NAMES) if self.chance(0.6) else self.pick(LITERALS)

    def inner(self, depth):
        text = self.expression(depth)
        return f"({text})" if self.chance(0.7) else text

    def expression(self, depth):
        if depth <= 0:
            return self.atom()
        a = lambda: self.expression(depth - 1)
        kind = self.random.random()
        if kind < 0.28:
            return f"{self.inner(depth - 1)}|{self.pick(FILTERS)}"
        if kind < 0.42:
            return f"({a()}).{self.pick(METHODS)}"
        if kind < 0.48:
            index = self.pick(["0", "1", "-1", "9", "'a'", "'items'", "'zz'"])
            return f"({a()})[{index}]"
        if kind < 0.54:
            return f"({a()}).{self.pick(['a', 'items', 'zz', 'r', 'b'])}"
        if kind < 0.64:
            return f"{a()} {self.pick(RELATIONS)} {a()}"
        if kind < 0.74:
            return f"{a()} {self.pick(OPERATORS)} {a()}"
        if kind < 0.80:
            return f"{a()} {self.pick(['and', 'or'])} {a()}"
        if kind < 0.84:
            return f"not {a()}"
        if kind < 0.87:
            return f"-{a()}"
        if kind < 0.93:
            return f"{self.inner(depth - 1)} is {self.pick(['', 'not '])}{self.pick(TESTS)}"
        if kind < 0.96:
            otherwise = f" else {a()}" if self.chance(0.6) else ""
            return f"{a()} if {a()}{otherwise}"
        return self.pick([f"[{a()},{a()}]", f"({a()},)", f"{{'k':{a()}}}", f"({a()})"])

    def loop(self, depth):
        items = self.pick(["l", "m", "d", "s", "k", "nothing", "range(3)", self.expression(2)])
        extra = self.pick(
            ["", "{% set s = i %}{{ s }}", "{% if loop.last %}{% break %}{% endif %}"]
        )
        condition = self.pick(["", " if i", " if loop is defined"])
        otherwise = self.pick(["", "{% else %}E"])
        return (
            f"{{% for i in {items}{condition} %}}{{{{ i }}}}{{{{ loop.index }}}}"
            f"{self.statement(depth)}{extra}{otherwise}{{% endfor %}}"
        )

    def macro(self, depth):
        arguments = self.pick(
            [self.expression(1), "", "1,2,3", "b=2", "1,c=3", "1,2,3,4", "q=1"]
        )
        return (
            "{% macro mm(a,b='B',c=a) %}{{ a }}{{ b }}{{ c }}"
            f"{self.statement(depth)}{{% endmacro %}}{{{{ mm({arguments}) }}}}"
        )

    def statement(self, depth):
        kind = self.random.random()
        if kind < 0.35 or depth <= 0:
            return "{{ " + self.expression(2) + " }}|"
        if kind < 0.50:
            otherwise = self.pick(
                [
                    "",
                    "{% else %}" + self.statement(depth - 1),
                    "{% elif " + self.expression(1) + " %}y",
                ]
            )
            body = self.statement(depth - 1)
            return f"{{% if {self.expression(2)} %}}{body}{otherwise}{{% endif %}}\n"
        if kind < 0.68:
            return self.loop(depth - 1)
        if kind < 0.78:
            value = self.expression(2)
            return f"{{% set {self.pick('svl')} = {value} %}}{self.statement(depth - 1)}"
        if kind < 0.84:
            return f"{{% set v %}}{self.statement(depth - 1)}{{% endset %}}{{{{ v }}}}"
        if kind < 0.92:
            return self.macro(depth - 1)
        if kind < 0.96:
            name = self.pick(["upper", "trim", "e", "replace('l','x')|title"])
            return f"{{% filter {name} %}}{self.statement(depth - 1)}{{% endfilter %}}"
        return (
            f"{{% set ns = namespace(a={self.expression(1)}) %}}"
            "{% set ns.b = ns.a %}{{ ns.b }}{{ ns.zz }}"
        )


def printable(result):
    text = result.get("out", "")
    return not any(mark in text for mark in (" at 0x", "<function", "<bound", "<built-in"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("--cases", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    maker, env, cases = Maker(args.seed), chat_templates.environment(), []
    while len(cases) < args.cases:
        source = "".join(maker.statement(2) for _ in range(maker.pick([1, 1, 2])))
        result = chat_templates.render(env, source, copy.deepcopy(CONTEXT))
        # Most random templates fail; half of the kept ones shall render.
        failed = sum("error" in case for case in cases) if "error" in result else 0
        if printable(result) and len(str(result)) < 2000 and failed * 2 <= len(cases):
            cases.append({"t": source, **result})
    text = json.dumps({"ctx": CONTEXT, "cases": cases}, ensure_ascii=False, indent=0)
    with gzip.GzipFile(args.file, "wb", mtime=0) as out:
        out.write(text.encode("utf-8"))
    print(f"{len(cases)} cases, {sum('out' in case for case in cases)} render")


if __name__ == "__main__":
    main()
