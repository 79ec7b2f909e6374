//! What a process says of itself at `/metrics`, in Prometheus' text format.

use std::net::SocketAddr;

use anyhow::Context as _;

use crate::wire::Connection;

/// All of it, at one moment.
pub struct Numbers(String);

impl Numbers {
    /// # Errors
    /// When the process does not tell.
    pub async fn of(addr: SocketAddr) -> anyhow::Result<Self> {
        let mut connection = Connection::open(addr).await?;
        let request = format!("GET /metrics HTTP/1.1\r\nhost: {addr}\r\n\r\n");
        connection.call(request.as_bytes()).await.context("a process does not tell its numbers")?;
        Ok(Self(String::from_utf8(connection.body().to_vec())?))
    }

    /// Of all series of this name and with this in their labels, summed: 0 where there is none, as before the first was counted.
    pub fn sum(&self, name: &str, label: &str) -> u64 {
        let of_name = |line: &&str| line.split([' ', '{']).next() == Some(name) && line.contains(label);
        let value = |line: &str| line.rsplit(' ').next()?.parse::<u64>().ok();
        self.0.lines().filter(of_name).filter_map(value).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_of_a_name_are_summed_and_none_are_0() {
        let numbers =
            Numbers("# TYPE a counter\na{of=\"x\",to=\"y\"} 2\na{of=\"z\"} 3\nab 7\nb 4\n".to_owned());
        assert_eq!(numbers.sum("a", ""), 5);
        assert_eq!(numbers.sum("a", "of=\"x\""), 2);
        assert_eq!(numbers.sum("b", ""), 4);
        assert_eq!(numbers.sum("c", ""), 0);
    }
}
