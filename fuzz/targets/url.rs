//! A URL that a tenant gives: what is let through points where the settings allow.

#![no_main]

use std::net::IpAddr;

use egress::{Reach, check_url};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for reach in [Reach::Public, Reach::Loopback, Reach::Private] {
        let Ok(url) = check_url(text, reach) else { continue };
        let host = url.host_str().expect("a host");
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        if let Ok(address) = literal {
            assert!(reach.allows(address), "{text}");
        }
        assert!(!host.ends_with('.') && url.username().is_empty() && url.password().is_none(), "{text}");
        assert!(url.query().is_none() && url.fragment().is_none(), "{text}");
        assert!(
            reach == Reach::Private || check_url(text, Reach::Private).is_ok(),
            "{text}: a wider reach refuses"
        );
    }
});
