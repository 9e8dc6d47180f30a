"""A conversation, a stream, an error and a disconnect with the official Python client. Prints ok or fails."""

import json
import sys

import openai
import pydantic

client = openai.OpenAI(base_url=sys.argv[1] + "/v1", api_key="none", max_retries=0)
model = client.models.list().data[0].id

messages = [{"role": "user", "content": "Hello there"}]
first = client.chat.completions.create(model=model, messages=messages, max_tokens=8, temperature=0)
assert first.choices[0].finish_reason in ("stop", "length"), first
assert first.usage.completion_tokens >= 1 and first.usage.prompt_tokens > 0, first
messages += [{"role": "assistant", "content": first.choices[0].message.content or ""}, {"role": "user", "content": "And then?"}]
second = client.chat.completions.create(model=model, messages=messages, max_tokens=8, temperature=0)
assert second.id.startswith("chatcmpl-"), second.id

parts, finish, usage = [], [], None
for chunk in client.chat.completions.create(
        model=model, messages=messages, max_tokens=8, temperature=0, stream=True, stream_options={"include_usage": True}):
    if chunk.choices:
        parts.append(chunk.choices[0].delta.content or "")
        if chunk.choices[0].finish_reason:
            finish.append(chunk.choices[0].finish_reason)
    if chunk.usage:
        usage = chunk.usage
assert "".join(parts) == (second.choices[0].message.content or ""), (parts, second)
assert len(finish) == 1 and usage.total_tokens == second.usage.total_tokens, (finish, usage)

try:
    client.chat.completions.create(model=model, messages=messages, temperature=-1)
    raise SystemExit("a negative temperature was accepted")
except openai.BadRequestError as error:
    assert error.param == "temperature", error

try:
    client.chat.completions.create(model="no-such-model", messages=messages)
    raise SystemExit("an unknown model was accepted")
except openai.NotFoundError as error:
    assert error.code == "model_not_found", error

stream = client.chat.completions.create(
    model=model, messages=messages, max_tokens=200, temperature=0, stream=True, extra_body={"ignore_eos": True})
next(iter(stream))
stream.close()



class Person(pydantic.BaseModel):
    name: str = pydantic.Field(min_length=1, max_length=10)
    age: int = pydantic.Field(ge=0, le=120)
    friend: "Person | None" = None


parsed = client.chat.completions.parse(
    model=model, messages=messages, max_tokens=400, temperature=1, seed=3, response_format=Person)
if parsed.choices[0].finish_reason == "stop":
    assert isinstance(parsed.choices[0].message.parsed, Person), parsed

tools = [{"type": "function", "function": {
    "name": "get_weather", "description": "The weather of a city", "parameters": {
        "type": "object", "properties": {"city": {"type": "string", "maxLength": 8}, "days": {"type": "integer", "minimum": 1, "maximum": 7}},
        "required": ["city", "days"], "additionalProperties": False}}}]
asked = dict(model=model, messages=messages, tools=tools, tool_choice="required", parallel_tool_calls=False, max_tokens=200, temperature=1, seed=5)
whole = client.chat.completions.create(**asked).choices[0]
assert whole.finish_reason == "tool_calls" and whole.message.content is None, whole
call = whole.message.tool_calls[0]
assert call.function.name == "get_weather" and 1 <= json.loads(call.function.arguments)["days"] <= 7, call
names, arguments, ends = [], [], []
for chunk in client.chat.completions.create(**asked, stream=True):
    for choice in chunk.choices:
        for delta in choice.delta.tool_calls or []:
            assert delta.index == 0, delta
            names.append(delta.function.name or "")
            arguments.append(delta.function.arguments or "")
        ends.append(choice.finish_reason or "")
assert "".join(names) == "get_weather" and "".join(arguments) == call.function.arguments, (names, arguments, call)
assert "".join(ends) == "tool_calls", ends
answered = messages + [whole.message.model_dump(exclude_none=True), {"role": "tool", "tool_call_id": call.id, "content": "sunny"}]
assert client.chat.completions.create(model=model, messages=answered, tools=tools, max_tokens=4).choices

try:
    client.chat.completions.create(model=model, messages=messages, extra_body={"guided_json": {"multipleOf": 3}})
    raise SystemExit("a keyword that is not honoured was accepted")
except openai.BadRequestError as error:
    assert error.param == "guided_json" and "#/multipleOf" in str(error), error

text = client.completions.create(model=model, prompt="One two three", max_tokens=4, temperature=0, logprobs=2)
assert len(text.choices[0].logprobs.tokens) == 4 or text.choices[0].finish_reason == "stop", text
print("ok")
