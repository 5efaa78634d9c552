"""Renders published chat templates with Jinja2, set up as Hugging Face's transformers does.

Reads what scripts/vocabularies/fetch unpacked, writes templates.json: the conversations, and for
each template its source and what every conversation becomes, or that it fails.
"""

import datetime
import json
import pathlib
import re
import sys

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

NOW = datetime.datetime(2026, 3, 4, 5, 6, 7)
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "0": "\0"}

# Templates of models whose tokenizer is at hand: their prompts are compared token by token.
TOKENIZERS = {
    "library/deepseek-r1:latest": "deepseek-v3",
    "library/deepseek-v3:671b": "deepseek-v3",
    "library/gemma2:2b": "gemma",
    "library/gemma3:1b": "gemma3",
    "library/llama2:7b": "llama2",
    "library/llama3:8b": "llama3",
    "library/llama3.1:8b": "llama3.1",
    "library/llama3.2:3b": "llama3.1",
    "library/mistral:7b-instruct-fp16": "mistral-v3",
    "library/phi3:3.8b": "phi3",
    "library/phi3.5:3.8b": "phi3",
    "library/phi4:14b": "phi4",
    "library/phi4-mini:3.8b": "phi4-mini",
    "library/qwen2:0.5b": "qwen2.5",
    "library/qwen2.5:0.5b": "qwen2.5",
    "library/qwen3:0.6b": "qwen3",
    "library/qwen3-coder:30b": "qwen3",
    "library/tinyllama:1.1b": "llama2",
}


class Generation(jinja2.ext.Extension):
    """The tag that marks what the model wrote; it renders its body."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.If(jinja2.nodes.Const(True), body, [], []).set_lineno(line)


def environment():
    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(
            value,
            ensure_ascii=ensure_ascii,
            indent=indent,
            separators=separators,
            sort_keys=sort_keys,
        )

    result = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols]
    )
    result.filters["tojson"] = tojson
    result.globals["raise_exception"] = raise_exception
    result.globals["strftime_now"] = NOW.strftime
    return result


def message(role, content, **fields):
    return {"role": role, "content": content, **fields}


def call(name, arguments, call_id="call12345"):
    return {"type": "function", "id": call_id, "function": {"name": name, "arguments": arguments}}


WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tells the weather at a place.",
        "parameters": {
            "type": "object",
            "properties": {
                "place": {"type": "string", "description": 'City, "country" <b>&\'é'},
                "days": {"type": "integer", "default": 3},
            },
            "required": ["place"],
        },
    },
}
BOOK = {
    "type": "function",
    "function": {
        "name": "book",
        "description": "Books a trip.\nTwo lines; naïve 日本 🙂",
        "parameters": {
            "type": "object",
            "properties": {
                "stops": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "city": {"type": "string", "enum": ["Oslo", "Zürich", "東京"]},
                            "nights": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
                            "price": {"type": "number", "minimum": 0.5, "maximum": 1e6},
                        },
                        "required": ["city"],
                        "additionalProperties": False,
                    },
                },
                "class": {"type": ["string", "null"], "default": None},
                "flexible": {"type": "boolean", "default": True},
            },
            "required": [],
        },
        "return": {"type": "object", "properties": {"id": {"type": "string"}}},
    },
}
EMPTY_TOOL = {
    "type": "function",
    "function": {
        "name": "now",
        "description": "",
        "parameters": {"type": "object", "properties": {}},
    },
}


def conversations():
    hello = message("user", "Hello, who are you?")
    system = message("system", "You are a helpful assistant.")
    answer = message("assistant", "I am a model.")
    again = message("user", "What can you do?")
    asked = message("user", "Weather in Oslo?")
    calling = message(
        "assistant", None, tool_calls=[call("get_weather", {"place": "Oslo", "days": 2})]
    )
    as_text = message("assistant", "", tool_calls=[call("get_weather", '{"place": "Oslo"}')])
    told = message(
        "tool", '{"sky": "clear", "degrees": -3.5}', name="get_weather", tool_call_id="call12345"
    )
    parts = [{"type": "text", "text": "Look at "}, {"type": "text", "text": "this."}]
    image = [{"type": "image"}, {"type": "text", "text": "What is it?"}]
    thought = "<think>\nLet me see.\n</think>\n\nIt is 4."
    cases = {
        "user": [hello],
        "system": [system, hello],
        "turns": [hello, answer, again],
        "system and turns": [system, hello, answer, again],
        "ends with assistant": [hello, answer],
        "system only": [system],
        "empty list": [],
        "unicode": [
            message("system", "Réponds en français 🇫🇷."),
            message("user", "Ça va? שלום 日本語 👩‍👩‍👧 é"),
        ],
        "empty user": [message("user", "")],
        "empty system": [message("system", ""), hello],
        "empty assistant": [hello, message("assistant", ""), again],
        "white space": [
            message("system", "  a \n"),
            message("user", "\n\n b\t \n"),
            message("assistant", " c \n\n"),
            message("user", " d "),
        ],
        "quotes": [message("user", 'it\'s "quoted" \\ back\\nslash {{ x }} {% if %} {# c #}')],
        "control strings": [
            message("user", "<|im_end|>\n<|im_start|>system\n[/INST] </s><|eot_id|><end_of_turn>")
        ],
        "none content": [hello, message("assistant", None), again],
        "no content": [hello, {"role": "assistant"}, again],
        "two systems": [system, message("system", "Be brief."), hello],
        "late system": [hello, answer, message("system", "Be brief."), again],
        "developer": [message("developer", "Be brief."), hello],
        "starts with assistant": [answer, hello],
        "two users": [hello, again],
        "unknown role": [hello, message("critic", "Hm.")],
        "names": [
            message("user", "Hi", name="ann"),
            message("assistant", "Hi!", name="bot"),
            message("user", "Bye", name="ann"),
        ],
        "ten turns": [
            m for i in range(5) for m in (message("user", f"q{i}"), message("assistant", f"a{i}"))
        ]
        + [again],
        "thought in content": [hello, message("assistant", thought), again],
        "thought last": [hello, message("assistant", thought)],
        "reasoning field": [
            hello,
            message("assistant", "It is 4.", reasoning_content="Let me see."),
            again,
        ],
        "thinking field": [hello, message("assistant", "It is 4.", thinking="Let me see."), again],
        "parts": [
            message("system", [{"type": "text", "text": "Be kind."}]),
            message("user", parts),
        ],
        "image": [message("user", image)],
        "tool result without call": [asked, told],
        "ipython": [asked, message("ipython", {"output": [1, 2.5, None, True]})],
    }
    result = [{"name": name, "messages": messages} for name, messages in cases.items()]
    tools = [WEATHER, BOOK, EMPTY_TOOL]
    with_tools = {
        "tools": [asked],
        "tools and system": [system, asked],
        "call": [asked, calling],
        "call and result": [asked, calling, told],
        "call as text": [asked, as_text, told],
        "whole round": [system, asked, calling, told, message("assistant", "Clear."), again],
        "call with words": [asked, calling | {"content": "Let me look."}, told],
        "two calls": [
            asked,
            message(
                "assistant",
                "",
                tool_calls=[
                    call("get_weather", {"place": "Zürich"}, "call00001"),
                    call("now", {}, "call00002"),
                ],
            ),
            message("tool", "dry", name="get_weather", tool_call_id="call00001"),
            message(
                "tool", [{"type": "text", "text": "noon"}], name="now", tool_call_id="call00002"
            ),
        ],
        "call after thought": [
            asked,
            calling | {"content": thought, "reasoning_content": "Hm."},
            told,
        ],
        "nested arguments": [
            asked,
            message(
                "assistant",
                "",
                tool_calls=[
                    call(
                        "book",
                        {
                            "stops": [{"city": "東京", "nights": None, "price": 12.5}],
                            "flexible": True,
                            "class": "a'b\"<c>",
                        },
                    )
                ],
            ),
            message("tool", "{}", name="book", tool_call_id="call12345"),
        ],
    }
    for name, messages in with_tools.items():
        result.append({"name": name, "messages": messages, "tools": tools})
    options = {
        "no thinking": {"enable_thinking": False},
        "thinking": {"enable_thinking": True},
        "thinking true": {"thinking": True},
        "low effort": {"reasoning_effort": "low"},
        "date": {"date_string": "01 Jan 2025"},
        "documents": {
            "documents": [
                {"title": "A", "text": "One.", "doc_id": 1},
                {"title": "B", "text": 'Two "2".', "doc_id": 2},
            ]
        },
        "tools in system": {"tools": tools, "tools_in_user_message": False},
        "built-in tools": {"tools": tools, "builtin_tools": ["brave_search", "code_interpreter"]},
    }
    for name, extra in options.items():
        result.append({"name": name, "messages": [system, hello, answer, again], **extra})
    result = [
        case | {"add_generation_prompt": prompt} for case in result for prompt in (True, False)
    ]
    # As transformers does: what is not given is None, not undefined.
    return [{"tools": None, "documents": None, **case} for case in result]


def unescape(literal):
    def character(match):
        code = match.group(1)
        if code[0] in "ux":
            return chr(int(code[1:].strip("{}"), 16))
        return ESCAPES.get(code, code)

    return re.sub(
        r"\\(u\{[0-9a-fA-F]+\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)",
        character,
        literal[1:-1],
        flags=re.S,
    )


def templates(folder):
    """Name, tokenizer, begin and end of sequence, source."""
    for config in sorted(folder.glob("*/tokenizer_config.json")):
        settings = json.loads(config.read_text("utf-8"))
        source = settings.get("chat_template")
        if isinstance(source, str):
            names = [settings.get(key) or "" for key in ("bos_token", "eos_token")]
            texts = [name["content"] if isinstance(name, dict) else name for name in names]
            yield config.parent.name, config.parent.name, *texts, source
    listing = (folder / "npm/templates/chat-template-automap.ts").read_text("utf-8")
    literal = r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'"""
    seen = set()
    for name, source in re.findall(rf'model: "([^"]+)",\s*gguf:\s*({literal})', listing):
        tokenizer = TOKENIZERS.get(name, "")
        source = unescape(source)
        if source not in seen:
            seen.add(source)
            yield name, tokenizer, *control_tokens(folder, tokenizer), source


def control_tokens(folder, tokenizer):
    config = folder / tokenizer / "tokenizer_config.json"
    if not tokenizer or not config.exists():
        return "<s>", "</s>"
    settings = json.loads(config.read_text("utf-8"))
    names = [settings.get(key) or "" for key in ("bos_token", "eos_token")]
    return [name["content"] if isinstance(name, dict) else name for name in names]


def render(template, variables):
    try:
        return {"text": template.render(**variables)}
    except jinja2.exceptions.TemplateError as e:
        return {"error": str(e)}
    except (TypeError, ValueError, KeyError, AttributeError) as e:
        return {"error": f"{type(e).__name__}: {e}"}


def main():
    folder = pathlib.Path(sys.argv[1])
    cases = conversations()
    env = environment()
    rows = []
    for name, tokenizer, bos, eos, source in templates(folder):
        template = env.from_string(source)
        names = {"bos_token": bos, "eos_token": eos}
        rows.append(
            {
                "name": name,
                "tokenizer": tokenizer,
                **names,
                "source": source,
                "expected": [
                    render(template, {k: v for k, v in case.items() if k != "name"} | names)
                    for case in cases
                ],
            }
        )
    result = {"conversations": cases, "templates": rows}
    (folder / "templates.json").write_text(json.dumps(result, ensure_ascii=False), "utf-8")
    rendered = sum("text" in e for row in rows for e in row["expected"])
    print(f"templates: {len(rows)}, conversations: {len(cases)}, rendered: {rendered}")


main()
