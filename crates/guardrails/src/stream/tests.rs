#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

#[test]
fn a_chat_stream_comes_to_its_answer_and_back() {
    let stream = br#"data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"he"},"finish_reason":null}]}

: a comment
data: {"id":"c","choices":[{"index":0,"delta":{"content":"llo"},"finish_reason":null},{"index":1,"delta":{"content":"x"}}]}

data: {"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"t","type":"function","function":{"name":"f","arguments":"{\"a\""}}]}}]}

data: {"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]},"finish_reason":"stop"}]}

data: {"id":"c","choices":[],"usage":{"total_tokens":3}}

data: [DONE]

"#;
    let answer = assembled(Endpoint::ChatCompletions, stream).unwrap();
    let message = json!({"role": "assistant", "content": "hello",
        "tool_calls": [{"id": "t", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}}]});
    let expected = json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "usage": {"total_tokens": 3},
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"},
            {"index": 1, "message": {"role": "assistant", "content": "x"}}]});
    assert_eq!(answer, expected);
    let again = assembled(Endpoint::ChatCompletions, &streamed(Endpoint::ChatCompletions, &answer)).unwrap();
    let mut expected = expected;
    expected["choices"][1]["finish_reason"] = Value::Null;
    assert_eq!(again, expected);
}

#[test]
fn a_completions_stream_comes_to_its_answer_and_back() {
    let stream = b"data: {\"object\":\"text_completion\",\"choices\":[{\"index\":0,\"text\":\"a\",\"finish_reason\":null}]}\n\n\
        data: {\"choices\":[{\"index\":0,\"text\":\"b\",\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let answer = assembled(Endpoint::Completions, stream).unwrap();
    assert_eq!(
        answer,
        json!({"object": "text_completion", "choices": [{"index": 0, "text": "ab", "finish_reason": "stop"}]})
    );
    assert_eq!(assembled(Endpoint::Completions, &streamed(Endpoint::Completions, &answer)).unwrap(), answer);
}

#[test]
fn a_messages_stream_comes_to_its_answer_and_back() {
    let answer = json!({"id": "m", "type": "message", "role": "assistant", "model": "c", "stop_reason": "tool_use",
        "stop_sequence": null, "usage": {"input_tokens": 1, "output_tokens": 2},
        "content": [{"type": "text", "text": "hello"}, {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}]});
    let stream = streamed(Endpoint::Messages, &answer);
    assert!(stream.starts_with(b"event: message_start\ndata: "));
    assert!(stream.ends_with(b"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"));
    assert_eq!(assembled(Endpoint::Messages, &stream).unwrap(), answer);
}

#[test]
fn what_is_no_stream_of_the_endpoints_comes_to_nothing() {
    for endpoint in
        [Endpoint::ChatCompletions, Endpoint::Completions, Endpoint::Messages, Endpoint::Embeddings]
    {
        for stream in ["", "data: [DONE]\n\n", "data: {\"error\":{}}\n\n", "{\"choices\":[]}"] {
            assert_eq!(assembled(endpoint, stream.as_bytes()), None, "{endpoint:?} {stream}");
        }
    }
}
