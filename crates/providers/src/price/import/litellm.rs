//! `LiteLLM`'s list: <https://github.com/BerriAI/litellm/blob/main/model_prices_and_context_window.json>. USD a token; a field
//! for each kind, with the tier and the bound of a long input in its name.

use super::{Fields, Price, Taking, long_of, slug};
use crate::object::string;
use crate::price::PerToken;

/// USD, in pico-dollars: 10^12.
const USD: i64 = 12;

/// The entry that explains the others.
const SAMPLE: &str = "sample_spec";

/// Their names of providers that have another here; what ends with `*` begins so.
const PROVIDERS: [(&str, &str); 17] = [
    ("azure", "azure-openai"),
    ("azure_text", "azure-openai"),
    ("azure_ai", "azure-ai"),
    ("bedrock_converse", "bedrock"),
    ("codestral", "mistral-ai"),
    ("cohere_chat", "cohere"),
    ("fireworks_ai*", "fireworks-ai"),
    ("gemini", "google"),
    ("mistral", "mistral-ai"),
    ("novita", "novita-ai"),
    ("perplexity", "perplexity-ai"),
    ("text-completion-codestral", "mistral-ai"),
    ("text-completion-openai", "openai"),
    ("together_ai*", "together-ai"),
    ("vertex_ai*", "vertex-ai"),
    ("xai", "x-ai"),
    ("zai", "z-ai"),
];

/// Takes a model's prices.
pub(super) fn take(taking: &mut Taking, name: &str, found: &Fields) {
    if name == SAMPLE {
        return;
    }
    let before = taking.import.left_out.len();
    let theirs = found.get("litellm_provider").and_then(|raw| string(raw).ok());
    let Some(theirs) = theirs.filter(|theirs| !theirs.is_empty()) else {
        return taking.leave_out(name, &"no litellm_provider");
    };
    let mut price = Price::default();
    for (field, raw) in found {
        let path = || format!("{name}: {field}");
        if !field.contains("cost") && field != "tiered_pricing" {
            continue; // No price.
        }
        match place(field) {
            Some(place) => {
                if let Some(given) = taking.price(&path(), raw, USD) {
                    *place.of(&mut price) = Some(given);
                }
            }
            None => taking.leave_out_price(&path(), raw),
        }
    }
    let model = name.strip_prefix(theirs.as_ref()).and_then(|rest| rest.strip_prefix('/'));
    let model = model.or_else(|| name.strip_prefix(family(&theirs))?.strip_prefix('/'));
    taking.put(&ours(&theirs), model.unwrap_or(name), price, before);
}

/// `vertex_ai` of `vertex_ai-language-models`: what their models' names begin with.
fn family(theirs: &str) -> &str {
    theirs.split_once('-').map_or(theirs, |(family, _)| family)
}

fn ours(theirs: &str) -> String {
    let known = PROVIDERS.iter().find(|(name, _)| match name.strip_suffix('*') {
        Some(beginning) => theirs.starts_with(beginning),
        None => *name == theirs,
    });
    known.map_or_else(|| slug(theirs).to_owned(), |(_, ours)| (*ours).to_owned())
}

/// A price among a model's.
struct Place {
    tier: Tier,
    /// Of a long input, from where on. Tokens.
    above: Option<u64>,
    slot: fn(&mut Price) -> &mut Option<PerToken>,
}

impl Place {
    fn of(self, price: &mut Price) -> &mut Option<PerToken> {
        let of_tier = match self.tier {
            Tier::Standard => price,
            Tier::Batch => price.batch.get_or_insert_default(),
            Tier::Flex => price.flex.get_or_insert_default(),
            Tier::Priority => price.priority.get_or_insert_default(),
        };
        (self.slot)(match self.above {
            Some(above) => long_of(of_tier, above),
            None => of_tier,
        })
    }
}

/// Where the price of a field belongs; none where there is no such price here.
fn place(field: &str) -> Option<Place> {
    let (field, tier) = split_tier(field);
    let (field, above) = split_bound(field)?;
    let slot: fn(&mut Price) -> &mut Option<PerToken> = match field {
        "input_cost_per_token" => |price| &mut price.input,
        "output_cost_per_token" => |price| &mut price.output,
        "cache_read_input_token_cost" => |price| &mut price.cached_input,
        "cache_creation_input_token_cost" => |price| &mut price.cache_write,
        "cache_creation_input_token_cost_above_1hr" => |price| &mut price.cache_write_1h,
        "input_cost_per_audio_token" => |price| &mut price.audio_input,
        "output_cost_per_audio_token" => |price| &mut price.audio_output,
        "input_cost_per_image_token" => |price| &mut price.image_input,
        "output_cost_per_image_token" => |price| &mut price.image_output,
        "output_cost_per_reasoning_token" => |price| &mut price.reasoning,
        _ => return None,
    };
    Some(Place { tier, above, slot })
}

#[derive(Clone, Copy)]
enum Tier {
    Standard,
    Batch,
    Flex,
    Priority,
}

fn split_tier(field: &str) -> (&str, Tier) {
    let tiers = [("_batches", Tier::Batch), ("_flex", Tier::Flex), ("_priority", Tier::Priority)];
    let split = tiers.iter().find_map(|(end, tier)| Some((field.strip_suffix(end)?, *tier)));
    split.unwrap_or((field, Tier::Standard))
}

/// `.._above_200k_tokens` without its end, and 200,000. None where the bound is no number.
fn split_bound(field: &str) -> Option<(&str, Option<u64>)> {
    let Some(bounded) = field.strip_suffix("k_tokens") else { return Some((field, None)) };
    let (field, thousands) = bounded.rsplit_once("_above_")?;
    Some((field, Some(thousands.parse::<u64>().ok()?.checked_mul(1_000)?)))
}
