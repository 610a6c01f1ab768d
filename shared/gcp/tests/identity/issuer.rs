use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gcp::testing::{self, KID, new_key, sign};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

pub(crate) use gcp::testing::Issuer;

pub(crate) const AUDIENCE: &str = "http://localhost:8081";
pub(crate) const PUSHER: &str = "pusher@eventflow-local.iam.gserviceaccount.com";

pub(crate) fn good_token(issuer: &Issuer) -> String {
    issuer.token(&claims())
}

pub(crate) fn claims() -> Value {
    testing::claims(PUSHER, AUDIENCE)
}

/// A token with the issuer's key ID and the signature of another key.
pub(crate) fn forged_token() -> String {
    sign(&new_key().0, KID, &claims())
}

pub(crate) fn stripped(token: &str) -> String {
    let (signed, _signature) = token.rsplit_once('.').unwrap();
    format!("{signed}.SIGNATURE_REMOVED_BY_GOOGLE")
}

/// A token with `alg: none`, which no library should sign.
pub(crate) fn unsigned_token() -> String {
    let part = |json: Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let header = json!({ "alg": "none", "typ": "JWT", "kid": KID });
    format!("{}.{}.", part(header), part(claims()))
}

/// A token that is signed with the public key as if it were a shared secret.
pub(crate) fn hmac_token() -> String {
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some(KID.into());
    jsonwebtoken::encode(&header, &claims(), &EncodingKey::from_secret(b"public")).unwrap()
}

pub(crate) fn claims_but(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

pub(crate) fn claims_without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}
