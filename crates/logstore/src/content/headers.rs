//! The headers of one side of an exchange, as one text: made once where the call is, and taken apart only where they are
//! shown.

use serde::{Deserialize, Serialize};

/// `name: value` lines. Names are in lower case; a control character in a value became a space.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Headers(String);

impl Headers {
    /// None yet, with room for so many bytes.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self(String::with_capacity(bytes))
    }

    /// Adds one. `name` has neither a colon nor a control character where it is an HTTP header's; another loses them.
    pub fn push(&mut self, name: &str, value: &str) {
        self.add(name, |c| c == ':' || c.is_control());
        self.0.push_str(": ");
        self.add(value, char::is_control);
        self.0.push('\n');
    }

    fn add(&mut self, text: &str, unwanted: impl Fn(char) -> bool + Copy) {
        if text.contains(unwanted) {
            self.0.extend(text.chars().map(|c| if unwanted(c) { ' ' } else { c }));
        } else {
            self.0.push_str(text);
        }
    }

    /// Name and value of each, in their order; a name may come several times.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.lines().filter_map(|line| line.split_once(": "))
    }
}

impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(headers: I) -> Self {
        let mut block = Self::default();
        for (name, value) in headers {
            block.push(name.as_ref(), value.as_ref());
        }
        block
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_come_back_in_their_order_and_none_can_be_smuggled_in() {
        let pairs = [
            ("content-type", "application/json"),
            ("set-cookie", "a=1: 2"),
            ("set-cookie", "b\r\nx-evil: 1"),
            ("empty", ""),
            ("odd: name", "v"),
        ];
        let headers: Headers = pairs.into_iter().collect();
        let read: Vec<_> = headers.iter().collect();
        assert_eq!(
            read,
            [
                ("content-type", "application/json"),
                ("set-cookie", "a=1: 2"),
                ("set-cookie", "b  x-evil: 1"),
                ("empty", ""),
                ("odd  name", "v"),
            ]
        );
    }
}
