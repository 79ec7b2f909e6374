// The same calls as in calls.py, with the same command line, variables and output, for the SDKs of Node.
"use strict";

const { readFileSync } = require("node:fs");
const { parseArgs } = require("node:util");

// Longer than any call a test makes; shorter than the patience of whoever waits for a hung one.
const DEADLINE_MS = 60_000;

const TEXT = { type: "string" };
const OPTIONS = {
  model: { ...TEXT, default: "echo" },
  content: { ...TEXT, default: "Say hello." },
  "trace-id": TEXT,
  metadata: TEXT,
  config: TEXT,
  "encoding-format": TEXT,
};

/**
 * Makes the call that the command line names and prints its outcome.
 *
 * `connect(gateway)` gives the SDK's client; `rawHeaders(client, question)` asks and gives the response's headers.
 */
async function run(connect, rawHeaders) {
  setTimeout(() => fail(new Error("no end within the deadline")), DEADLINE_MS).unref();
  const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true });
  const { model, content } = values;
  const parsed = (text) => (text === undefined ? undefined : JSON.parse(text));
  const gateway = {
    base_url: process.env.TURNPIKE_BASE_URL,
    api_key: process.env.TURNPIKE_API_KEY,
    provider: process.env.TURNPIKE_PROVIDER,
    trace_id: values["trace-id"],
    metadata: parsed(values.metadata),
    config: parsed(values.config),
    max_retries: 0,
  };
  const question = ask(model, content);
  const client = connect(gateway);
  const calls = {
    chat: () => chat(client, question),
    debug_false: () => chat(connect({ ...gateway, debug: false }), question),
    stream: () => stream(client, question),
    completions: () => client.completions.create({ model, prompt: content }),
    embeddings: () => client.embeddings.create({ model, input: content, encoding_format: values["encoding-format"] }),
    models: async () => ({ data: (await client.models.list()).data }),
    raw_headers: async () => ({ headers: await rawHeaders(client, question) }),
    error: async () => ({
      unknown_provider: await failure(chat(connect({ ...gateway, provider: "no-such-provider" }), question)),
      wrong_key: await failure(chat(connect({ ...gateway, api_key: "not-a-key" }), question)),
    }),
    walk: async () => {
      const answers = [];
      for (const call of JSON.parse(readFileSync(0, "utf8"))) answers.push(await step(connect, gateway, model, call));
      return answers;
    },
  };
  console.log(JSON.stringify(await calls[positionals[0]]()));
}

const ask = (model, content) => ({ model, messages: [{ role: "user", content }] });

const chat = (client, question) => client.chat.completions.create(question);

/** Every chunk as the SDK parsed it, and the text that they add up to. */
async function stream(client, question) {
  const chunks = [];
  const asked = { ...question, stream: true, stream_options: { include_usage: true } };
  for await (const chunk of await client.chat.completions.create(asked)) chunks.push(chunk);
  const deltas = chunks.flatMap((chunk) => chunk.choices ?? []).map((choice) => choice.delta);
  return { chunks, text: deltas.map((delta) => delta.content ?? "").join("") };
}

async function step(connect, gateway, model, { content, is_streamed, ...changes }) {
  const client = connect({ ...gateway, ...changes });
  try {
    return { returned: await (is_streamed ? stream : chat)(client, ask(model, content)) };
  } catch (error) {
    return { raised: raised(error) };
  }
}

/** What the SDK threw for a call that must fail. */
async function failure(call) {
  const returned = await call.then(JSON.stringify, (error) => ({ error }));
  if (returned.error) return raised(returned.error);
  throw new Error(`the call must fail, but gave ${returned}`);
}

const raised = (error) => ({
  class: error.constructor.name,
  status: error.status ?? null,
  body: error.error ?? null,
  message: error.message,
});

function fail(error) {
  console.error(error);
  process.exit(1);
}

exports.run = (...how) => run(...how).catch(fail);
