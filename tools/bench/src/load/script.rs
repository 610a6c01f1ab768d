use std::sync::Arc;

/// What is sent, request by request.
pub(crate) trait Script: Send + 'static {
    /// None where there is nothing more to send.
    fn next(&mut self) -> Option<Arc<[u8]>>;

    /// The body of a good answer.
    fn answered(&mut self, _body: &[u8]) {}
}

/// The same request again and again.
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
