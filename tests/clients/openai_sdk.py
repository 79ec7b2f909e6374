#!/usr/bin/env python3
"""The unmodified OpenAI SDK against a gateway: only the base URL and the default headers are ours."""

import json

from openai import OpenAI

import calls


def connect(gateway):
    headers = {"x-portkey-api-key": gateway.api_key, "x-portkey-provider": gateway.provider}
    if gateway.trace_id is not None:
        headers["x-portkey-trace-id"] = gateway.trace_id
    if gateway.metadata is not None:
        headers["x-portkey-metadata"] = json.dumps(gateway.metadata)
    if gateway.config is not None:
        headers["x-portkey-config"] = json.dumps(gateway.config)
    if gateway.debug is not None:
        headers["x-portkey-debug"] = json.dumps(gateway.debug)
    if gateway.cache_force_refresh is not None:
        headers["x-portkey-cache-force-refresh"] = json.dumps(gateway.cache_force_refresh)
    return OpenAI(
        api_key="unused", base_url=gateway.base_url, default_headers=headers, max_retries=gateway.max_retries
    )


def raw_headers(client, question):
    """All of the response's headers, names in lower case."""
    return client.chat.completions.with_raw_response.create(**question).headers


if __name__ == "__main__":
    calls.run(__doc__, connect, raw_headers)
