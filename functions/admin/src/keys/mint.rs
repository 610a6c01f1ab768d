use door::{ApiKey, Unrevealed};
use service::Problem;
use store::KeySecret;

pub(super) fn mint() -> Result<(KeySecret, Unrevealed), Problem> {
    let (key, text) = ApiKey::mint().map_err(Problem::internal)?;
    Ok((KeySecret { id: key.id().to_owned(), hash: key.hash() }, text))
}
