use providers::{PerToken, Price};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// What a model costs.
#[derive(Serialize, ToSchema)]
pub(crate) struct Pricing {
    pay_as_you_go: ByKind,
    /// What calls cost that are answered as a batch, where that is something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    batch_config: Option<ByKind>,
    /// Always `USD`: prices are in cents of it.
    currency: &'static str,
}

/// What is not there costs what `request_token` or `response_token` does.
#[derive(Serialize, ToSchema)]
struct ByKind {
    #[serde(skip_serializing_if = "Option::is_none")]
    request_token: Option<Leaf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_token: Option<Leaf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_read_input_token: Option<Leaf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_write_input_token: Option<Leaf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_audio_token: Option<Leaf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_audio_token: Option<Leaf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_image_token: Option<Leaf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_image_token: Option<Leaf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_units: Option<Units>,
}

#[derive(Serialize, ToSchema)]
struct Units {
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_token: Option<Leaf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_write_1h: Option<Leaf>,
}

#[derive(Serialize, ToSchema)]
struct Leaf {
    /// US cents a token. The number is written out as a decimal, exactly.
    #[schema(value_type = f64)]
    price: Box<RawValue>,
}

impl Pricing {
    pub fn of(price: &Price) -> Result<Self, serde_json::Error> {
        Ok(Self {
            pay_as_you_go: ByKind::of(price)?,
            batch_config: price.batch.as_deref().map(ByKind::of).transpose()?,
            currency: "USD",
        })
    }
}

impl ByKind {
    fn of(price: &Price) -> Result<Self, serde_json::Error> {
        let units = [price.reasoning, price.cache_write_1h];
        Ok(Self {
            request_token: leaf(price.input)?,
            response_token: leaf(price.output)?,
            cache_read_input_token: leaf(price.cached_input)?,
            cache_write_input_token: leaf(price.cache_write)?,
            request_audio_token: leaf(price.audio_input)?,
            response_audio_token: leaf(price.audio_output)?,
            request_image_token: leaf(price.image_input)?,
            response_image_token: leaf(price.image_output)?,
            additional_units: match units {
                [None, None] => None,
                [thinking, written] => {
                    Some(Units { thinking_token: leaf(thinking)?, cache_write_1h: leaf(written)? })
                }
            },
        })
    }
}

fn leaf(price: Option<PerToken>) -> Result<Option<Leaf>, serde_json::Error> {
    price.map(|price| RawValue::from_string(price.cents()).map(|price| Leaf { price })).transpose()
}
