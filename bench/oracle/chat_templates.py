#!/usr/bin/env python3
"""Renders real chat templates as transformers does and writes the expected texts.

    python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install jinja2==3.1.6
    /tmp/oracle/bin/python bench/oracle/chat_templates.py TEMPLATES_DIR \\
        common/src/test/resources/chat-templates/conversations.json EXPECTED.json

TEMPLATES_DIR holds *.jinja files, for example models/templates of llama.cpp, as the source
package of llama-cpp-python carries them (vendor/llama.cpp/models/templates). Then:

    mvn -pl common -am test -Dtest=RealTemplatesTest -Dsurefire.failIfNoSpecifiedTests=false \\
        -Dbaton.templates.dir=TEMPLATES_DIR -Dbaton.templates.expected=EXPECTED.json

jinja2 is set up as transformers' apply_chat_template does it (sandboxed and immutable, trim_blocks,
lstrip_blocks, loop controls, the `generation` tag, its own tojson, raise_exception and
strftime_now); with transformers installed, `--check` compares the two set-ups on every pair.
"""

import argparse
import copy
import datetime
import json
import pathlib
import statistics
import sys
import time

import jinja2
import jinja2.ext
import jinja2.nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

NOW = datetime.datetime(2026, 7, 4, 9, 5, 3)


class Generation(jinja2.ext.Extension):
    """The tag `generation`: a block that prints its body."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        call = self.call_method("_body")
        return jinja2.nodes.CallBlock(call, [], [], body).set_lineno(line)

    def _body(self, caller):
        return caller()


def environment():
    env = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols]
    )

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(
            x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
        )

    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = NOW.strftime
    return env


def variants(conversations):
    """The conversations, and changes of them that templates treat differently."""
    cases = dict(conversations)
    a, b, c = (conversations[name] for name in "abc")
    cases["a-closed"] = {**a, "add_generation_prompt": False}

    strings = copy.deepcopy(c)
    for message in strings["messages"]:
        for call in message.get("tool_calls", []):
            call["function"]["arguments"] = json.dumps(call["function"]["arguments"])
    cases["c-argument-strings"] = strings

    parts = copy.deepcopy(b)
    for message in parts["messages"]:
        message["content"] = [{"type": "text", "text": message["content"]}]
    cases["b-parts"] = parts

    thinking = copy.deepcopy(b)
    thinking["messages"][2]["reasoning_content"] = "Say hello\n first. "
    cases["b-thinking"] = {**thinking, "enable_thinking": True}
    cases["b-no-thinking"] = {**copy.deepcopy(b), "enable_thinking": False}

    ends = copy.deepcopy(b)
    ends["messages"] = ends["messages"][1:3]
    cases["b-answered"] = {**ends, "add_generation_prompt": False}

    documents = copy.deepcopy(b)
    documents["documents"] = [{"title": "T \u00fc", "text": "Some <text>", "doc_id": 7}]
    cases["b-documents"] = documents
    return cases


def render(env, source, context):
    try:
        return {"out": env.from_string(source).render(**context)}
    except Exception as error:  # whatever the template or jinja2 raises is the expected outcome
        return {"error": f"{type(error).__name__}: {error}"}


def check(source, context, result):
    """Whether transformers itself gives the same."""
    from transformers.utils import chat_template_utils

    if "strftime_now" in source:
        return True
    rest = {k: v for k, v in context.items() if k not in ("messages", "tools", "documents")}
    try:
        texts, _ = chat_template_utils.render_jinja_template(
            [copy.deepcopy(context["messages"])],
            tools=context["tools"],
            documents=context["documents"],
            chat_template=source,
            **rest,
        )
        return texts[0] == result.get("out")
    except Exception:
        return "error" in result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("templates", type=pathlib.Path)
    parser.add_argument("conversations", type=pathlib.Path)
    parser.add_argument("expected", type=pathlib.Path)
    parser.add_argument("--check", action="store_true", help="compare with transformers, too")
    parser.add_argument("--time", action="store_true", help="print warm render times")
    args = parser.parse_args()

    env = environment()
    cases = variants(json.loads(args.conversations.read_text("utf-8")))
    results, differ, means = [], [], []
    for file in sorted(args.templates.glob("*.jinja")):
        source = file.read_bytes().decode("utf-8")
        for name, context in cases.items():
            result = render(env, source, copy.deepcopy(context))
            results.append({"template": file.name, "case": name, **result})
            if args.check and not check(source, context, result):
                differ.append((file.name, name))
            if args.time and "out" in result:
                template = env.from_string(source)
                start = time.perf_counter()
                for _ in range(20):
                    template.render(**context)
                means.append((time.perf_counter() - start) / 20 * 1000)
    if not results:
        sys.exit(f"no *.jinja files in {args.templates}")
    args.expected.write_text(
        json.dumps(
            {"now": NOW.isoformat(), "contexts": cases, "pairs": results}, ensure_ascii=False
        ),
        "utf-8",
    )
    rendered = sum("out" in result for result in results)
    print(f"{len(results)} pairs, {rendered} render, {len(results) - rendered} raise")
    if args.check:
        print(f"{len(differ)} differ from transformers {differ}")
    if means:
        print(
            f"jinja2 {jinja2.__version__}: mean {statistics.mean(means):.3f} ms,"
            f" median {statistics.median(means):.3f} ms a render"
        )


if __name__ == "__main__":
    main()
