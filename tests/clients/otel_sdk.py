#!/usr/bin/env python3
"""OpenTelemetry's own SDK and exporter, with spans made by hand or by an instrumentation of OpenAI's SDK.

One argument says which: `sdk`, `openinference` or `openllmetry`. A call to the built-in provider is made within a span of our
own, and all spans are sent to the server. One JSON object goes to standard output: what the call was.
"""

import json
import os
import sys

from openai import OpenAI
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

BASE_URL = os.environ["TURNPIKE_BASE_URL"]
API_KEY = os.environ["TURNPIKE_API_KEY"]
PROMPT = "one two three"


def instrument(what, provider):
    if what == "openinference":
        from openinference.instrumentation.openai import OpenAIInstrumentor

        OpenAIInstrumentor().instrument(tracer_provider=provider)
    elif what == "openllmetry":
        os.environ["TRACELOOP_TRACE_CONTENT"] = "true"
        from opentelemetry.instrumentation.openai import OpenAIInstrumentor

        OpenAIInstrumentor().instrument(tracer_provider=provider)


def call():
    headers = {"x-portkey-api-key": API_KEY, "x-portkey-provider": "echo"}
    client = OpenAI(api_key="unused", base_url=BASE_URL, default_headers=headers)
    messages = [{"role": "user", "content": PROMPT}]
    return client.chat.completions.create(model="echo", messages=messages)


def by_hand(tracer, answer):
    """The span that an application would make itself."""
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "echo",
        "gen_ai.request.model": "echo",
        "gen_ai.usage.input_tokens": answer.usage.prompt_tokens,
        "gen_ai.usage.output_tokens": answer.usage.completion_tokens,
        "gen_ai.response.finish_reasons": [answer.choices[0].finish_reason],
        "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": PROMPT}]}]),
        "gen_ai.output.messages": json.dumps(
            [{"role": "assistant", "parts": [{"type": "text", "content": answer.choices[0].message.content}]}]
        ),
    }
    tracer.start_span("chat echo", attributes=attributes).end()


def main():
    what = sys.argv[1]
    exporter = OTLPSpanExporter(endpoint=f"{BASE_URL}/traces", headers={"x-portkey-api-key": API_KEY})
    provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    instrument(what, provider)
    tracer = provider.get_tracer("shop")
    with tracer.start_as_current_span("answer a customer") as span:
        answer = call()
        if what == "sdk":
            by_hand(tracer, answer)
        trace_id = format(span.get_span_context().trace_id, "032x")
    provider.shutdown()
    said = {
        "trace_id": trace_id,
        "model": answer.model,
        "prompt": PROMPT,
        "answer": answer.choices[0].message.content,
        "usage": answer.usage.model_dump(),
    }
    print(json.dumps(said))


if __name__ == "__main__":
    main()
