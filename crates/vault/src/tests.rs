#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::fs;

use proptest::prelude::*;
use secrecy::{ExposeSecret as _, SecretString};

use super::*;

fn vault() -> Vault {
    Vault::new(MasterKey::generate().unwrap())
}

fn key(base64: &str) -> Result<MasterKey, Error> {
    MasterKey::parse(&base64.into())
}

#[test]
fn a_secret_opens_under_its_key_and_for_its_row_only() {
    let vault = vault();
    let sealed = vault.seal(&"sk-secret".into(), b"org-1/row-1").unwrap();
    assert_eq!(vault.open(&sealed, b"org-1/row-1").unwrap().expose_secret(), "sk-secret");
    assert!(!sealed.windows(9).any(|bytes| bytes == b"sk-secret"));

    for context in [&b"org-2/row-1"[..], b"org-1/row-2", b"", b"org-1/row-1 "] {
        assert!(matches!(vault.open(&sealed, context), Err(Error::DoesNotOpen)));
    }
    let other = Vault::new(MasterKey::generate().unwrap());
    let error = other.open(&sealed, b"org-1/row-1").unwrap_err();
    assert!(error.to_string().contains("another master key"), "{error}");
}

#[test]
fn a_secret_with_any_bit_flipped_or_byte_lost_does_not_open() {
    let vault = vault();
    let sealed = vault.seal(&"sk-secret".into(), b"row").unwrap();
    for bit in 0..sealed.len() * 8 {
        let mut changed = sealed.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(vault.open(&changed, b"row").is_err(), "bit {bit}");
    }
    for length in 0..sealed.len() {
        assert!(vault.open(&sealed[..length], b"row").is_err(), "{length} bytes");
    }
    assert!(matches!(vault.open(&[2; 40], b"row"), Err(Error::UnknownVersion)));
}

#[test]
fn the_same_secret_is_sealed_differently_each_time() {
    let vault = vault();
    let sealed: BTreeSet<Vec<u8>> = (0..100).map(|_| vault.seal(&"same".into(), b"row").unwrap()).collect();
    assert_eq!(sealed.len(), 100);
}

#[test]
fn a_key_is_written_as_base64_of_32_bytes() {
    let made = MasterKey::generate().unwrap();
    let sealed = Vault::new(key(made.to_base64().expose_secret()).unwrap()).seal(&"x".into(), b"").unwrap();
    let spaced = format!(" {}\n", made.to_base64().expose_secret());
    assert_eq!(Vault::new(key(&spaced).unwrap()).open(&sealed, b"").unwrap().expose_secret(), "x");
    assert_ne!(made.to_base64().expose_secret(), MasterKey::generate().unwrap().to_base64().expose_secret());

    for malformed in ["", "not base64", "AAAA", &"A".repeat(44), &"AAAA".repeat(11)] {
        assert!(matches!(key(malformed), Err(Error::Malformed)), "{malformed}");
    }
}

#[test]
fn nothing_prints_a_secret() {
    let made = MasterKey::generate().unwrap();
    assert_eq!(format!("{made:?}"), "MasterKey(SecretBox<[u8; 32]>([REDACTED]))");
    assert_eq!(format!("{:?}", made.to_base64()), "SecretBox<str>([REDACTED])");
    assert_eq!(format!("{:?}", Vault::new(made)), "Vault");
}

#[test]
fn a_key_file_is_made_once_for_its_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    let made: Vec<String> = std::thread::scope(|scope| {
        let load = || MasterKey::load_or_create(&path).unwrap().to_base64().expose_secret().to_owned();
        let starts: Vec<_> = (0..8).map(|_| scope.spawn(load)).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    assert!(made.iter().all(|key| *key == made[0]), "all that start at once get the same key");
    assert_eq!(fs::read_to_string(&path).unwrap().trim(), made[0]);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing is left behind");

    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_key_file_that_is_wrong_is_named_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    fs::write(&path, "half a key").unwrap();
    let error = MasterKey::load_or_create(&path).unwrap_err();
    assert!(
        matches!(error, Error::MalformedFile { .. }) && error.to_string().contains("master.key"),
        "{error}"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), "half a key");

    let error = MasterKey::load_or_create(&folder.path().join("no-folder/master.key")).unwrap_err();
    assert!(matches!(error, Error::File { .. }) && error.to_string().contains("no-folder"), "{error}");
    assert!(
        matches!(MasterKey::load_or_create(folder.path()), Err(Error::File { .. })),
        "a folder is no key file"
    );
}

proptest! {
    #[test]
    fn any_text_comes_back_whole(text in any::<String>(), context in any::<Vec<u8>>()) {
        let vault = vault();
        let sealed = vault.seal(&SecretString::from(text.as_str()), &context).unwrap();
        let opened = vault.open(&sealed, &context).unwrap();
        prop_assert_eq!(opened.expose_secret(), text);
    }
}
