//! Embeddings: unit vectors made of a hash of the input. They say nothing about its meaning.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::request::{Refusal, Request};
use super::{Answer, json_answer};

const DEFAULT_DIMENSIONS: usize = 8;
const MAX_DIMENSIONS: usize = 4096;
const MAX_INPUTS: usize = 2048;
/// Over all the vectors of an answer.
const MAX_NUMBERS: usize = 1 << 18;

/// A vector for each input: a text, or a list of token numbers.
pub(super) fn embed(body: &[u8]) -> Result<Answer, Refusal> {
    let request = Request::parse(body)?;
    let model = request.model()?;
    let inputs = inputs(&request)?;
    let dimensions = request.number("dimensions")?.unwrap_or(DEFAULT_DIMENSIONS);
    if !(1..=MAX_DIMENSIONS).contains(&dimensions) {
        return Err(Refusal::bad("dimensions", "must be from 1 to 4096"));
    }
    if inputs.len() * dimensions > MAX_NUMBERS {
        return Err(Refusal::bad("dimensions", "times the number of inputs must be at most 262144"));
    }
    let as_base64 = match request.get("encoding_format").map(Value::as_str) {
        None | Some(Some("float")) => false,
        Some(Some("base64")) => true,
        Some(_) => return Err(Refusal::bad("encoding_format", "must be float or base64")),
    };
    let data: Vec<Value> = inputs
        .iter()
        .enumerate()
        .map(|(index, input)| {
            let vector = vector(&input.bytes, dimensions);
            let embedding = if as_base64 { base64_of(&vector).into() } else { json!(vector) };
            json!({ "object": "embedding", "index": index, "embedding": embedding })
        })
        .collect();
    let tokens: usize = inputs.iter().map(|input| input.tokens).sum();
    let usage = json!({ "prompt_tokens": tokens, "total_tokens": tokens });
    Ok(json_answer(200, &json!({ "object": "list", "data": data, "model": model, "usage": usage })))
}

struct Input {
    bytes: Vec<u8>,
    tokens: usize,
}

fn inputs(request: &Request) -> Result<Vec<Input>, Refusal> {
    let bad =
        || Refusal::bad("input", "must be a text, a list of 1 to 2048 texts, or token numbers likewise");
    let input = request.get("input").ok_or_else(bad)?;
    if let Some(one) = text_or_tokens(input) {
        return Ok(vec![one]);
    }
    let list = input.as_array().filter(|list| (1..=MAX_INPUTS).contains(&list.len())).ok_or_else(bad)?;
    list.iter().map(text_or_tokens).collect::<Option<_>>().ok_or_else(bad)
}

fn text_or_tokens(input: &Value) -> Option<Input> {
    match input {
        Value::String(text) if !text.is_empty() => {
            Some(Input { bytes: text.clone().into_bytes(), tokens: text.split_whitespace().count() })
        }
        Value::Array(numbers) if !numbers.is_empty() && numbers.iter().all(Value::is_u64) => {
            let bytes = numbers.iter().filter_map(Value::as_u64).flat_map(u64::to_le_bytes).collect();
            Some(Input { bytes, tokens: numbers.len() })
        }
        _ => None,
    }
}

fn vector(input: &[u8], dimensions: usize) -> Vec<f32> {
    let mut state = fnv1a(input);
    let raw: Vec<f32> = (0..dimensions).map(|_| signed_unit(splitmix(&mut state))).collect();
    let length = raw.iter().map(|x| x * x).sum::<f32>().sqrt();
    raw.iter().map(|x| x / length).collect()
}

/// FNV-1a, 64 bits.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// The next number of the splitmix64 sequence.
fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// From the top 16 bits, between -1 and 1 and never 0, so that a vector has a length.
fn signed_unit(bits: u64) -> f32 {
    let [high, low, ..] = bits.to_be_bytes();
    (f32::from(u16::from_be_bytes([high, low])) - 32767.5) / 32768.0
}

/// Little-endian 32-bit floats, as `OpenAI` encodes them.
fn base64_of(vector: &[f32]) -> String {
    let bytes: Vec<u8> = vector.iter().copied().flat_map(f32::to_le_bytes).collect();
    STANDARD.encode(bytes)
}
