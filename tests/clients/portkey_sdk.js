// The unmodified Portkey SDK against a gateway: only the base URL is ours.
"use strict";

const { Portkey } = require("portkey-ai");

const calls = require("./calls.js");

function connect(gateway) {
  return new Portkey({
    apiKey: gateway.api_key,
    baseURL: gateway.base_url,
    provider: gateway.provider,
    traceID: gateway.trace_id,
    metadata: gateway.metadata,
    config: gateway.config,
    debug: gateway.debug,
    cacheForceRefresh: gateway.cache_force_refresh,
  });
}

/** The headers that the SDK keeps: those of the gateway, with the `x-portkey-` cut off their names. */
async function rawHeaders(client, question) {
  return (await client.chat.completions.create(question)).getHeaders();
}

calls.run(connect, rawHeaders);
