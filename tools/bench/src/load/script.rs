use std::sync::Arc;

/// The sequence of requests to send.
pub(crate) trait Script: Send + 'static {
    /// Returns None if there are no more requests.
    fn next(&mut self) -> Option<Arc<[u8]>>;

    /// Takes the body of a successful answer.
    fn answered(&mut self, _body: &[u8]) {}
}

/// A script that sends the same request again and again.
#[derive(Clone)]
pub(crate) struct Same(Arc<[u8]>);

impl Same {
    pub(crate) fn new(request: Vec<u8>) -> Self {
        Self(request.into())
    }
}

impl Script for Same {
    fn next(&mut self) -> Option<Arc<[u8]>> {
        Some(self.0.clone())
    }
}
