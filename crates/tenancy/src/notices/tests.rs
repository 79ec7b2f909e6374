use super::*;

#[test]
fn a_change_comes_out_as_it_went_in() {
    let organisation = Uuid::from_u128(7);
    for change in [
        Change::ApiKey(std::array::from_fn(|at| u8::try_from(at * 8).unwrap_or(255))),
        Change::VirtualKey { organisation, slug: "prod-1a2b3c".to_owned() },
        Change::Config { organisation, slug: "pc-prod-1a2b3c".to_owned() },
        Change::Guardrail { organisation, slug: "pg-prod-1a2b3c".to_owned() },
        Change::Session(organisation),
        Change::Person(organisation),
        Change::Organisation(organisation),
        Change::Everything,
    ] {
        assert_eq!(Change::from_line(&change.to_line()), change);
    }
}

#[test]
fn what_another_release_says_may_be_about_anything() {
    for line in [
        "",
        "workspace 7",
        "api_key AAAA",
        "api_key \u{e9}",
        "virtual_key 7",
        "config 7",
        "guardrail 7",
        "organisation x",
        "\u{fffd}",
    ] {
        assert_eq!(Change::from_line(line), Change::Everything, "{line:?}");
    }
}

#[test]
fn what_waits_is_bounded() {
    let notices = Notices::to_others();
    for n in 0..=MAX_WAITING {
        notices.tell(Change::Organisation(Uuid::from_u128(n as u128)));
    }
    assert_eq!(notices.waiting(), Some(Change::Everything));
    assert_eq!(notices.waiting(), None);
}
