#!/usr/bin/env python3
"""The unmodified Portkey SDK against a gateway: only the base URL is ours."""

from portkey_ai import Portkey

import calls


def connect(gateway):
    return Portkey(
        api_key=gateway.api_key,
        base_url=gateway.base_url,
        provider=gateway.provider,
        trace_id=gateway.trace_id,
        metadata=gateway.metadata,
        config=gateway.config,
        debug=gateway.debug,
        cache_force_refresh=gateway.cache_force_refresh,
    )


def raw_headers(client, question):
    """The headers that the SDK keeps: those of the gateway, with the `x-portkey-` cut off their names."""
    return client.chat.completions.create(**question).get_headers()


if __name__ == "__main__":
    calls.run(__doc__, connect, raw_headers)
