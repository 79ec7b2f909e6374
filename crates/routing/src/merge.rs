//! A target's own parameters, put over a request's body.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer as _, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// The body is no JSON object.
#[derive(Debug, thiserror::Error)]
#[error("the body is no JSON object: {0}")]
pub struct BadBody(#[from] serde_json::Error);

/// The object `body` with `params` in place of its fields of the same names, and the others of them after the last. What is not
/// replaced keeps its bytes, and is not held twice.
///
/// # Errors
/// [`BadBody`].
pub fn with_params(body: &[u8], params: &Map<String, Value>) -> Result<Vec<u8>, BadBody> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let mut merging = Merging { params, written: Vec::new(), out: Vec::with_capacity(body.len() + 64) };
    merging.out.push(b'{');
    json.deserialize_map(&mut merging)?;
    json.end()?;
    let Merging { written, mut out, .. } = merging;
    for (name, param) in params.iter().filter(|(name, _)| !written.contains(&name.as_str())) {
        field(&mut out, name, &serde_json::to_vec(param)?)?;
    }
    out.push(b'}');
    Ok(out)
}

fn field(out: &mut Vec<u8>, name: &str, value: &[u8]) -> Result<(), serde_json::Error> {
    if out.len() > 1 {
        out.push(b',');
    }
    serde_json::to_writer(&mut *out, name)?;
    out.push(b':');
    out.extend_from_slice(value);
    Ok(())
}

/// A body, written again as it is read.
struct Merging<'p> {
    params: &'p Map<String, Value>,
    /// The names of those that are in `out`.
    written: Vec<&'p str>,
    out: Vec<u8>,
}

impl<'p> Merging<'p> {
    fn take(&mut self, name: &str, value: &RawValue) -> Result<(), serde_json::Error> {
        let params: &'p Map<String, Value> = self.params;
        match params.get_key_value(name) {
            // Of a name that comes twice the later counts: both are this one.
            Some((own, _)) if self.written.contains(&own.as_str()) => Ok(()),
            Some((own, param)) => {
                self.written.push(own);
                field(&mut self.out, own, &serde_json::to_vec(param)?)
            }
            None => field(&mut self.out, name, value.get().as_bytes()),
        }
    }
}

impl<'de> Visitor<'de> for &mut Merging<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Name(name)) = map.next_key()? {
            self.take(&name, map.next_value()?).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

/// A name, not copied where it has no escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de> serde::Deserialize<'de> for Name<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}
