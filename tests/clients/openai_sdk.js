// The unmodified OpenAI SDK against a gateway: only the base URL and the default headers are ours.
"use strict";

const { OpenAI } = require("openai");

const calls = require("./calls.js");

function connect(gateway) {
  const told = {
    "api-key": gateway.api_key,
    provider: gateway.provider,
    "trace-id": gateway.trace_id,
    metadata: gateway.metadata,
    config: gateway.config,
    debug: gateway.debug,
    "cache-force-refresh": gateway.cache_force_refresh,
  };
  const text = (value) => (typeof value === "string" ? value : JSON.stringify(value));
  const given = Object.entries(told).filter(([, value]) => value !== undefined);
  const defaultHeaders = Object.fromEntries(given.map(([name, value]) => [`x-portkey-${name}`, text(value)]));
  return new OpenAI({ apiKey: "unused", baseURL: gateway.base_url, defaultHeaders, maxRetries: gateway.max_retries });
}

/** All of the response's headers, names in lower case. */
async function rawHeaders(client, question) {
  return Object.fromEntries((await client.chat.completions.create(question).asResponse()).headers);
}

calls.run(connect, rawHeaders);
