"""A conversation, a stream, an error and a disconnect with the official Python client. Prints ok or fails."""

import sys

import openai

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

text = client.completions.create(model=model, prompt="One two three", max_tokens=4, temperature=0, logprobs=2)
assert len(text.choices[0].logprobs.tokens) == 4 or text.choices[0].finish_reason == "stop", text
print("ok")
