//! What makes an access token or a refresh token good.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, Validation};
use serde_json::{Value, json};

use super::*;

const DAY: Duration = Duration::from_hours(24);
const MINUTE: Duration = Duration::from_mins(1);

/// Thirty days but for a minute.
const NEARLY_30_DAYS: Duration = Duration::from_mins(30 * 24 * 60 - 1);

fn parts(token: &SecretString) -> [Value; 2] {
    let mut parts = token.expose_secret().split('.');
    [(); 2].map(|()| {
        let bytes = URL_SAFE_NO_PAD.decode(parts.next().unwrap()).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    })
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

#[tokio::test]
async fn an_access_token_says_whose_it_is_and_ends_by_the_clock_to_the_millisecond() {
    let f = Fixture::new().await;
    let signed_in = f.sign_in().await;
    let [header, claims] = parts(&signed_in.access_token);
    let key = &f.people.public_keys().await.unwrap()[0];
    assert_eq!(
        header,
        json!({"typ": "JWT", "alg": "EdDSA", "kid": serde_json::to_value(key).unwrap()["kid"]})
    );
    let person = f.identify(&signed_in).await.unwrap();
    assert_eq!(claims["iss"], "turnpike");
    assert_eq!(claims["sub"], json!(signed_in.user_id));
    assert_eq!(claims["org"], json!(f.made.organisation_id));
    assert_eq!(claims["sid"], json!(person.session_id));
    assert_eq!(claims["role"], "owner");
    let (iat, exp) = (claims["iat"].as_i64().unwrap(), claims["exp"].as_i64().unwrap());
    assert_eq!(exp - iat, 900);
    assert!(claims["jti"].as_str().unwrap().parse::<Uuid>().is_ok());

    let text = signed_in.access_token.expose_secret();
    let key = f.people.0.keys.verifying(header["kid"].as_str().unwrap().to_owned()).await.unwrap();
    let at = |ms| access_token::verify(text, &key, ms).map(|claims| claims.sid);
    assert_eq!(at(iat * 1000), Ok(person.session_id));
    assert_eq!(at((iat - 3_600) * 1000), Ok(person.session_id), "by a clock that was set back since");
    assert_eq!(at(exp * 1000 - 1), Ok(person.session_id));
    assert_eq!(at(exp * 1000), Err(IdentifyError::Expired));
    f.parts.clock.advance(MINUTE * 15);
    assert_eq!(f.identify(&signed_in).await.unwrap_err(), IdentifyError::Expired);
}

#[tokio::test]
async fn no_other_algorithm_key_or_content_is_taken() {
    let f = Fixture::new().await;
    let signed_in = f.sign_in().await;
    let [header, claims] = parts(&signed_in.access_token);
    let kid = header["kid"].as_str().unwrap();
    let row = entity::signing_key::Entity::find_by_id(kid).one(&f.parts.db).await.unwrap().unwrap();
    let text = signed_in.access_token.expose_secret();
    let signature = text.rsplit('.').next().unwrap();
    let mut forged = Vec::new();

    // Unsigned, in all the ways to write it, and with the signature of something else.
    for alg in ["none", "None", "NONE", "", "EdDSA", "HS256", "RS256", "ES256"] {
        let header = encoded(&json!({"typ": "JWT", "alg": alg, "kid": kid}));
        forged.push(format!("{header}.{}.", encoded(&claims)));
        let mut others = claims.clone();
        others["org"] = json!(f.parts.ids.fresh());
        forged.push(format!("{header}.{}.{signature}", encoded(&others)));
    }
    // With the public key, which everybody has, as the secret of a HMAC.
    let texts = [STANDARD.encode(&row.public_key), URL_SAFE_NO_PAD.encode(&row.public_key)];
    for secret in [row.public_key.as_slice(), texts[0].as_bytes(), texts[1].as_bytes()] {
        for alg in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            let header = Header { kid: Some(kid.to_owned()), ..Header::new(alg) };
            let token = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(secret)).unwrap();
            let mut validation = Validation::new(alg);
            validation.validate_exp = false;
            let key = jsonwebtoken::DecodingKey::from_secret(secret);
            assert!(jsonwebtoken::decode::<Value>(&token, &key, &validation).is_ok(), "a good forgery");
            forged.push(token);
        }
    }
    // With a key of the forger's own, under our name, theirs and none.
    let pair = aws_lc_rs::signature::Ed25519KeyPair::generate().unwrap();
    let own = EncodingKey::from_ed_der(pair.to_pkcs8().unwrap().as_ref());
    for kid in [Some(kid.to_owned()), Some("mine".to_owned()), Some("k".repeat(1000)), None] {
        let header = Header { kid, ..Header::new(Algorithm::EdDSA) };
        forged.push(jsonwebtoken::encode(&header, &claims, &own).unwrap());
    }
    forged.extend([
        String::new(),
        "..".to_owned(),
        "eyJ.e.e".to_owned(),
        format!("{text}x"),
        "e".repeat(9000),
    ]);
    forged.push(text[..text.len() - 2].to_owned());
    for token in forged {
        assert_eq!(f.people.identify(&token).await.unwrap_err(), IdentifyError::Unknown, "{token}");
    }

    // With our key, and not ours all the same.
    let signer = f.people.0.keys.signer().await.unwrap();
    for (name, value) in [
        ("iss", json!("another")),
        ("org", json!(f.parts.ids.fresh())),
        ("sub", json!(f.parts.ids.fresh())),
        ("sid", json!(f.parts.ids.fresh())),
        ("exp", json!("never")),
        ("iat", Value::Null),
    ] {
        let mut claims = claims.clone();
        claims[name] = value;
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::EdDSA) };
        let token = jsonwebtoken::encode(&header, &claims, &signer.key).unwrap();
        assert_eq!(f.people.identify(&token).await.unwrap_err(), IdentifyError::Unknown, "{name}");
    }
    assert!(f.identify(&signed_in).await.is_ok());
}

#[tokio::test]
async fn a_new_key_signs_after_thirty_days_and_the_old_one_verifies_to_its_last_tokens_end() {
    let f = Fixture::new().await;
    let kid = |signed_in: &SignedIn| parts(&signed_in.access_token)[0]["kid"].as_str().unwrap().to_owned();
    let first = f.sign_in().await;
    f.parts.clock.advance(NEARLY_30_DAYS);
    let last = f.sign_in().await;
    assert_eq!(kid(&first), kid(&last));
    let elsewhere = f.elsewhere();
    let again = elsewhere.refresh(last.refresh_token.clone()).await.unwrap();
    assert_eq!(kid(&again), kid(&last), "processes share a key");

    f.parts.clock.advance(MINUTE * 2);
    let next = f.sign_in().await;
    assert_ne!(kid(&next), kid(&last));
    assert!(f.people.identify(last.access_token.expose_secret()).await.is_ok());
    assert_eq!(f.people.public_keys().await.unwrap().len(), 2);
    let known = |people: &People, id: String| {
        let people = people.clone();
        async move { people.0.keys.verifying(id).await.is_ok() }
    };
    assert!(known(&f.people, kid(&last)).await && known(&elsewhere, kid(&next)).await);
    f.parts.clock.advance(MINUTE * 15);
    assert!(!known(&f.people, kid(&last)).await && known(&f.people, kid(&next)).await);
    assert_eq!(f.people.public_keys().await.unwrap().len(), 1);
}

#[tokio::test]
async fn keys_sealed_under_another_master_key_verify_and_no_longer_sign() {
    let f = Fixture::new().await;
    let before = f.sign_in().await;
    let vault = Vault::new(MasterKey::generate().unwrap());
    let people = People::new(PeopleParts { vault, ..f.parts.clone() }, TTL, STALE_MAX);
    let after = people.refresh(before.refresh_token).await.unwrap();
    assert_ne!(parts(&after.access_token)[0]["kid"], parts(&before.access_token)[0]["kid"]);
    for token in [before.access_token, after.access_token] {
        assert!(people.identify(token.expose_secret()).await.is_ok());
    }
}

#[tokio::test]
async fn a_refresh_token_works_once_and_its_second_use_ends_the_session() {
    let f = Fixture::new().await;
    let other = f.sign_in().await;
    let first = f.sign_in().await;
    let second = f.people.refresh(first.refresh_token.clone()).await.unwrap();
    assert_ne!(first.refresh_token.expose_secret(), second.refresh_token.expose_secret());
    assert!(f.identify(&first).await.is_ok(), "its access token is good until it ends");
    assert!(f.identify(&second).await.is_ok());

    assert!(refused(f.people.refresh(first.refresh_token).await));
    assert!(refused(f.people.refresh(second.refresh_token.clone()).await), "the thief and the holder");
    assert_eq!(f.identify(&second).await.unwrap_err(), IdentifyError::Unknown, "at once");
    assert!(f.identify(&other).await.is_ok(), "other sessions go on");
    f.people.refresh(other.refresh_token).await.unwrap();
}

#[tokio::test]
async fn of_many_who_refresh_with_one_token_at_once_one_gets_tokens() {
    let f = Fixture::new().await;
    let signed_in = f.sign_in().await;
    let elsewhere = f.elsewhere();
    let tasks: Vec<_> = (0..16)
        .map(|n| {
            let people = if n % 2 == 0 { f.people.clone() } else { elsewhere.clone() };
            let token = signed_in.refresh_token.clone();
            tokio::spawn(async move { people.refresh(token).await })
        })
        .collect();
    let mut won = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            Ok(signed_in) => won.push(signed_in),
            outcome => assert!(refused(outcome)),
        }
    }
    assert_eq!(won.len(), 1);
    let last = won.remove(0).refresh_token;
    assert!(refused(f.people.refresh(last).await), "a token was used twice");
}

#[tokio::test]
async fn a_refresh_token_ends_after_thirty_days_of_rest() {
    let f = Fixture::new().await;
    let mut token = f.sign_in().await.refresh_token;
    for _ in 0..3 {
        f.parts.clock.advance(NEARLY_30_DAYS);
        token = f.people.refresh(token).await.unwrap().refresh_token;
    }
    f.parts.clock.advance(DAY * 30);
    assert!(refused(f.people.refresh(token).await));
    for text in ["", "tpr_", "tpr_zz", &format!("tpr_{}", "0".repeat(96)), &"tpr_é".repeat(20)] {
        assert!(refused(f.people.refresh(text.into()).await), "{text}");
    }
}

#[tokio::test]
async fn signing_out_ends_the_session_at_once_here_and_within_the_caches_time_elsewhere() {
    let f = Fixture::new().await;
    let signed_in = f.sign_in().await;
    let elsewhere = f.elsewhere();
    let text = signed_in.access_token.expose_secret();
    assert!(f.people.identify(text).await.is_ok() && elsewhere.identify(text).await.is_ok());
    for _ in 0..2 {
        f.people.sign_out(signed_in.refresh_token.clone()).await.unwrap();
        assert_eq!(f.people.identify(text).await.unwrap_err(), IdentifyError::Unknown);
    }
    assert!(elsewhere.identify(text).await.is_ok());
    f.parts.clock.advance(TTL);
    assert_eq!(elsewhere.identify(text).await.unwrap_err(), IdentifyError::Unknown);
    assert!(refused(f.people.refresh(signed_in.refresh_token.clone()).await));
    f.people.sign_out("nonsense".into()).await.unwrap();
}

#[tokio::test]
async fn a_replay_token_is_for_one_log_and_a_minute_and_for_nothing_else() {
    let f = Fixture::new().await;
    let signed_in = f.sign_in().await;
    let person = f.identify(&signed_in).await.unwrap();
    let (workspace, log) = (f.made.workspace_uuid, Uuid::max());
    let token = f.people.replay_token(&person.tenant, workspace, log).await.unwrap();
    let replay = f.elsewhere().replay(token.expose_secret()).await.unwrap();
    assert_eq!((replay.workspace_id, replay.log_id), (workspace, log));
    let ReplayedBy::Person(tenant) = replay.by else { unreachable!("a person asked for it") };
    assert_eq!((tenant.workspace_id, tenant.user_id), (Some(workspace), Some(signed_in.user_id)));
    assert_eq!(tenant.scopes.iter().collect::<Vec<_>>(), [Scope::CompletionsWrite]);

    let unknown = Some(IdentifyError::Unknown);
    assert_eq!(f.people.identify(token.expose_secret()).await.err(), unknown, "it signs nobody in");
    assert_eq!(f.people.replay(signed_in.access_token.expose_secret()).await.err(), unknown);
    let text = token.expose_secret();
    let forged = format!("{}{}", &text[..text.len() - 2], if text.ends_with("AA") { "BB" } else { "AA" });
    assert_eq!(f.people.replay(&forged).await.err(), unknown);

    f.parts.clock.advance(Duration::from_secs(50));
    assert!(f.people.replay(text).await.is_ok());
    f.parts.clock.advance(Duration::from_secs(10));
    assert_eq!(f.people.replay(text).await.err(), Some(IdentifyError::Expired));

    // Who is gone meanwhile has nothing made.
    let token = f.people.replay_token(&person.tenant, workspace, log).await.unwrap();
    membership::Entity::delete_many().exec(&f.parts.db).await.unwrap();
    assert_eq!(f.people.replay(token.expose_secret()).await.err(), unknown);
}

#[tokio::test]
async fn a_download_token_is_for_one_file_and_a_quarter_of_an_hour_and_ends_with_the_session() {
    let f = Fixture::new().await;
    let signed_in = f.sign_in().await;
    let person = f.identify(&signed_in).await.unwrap();
    let (file, other) = (Uuid::max(), Uuid::nil());
    let by_session = DownloadBy::Session(person.session_id);
    let token = f.people.download_token(by_session, file).await.unwrap();
    let text = token.expose_secret();
    let DownloadedBy::Person(found) = f.elsewhere().download(text, file).await.unwrap() else {
        unreachable!("a person asked for it")
    };
    assert_eq!((found.session_id, found.tenant), (person.session_id, person.tenant.clone()));

    let unknown = Some(IdentifyError::Unknown);
    assert_eq!(f.people.download(text, other).await.err(), unknown);
    assert_eq!(f.people.identify(text).await.err(), unknown, "it signs nobody in");
    assert_eq!(f.people.replay(text).await.err(), unknown);
    for of_others in [
        signed_in.access_token.clone(),
        f.people.replay_token(&person.tenant, f.made.workspace_uuid, file).await.unwrap(),
    ] {
        assert_eq!(f.people.download(of_others.expose_secret(), file).await.err(), unknown);
    }
    let forged = format!("{}{}", &text[..text.len() - 2], if text.ends_with("AA") { "BB" } else { "AA" });
    assert_eq!(f.people.download(&forged, file).await.err(), unknown);

    f.parts.clock.advance(Duration::from_mins(14));
    assert!(f.people.download(text, file).await.is_ok());
    f.parts.clock.advance(Duration::from_mins(1));
    assert_eq!(f.people.download(text, file).await.err(), Some(IdentifyError::Expired));

    let of_a_key = f.people.download_token(DownloadBy::Key(other), file).await.unwrap();
    let by = f.people.download(of_a_key.expose_secret(), file).await.unwrap();
    assert!(matches!(by, DownloadedBy::Key(id) if id == other), "{by:?}");

    let token = f.people.download_token(by_session, file).await.unwrap();
    f.people.sign_out(signed_in.refresh_token).await.unwrap();
    assert_eq!(f.people.download(token.expose_secret(), file).await.err(), unknown);
}
