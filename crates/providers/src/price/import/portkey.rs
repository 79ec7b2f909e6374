//! Portkey's public models: <https://github.com/Portkey-AI/models>, a file a provider. US cents a token; a field for each kind, as
//! `{"price": 0.00025}`, under `pay_as_you_go` and `batch_config`; tiers and long inputs under `custom_pricing`.

use super::{ANY, Fields, Import, Price, Prices, Taking, fields, long_of};
use crate::object::string;
use crate::price::PerToken;
use serde_json::value::RawValue;

/// US cents, in pico-dollars: 10^10.
const CENTS: i64 = 10;

/// The entry of every other model.
const DEFAULT: &str = "default";

/// Takes a model's prices.
pub(super) fn take(taking: &mut Taking, provider: &str, name: &str, found: &Fields) {
    let before = taking.import.left_out.len();
    let mut price = Price::default();
    if let Some(config) = found.get("pricing_config") {
        take_config(taking, &format!("{name}: pricing_config"), config, &mut price, true);
    }
    if let Some(custom) = found.get("custom_pricing").and_then(|raw| fields(raw)) {
        take_custom(taking, &format!("{name}: custom_pricing"), &custom, &mut price);
    }
    taking.put(provider, if name == DEFAULT { ANY } else { name }, price, before);
}

/// The models that have a name for short inputs and one for long ones (`..-lte-128k`, `..-gt-128k`) under the name that is called.
pub(super) fn join_lengths(import: Import) -> Import {
    let mut joined = Prices::default();
    for (provider, model, price) in import.prices.iter() {
        joined.set(provider, model, price.clone());
    }
    for (provider, model, short) in import.prices.iter() {
        let Some((stem, bound)) = model.rsplit_once("-lte-") else { continue };
        let thousands = bound.strip_suffix('k').and_then(|n| n.parse::<u64>().ok());
        let above = thousands.and_then(|n| n.checked_mul(1_000));
        let long = import.prices.get(provider, &format!("{stem}-gt-{bound}"));
        let (Some(above), Some(long)) = (above, long) else { continue };
        if import.prices.get(provider, stem).is_some() || !long.long.is_empty() || !short.long.is_empty() {
            continue;
        }
        let mut price = short.clone();
        price.long.push(Price {
            above: Some(above),
            batch: None,
            flex: None,
            priority: None,
            ..long.clone()
        });
        joined.set(provider, stem, price);
    }
    Import { prices: joined, ..import }
}

/// `may_batch`: a batch's prices can be in it.
fn take_config(taking: &mut Taking, path: &str, raw: &RawValue, price: &mut Price, may_batch: bool) {
    let Some(config) = fields(raw) else { return };
    let currency = config.get("currency").and_then(|raw| string(raw).ok());
    if currency.as_deref().is_some_and(|currency| currency != "USD") {
        return taking.leave_out(path, &format!("in {}, not in USD", currency.unwrap_or_default()));
    }
    for (name, raw) in &config {
        let path = format!("{path}.{name}");
        match name.as_str() {
            "pay_as_you_go" => take_prices(taking, &path, raw, price),
            "batch_config" if may_batch => {
                take_prices(taking, &path, raw, price.batch.get_or_insert_default());
            }
            // How the kinds are added up: as here.
            "calculate" | "currency" => {}
            _ => taking.leave_out_price(&path, raw),
        }
    }
}

/// By regions, execution modes and lengths of the input.
fn take_custom(taking: &mut Taking, path: &str, custom: &Fields, price: &mut Price) {
    let bounds = custom.get("context_tier_map").and_then(|raw| fields(raw)).unwrap_or_default();
    let regions = custom.get("regions").and_then(|raw| fields(raw)).unwrap_or_default();
    for (region, raw) in &regions {
        let path = format!("{path}.regions.{region}");
        if region != DEFAULT {
            taking.leave_out_price(&path, raw);
            continue;
        }
        let modes = fields(raw).and_then(|region| fields(region.get("execution_modes")?)).unwrap_or_default();
        for (mode, raw) in &modes {
            let path = format!("{path}.{mode}");
            let place = match mode.as_str() {
                "standard" => &mut *price,
                "batch" => price.batch.get_or_insert_default(),
                "flex" => price.flex.get_or_insert_default(),
                "priority" => price.priority.get_or_insert_default(),
                _ => {
                    taking.leave_out_price(&path, raw);
                    continue;
                }
            };
            take_mode(taking, &path, raw, &bounds, place);
        }
    }
}

fn take_mode(taking: &mut Taking, path: &str, raw: &RawValue, bounds: &Fields, price: &mut Price) {
    let Some(mode) = fields(raw) else { return };
    for (name, raw) in &mode {
        let path = format!("{path}.{name}");
        match name.as_str() {
            "pricing_config" => take_config(taking, &path, raw, price, false),
            "context_tiers" => {
                for (tier, raw) in &fields(raw).unwrap_or_default() {
                    let path = format!("{path}.{tier}");
                    let named = bounds.iter().find(|(_, name)| string(name).is_ok_and(|name| name == *tier));
                    let Some(above) = named.and_then(|(above, _)| above.parse::<u64>().ok()) else {
                        taking.leave_out(path, &"not in context_tier_map");
                        continue;
                    };
                    let place = if above == 0 { &mut *price } else { long_of(price, above) };
                    let Some(config) = fields(raw).and_then(|tier| tier.get("pricing_config").copied())
                    else {
                        taking.leave_out_price(&path, raw);
                        continue;
                    };
                    take_config(taking, &path, config, place, false);
                }
            }
            _ => taking.leave_out_price(&path, raw),
        }
    }
}

fn take_prices(taking: &mut Taking, path: &str, raw: &RawValue, price: &mut Price) {
    let kinds = fields(raw).unwrap_or_default();
    for (name, raw) in &kinds {
        let path = format!("{path}.{name}");
        if name == "additional_units" {
            for (unit, raw) in &fields(raw).unwrap_or_default() {
                let path = format!("{path}.{unit}");
                match unit.as_str() {
                    "thinking_token" => take_price(taking, &path, raw, &mut price.reasoning),
                    "cache_write_1h" => take_price(taking, &path, raw, &mut price.cache_write_1h),
                    _ => taking.leave_out_price(&path, raw),
                }
            }
            continue;
        }
        let slot = match name.as_str() {
            "request_token" => &mut price.input,
            "response_token" => &mut price.output,
            "cache_read_input_token" | "cached_read_input_token" | "cached_input_token" => {
                &mut price.cached_input
            }
            "cache_write_input_token" => &mut price.cache_write,
            "request_audio_token" => &mut price.audio_input,
            "response_audio_token" => &mut price.audio_output,
            "request_image_token" => &mut price.image_input,
            "response_image_token" => &mut price.image_output,
            // Of a model of images; looked at below.
            "request_text_token" | "response_text_token" => continue,
            _ => {
                taking.leave_out_price(&path, raw);
                continue;
            }
        };
        take_price(taking, &path, raw, slot);
    }
    let nothing = PerToken::default();
    for (name, slot) in [("request_text_token", &mut price.input), ("response_text_token", &mut price.output)]
    {
        let Some(raw) = kinds.get(name) else { continue };
        let (path, mut text) = (format!("{path}.{name}"), None);
        take_price(taking, &path, raw, &mut text);
        let Some(text) = text.filter(|text| *text != nothing) else { continue };
        match *slot {
            Some(whole) if whole == text => {}
            Some(whole) if whole != nothing => taking.leave_out(path, &"not the price of other tokens"),
            _ => *slot = Some(text),
        }
    }
}

/// From `{"price": ..}`.
fn take_price(taking: &mut Taking, path: &str, raw: &RawValue, slot: &mut Option<PerToken>) {
    let given = fields(raw).and_then(|leaf| leaf.get("price").copied());
    match given {
        Some(number) => *slot = taking.price(path, number, CENTS).or(*slot),
        None => taking.leave_out_price(path, raw),
    }
}
