/// Installs a rustls provider if the process has none. The HTTP client of the Google libraries panics without one, so
/// every way into this crate calls this function.
pub(crate) fn ensure_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // The only possible error is that another thread was faster, and then there is a provider.
        let _lost_race = rustls::crypto::ring::default_provider().install_default();
    }
}
