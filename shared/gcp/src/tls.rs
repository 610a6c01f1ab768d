/// The HTTP client of the Google libraries panics in a process without a rustls provider, so
/// every way into this crate makes sure of one; a provider that is there already is kept.
pub(crate) fn ensure_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // The only error is that another thread was quicker, and then there is a provider.
        let _lost_race = rustls::crypto::ring::default_provider().install_default();
    }
}
