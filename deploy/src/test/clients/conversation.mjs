// A conversation, a stream, an error and a disconnect with the official npm client. Prints ok or fails.
import assert from 'node:assert/strict';
import OpenAI from 'openai';

const client = new OpenAI({ baseURL: process.argv[2] + '/v1', apiKey: 'none', maxRetries: 0 });
const model = (await client.models.list()).data[0].id;

const messages = [{ role: 'user', content: 'Hello there' }];
const first = await client.chat.completions.create({ model, messages, max_tokens: 8, temperature: 0 });
assert.ok(['stop', 'length'].includes(first.choices[0].finish_reason));
messages.push({ role: 'assistant', content: first.choices[0].message.content ?? '' });
messages.push({ role: 'user', content: 'And then?' });
const second = await client.chat.completions.create({ model, messages, max_tokens: 8, temperature: 0 });

let text = '';
let finishes = 0;
let usage = null;
const stream = await client.chat.completions.create({
  model, messages, max_tokens: 8, temperature: 0, stream: true, stream_options: { include_usage: true },
});
for await (const chunk of stream) {
  text += chunk.choices[0]?.delta?.content ?? '';
  if (chunk.choices[0]?.finish_reason) finishes++;
  if (chunk.usage) usage = chunk.usage;
}
assert.equal(text, second.choices[0].message.content ?? '');
assert.equal(finishes, 1);
assert.equal(usage.total_tokens, second.usage.total_tokens);

await assert.rejects(
  client.chat.completions.create({ model, messages, top_p: 7 }),
  (error) => error instanceof OpenAI.BadRequestError && error.param === 'top_p',
);

const cut = await client.chat.completions.create({
  model, messages, max_tokens: 200, temperature: 0, stream: true, ignore_eos: true,
});
for await (const chunk of cut) {
  if (chunk.choices.length > 0) break;
}
cut.controller.abort();
console.log('ok');
process.exit(0);
