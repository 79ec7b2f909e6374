//! What holds for the body of every request, since [`Fields`](crate::fields::Fields) reads them all.

use utoipa::openapi::schema::{AdditionalProperties, ArrayItems, Components};
use utoipa::openapi::{RefOr, Schema};

/// A text without control characters.
const ONE_LINE: &str = r"^[^\u0000-\u001F\u007F-\u009F]*$";

/// Says of the schema, and of those it refers to, that no other field is taken, and that each text is one line.
pub(super) fn complete(components: &mut Components, body: &RefOr<Schema>) {
    for name in names(body) {
        let Some(RefOr::T(schema)) = components.schemas.get_mut(&name) else { continue };
        if let Schema::Object(object) = schema {
            if !object.properties.is_empty() && object.additional_properties.is_none() {
                object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
            }
            object.properties.values_mut().for_each(one_line);
        }
        let within = RefOr::T(schema.clone());
        complete(components, &within);
    }
}

fn one_line(property: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::Object(text)) = property
        && text.max_length.is_some()
        && text.pattern.is_none()
    {
        text.pattern = Some(ONE_LINE.to_owned());
    }
}

/// Of the schemas that this one refers to.
fn names(schema: &RefOr<Schema>) -> Vec<String> {
    match schema {
        RefOr::Ref(to) => to.ref_location.rsplit('/').next().map(str::to_owned).into_iter().collect(),
        RefOr::T(Schema::Object(object)) => object.properties.values().flat_map(names).collect(),
        RefOr::T(Schema::OneOf(kinds)) => kinds.items.iter().flat_map(names).collect(),
        RefOr::T(Schema::Array(array)) => match &array.items {
            ArrayItems::RefOrSchema(item) => names(item),
            ArrayItems::False => Vec::new(),
        },
        RefOr::T(_) => Vec::new(),
    }
}
