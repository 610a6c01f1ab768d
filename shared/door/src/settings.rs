use gcp::{Iap, Identity, IdentityConfig, Mode};
use service::{Env, Noted};

use crate::Door;

/// The callers that a door admits, as the environment sets them.
pub enum Callers {
    Everybody,
    Nobody(&'static str),
    /// These accounts. If none are named, the callers that the invoker check of Cloud Run has let in.
    Google {
        identity: IdentityConfig,
        accounts: Vec<String>,
    },
    /// The callers that Identity-Aware Proxy has let in, for this audience.
    Iap {
        audience: String,
        keys_url: Option<String>,
    },
}

impl Callers {
    /// Google identities. `accounts` is the variable that names them.
    pub fn google(env: &mut Env, accounts: &'static str) -> Result<Self, Noted> {
        let named = emails(env, accounts)?;
        Self::google_accounts(env, named, accounts)
    }

    /// Google identities of these accounts. Without any account, another check must select the callers, since every
    /// Google account can get a token for this service. `variable` is the setting that could name the accounts.
    pub fn google_accounts(
        env: &mut Env,
        accounts: Vec<String>,
        variable: &'static str,
    ) -> Result<Self, Noted> {
        let identity = identity(env)?;
        if accounts.is_empty() && identity.mode == Mode::Verify {
            return Err(env.mistake(variable, "must name who may come in, unless IDENTITY is cloud-run"));
        }
        Ok(Self::Google { identity, accounts })
    }

    pub fn door(self) -> Result<Door, gcp::Error> {
        Ok(match self {
            Self::Everybody => Door::open(),
            Self::Nobody(why) => Door::closed(why),
            Self::Google { identity, accounts } if accounts.is_empty() => {
                Door::any_google(Identity::new(identity)?)
            }
            Self::Google { identity, accounts } => Door::google(Identity::new(identity)?, accounts),
            Self::Iap { audience, keys_url } => Door::iap(Iap::new(audience, keys_url)?),
        })
    }
}

/// The settings that say who vouches for the tokens of callers, and which audience the tokens must have.
pub fn identity(env: &mut Env) -> Result<IdentityConfig, Noted> {
    let mode = env.or("IDENTITY", Mode::Verify);
    let audience = env.required("IDENTITY_AUDIENCE");
    let jwks_url = env.optional("JWKS_URL");
    Ok(IdentityConfig { mode: mode?, audience: audience?, jwks_url: jwks_url? })
}

/// Reads e-mail addresses that are separated by commas.
pub fn emails(env: &mut Env, variable: &'static str) -> Result<Vec<String>, Noted> {
    let list = env.or(variable, String::new())?;
    Ok(list.split(',').map(str::trim).filter(|email| !email.is_empty()).map(str::to_owned).collect())
}
