"""The calls that both SDKs make in the same words. A script adds how its SDK connects and where it keeps the headers.

The gateway is named by three variables: TURNPIKE_BASE_URL (ends in /v1), TURNPIKE_API_KEY, TURNPIKE_PROVIDER.
What the SDK returned goes to standard output as JSON, for the test that ran the script to judge.
`walk` reads a list of calls from standard input, so that one process makes them all: each has what it changes of the
gateway, and `is_streamed` and `content`; its answer is what the SDK returned, or what it raised.
A call that fails where it should not ends the script with its traceback.
"""

import argparse
import faulthandler
import json
import os
import sys
from dataclasses import dataclass, field, replace

# Longer than any call a test makes; shorter than the patience of whoever waits for a hung one.
DEADLINE_S = 60


@dataclass(frozen=True)
class Gateway:
    """Where, as whom and how to connect; `debug=False` asks that the content be kept nowhere.

    `max_retries` are the OpenAI SDK's own: none, so that a test sees each answer. Portkey's SDK has no such parameter.
    """

    base_url: str = field(default_factory=lambda: os.environ["TURNPIKE_BASE_URL"])
    api_key: str = field(default_factory=lambda: os.environ["TURNPIKE_API_KEY"])
    provider: str = field(default_factory=lambda: os.environ["TURNPIKE_PROVIDER"])
    trace_id: str | None = None
    metadata: dict | None = None
    config: dict | None = None
    debug: bool | None = None
    cache_force_refresh: bool | None = None
    max_retries: int = 0


def run(description, connect, raw_headers):
    """Makes the call that the command line names and prints its outcome.

    `connect(gateway)` gives the SDK's client; `raw_headers(client, question)` asks and gives the response's headers.
    """
    faulthandler.dump_traceback_later(DEADLINE_S, exit=True)
    options = arguments(description)
    gateway = Gateway(trace_id=options.trace_id, metadata=options.metadata, config=options.config)
    question = ask(options.model, options.content)

    match options.call:
        case "chat":
            outcome = dump(chat(connect(gateway), question))
        case "debug_false":
            outcome = dump(chat(connect(replace(gateway, debug=False)), question))
        case "stream":
            outcome = stream(connect(gateway), question)
        case "completions":
            outcome = dump(connect(gateway).completions.create(model=options.model, prompt=options.content))
        case "embeddings":
            encoding = {} if options.encoding_format is None else {"encoding_format": options.encoding_format}
            outcome = dump(connect(gateway).embeddings.create(model=options.model, input=options.content, **encoding))
        case "models":
            outcome = dump(connect(gateway).models.list())
        case "raw_headers":
            outcome = {"headers": dict(raw_headers(connect(gateway), question))}
        case "walk":
            outcome = [step(connect, gateway, options.model, **call) for call in json.load(sys.stdin)]
        case "error":
            strange = connect(replace(gateway, provider="no-such-provider"))
            locked_out = connect(replace(gateway, api_key="not-a-key"))
            outcome = {
                "unknown_provider": failure(lambda: chat(strange, question)),
                "wrong_key": failure(lambda: chat(locked_out, question)),
            }
    print(json.dumps(outcome))


def arguments(description):
    calls = ["chat", "stream", "completions", "embeddings", "models", "raw_headers", "debug_false", "error", "walk"]
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("call", choices=calls)
    parser.add_argument("--model", default="echo")
    parser.add_argument("--content", default="Say hello.", help="the prompt, or the text to embed")
    parser.add_argument("--trace-id")
    parser.add_argument("--metadata", type=json.loads, help="a JSON object of strings")
    parser.add_argument("--config", type=json.loads, help="a gateway config, as JSON")
    parser.add_argument("--encoding-format", choices=["float", "base64"], help="embeddings only; unset: the SDK's own")
    return parser.parse_args()


def ask(model, content):
    return {"model": model, "messages": [{"role": "user", "content": content}]}


def step(connect, gateway, model, content, is_streamed=False, **changes):
    client, question = connect(replace(gateway, **changes)), ask(model, content)
    try:
        return {"returned": stream(client, question) if is_streamed else dump(chat(client, question))}
    except Exception as error:  # which class it is, is what the test asks
        return {"raised": raised(error)}


def dump(model):
    return model.model_dump(mode="json")


def chat(client, question):
    return client.chat.completions.create(**question)


def stream(client, question):
    """Every chunk as the SDK parsed it, and the text that they add up to."""
    chunks = client.chat.completions.create(**question, stream=True, stream_options={"include_usage": True})
    seen = [dump(chunk) for chunk in chunks]
    deltas = [choice["delta"] for chunk in seen for choice in chunk["choices"] or []]
    return {"chunks": seen, "text": "".join(delta["content"] or "" for delta in deltas)}


def failure(call):
    """What the SDK raised for a call that must fail."""
    try:
        returned = call()
    except Exception as error:  # which class it is, is what the test asks
        return raised(error)
    raise SystemExit(f"the call must fail, but gave {returned!r}")


def raised(error):
    return {
        "class": type(error).__name__,
        "status": getattr(error, "status_code", None),
        "body": getattr(error, "body", None),
        "message": str(error),
    }
