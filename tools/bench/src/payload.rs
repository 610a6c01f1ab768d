//! The payloads of the events: JSON of 400 bytes for every handler.

const LENGTH: usize = 400;
const FILLING: &str = "what a webhook says about an order, its customer, its items and where they go; ";

/// The payload for the handler that does nothing.
pub(crate) fn plain() -> String {
    filled("\"order\":12345678")
}

/// The payload for the handler that writes in the transaction of its event.
pub(crate) fn transactional() -> String {
    filled("\"weight\":1")
}

/// The payload for the handler that fails at every attempt.
pub(crate) fn poison() -> String {
    filled("\"failTimes\":1000")
}

fn filled(members: &str) -> String {
    let around = format!("{{{members},\"note\":\"\"}}").len();
    let note: String = FILLING.chars().cycle().take(LENGTH.saturating_sub(around)).collect();
    format!("{{{members},\"note\":\"{note}\"}}")
}

/// The body of a request to ingest.
pub(crate) fn event(event_type: &str, payload: &str) -> String {
    format!("{{\"eventType\":\"{event_type}\",\"payload\":{payload}}}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_payload_is_an_object_of_400_bytes() {
        for payload in [plain(), transactional(), poison()] {
            assert_eq!(payload.len(), 400);
            let body: serde_json::Value = serde_json::from_str(&event("a.b", &payload)).unwrap();
            assert!(body["payload"]["note"].is_string());
        }
    }
}
