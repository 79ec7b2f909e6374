//! E-mail addresses, as accounts are known by them.

/// Bytes of an address (RFC 5321, 4.5.3.1) and of its part before the `@`.
const MAX_EMAIL: usize = 254;
const MAX_LOCAL_PART: usize = 64;

/// What an address should have been.
pub const EXPECTED: &str = "an e-mail address such as owner@example.com";

/// The address in lower case. Whether it can be delivered to is for a message to find out, not for a pattern.
///
/// # Errors
/// Says what is wrong with it.
pub fn normal(email: &str) -> Result<String, &'static str> {
    let email = email.trim().to_lowercase();
    let (local, domain) = email.rsplit_once('@').ok_or("no @ is in it")?;
    if email.len() > MAX_EMAIL || local.len() > MAX_LOCAL_PART {
        return Err("too long");
    }
    if local.is_empty() || local.contains('@') || email.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("not an address");
    }
    let label = |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
    if !domain.split('.').all(label) {
        return Err("what follows the @ is not a domain");
    }
    Ok(email)
}
