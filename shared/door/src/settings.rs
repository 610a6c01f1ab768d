use gcp::{IdentityConfig, Mode};
use service::{Env, Noted};

/// Who vouches for the tokens of callers, and for which audience they must be.
pub fn identity(env: &mut Env) -> Result<IdentityConfig, Noted> {
    let mode = env.or("IDENTITY", Mode::Verify);
    let audience = env.required("IDENTITY_AUDIENCE");
    let jwks_url = env.optional("JWKS_URL");
    Ok(IdentityConfig { mode: mode?, audience: audience?, jwks_url: jwks_url? })
}

/// E-mail addresses, separated by commas. Without them the invoker check of Cloud Run must choose who may come in, since a
/// token for this service is something that every Google account can have.
pub fn accounts(env: &mut Env, name: &'static str, identity: &IdentityConfig) -> Result<Vec<String>, Noted> {
    let list: String = env.or(name, String::new())?;
    let accounts: Vec<_> = list.split(',').map(str::trim).filter(|e| !e.is_empty()).map(str::to_owned).collect();
    if accounts.is_empty() && identity.mode == Mode::Verify {
        return Err(env.mistake(name, "must name who may come in, unless IDENTITY is cloud-run"));
    }
    Ok(accounts)
}
