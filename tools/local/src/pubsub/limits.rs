//! Google's limits on names and messages. A violation has the code that Google uses.

use tonic::Status;

use super::proto::PubsubMessage;

pub(super) const MAX_REQUEST_BYTES: usize = 10_000_000;
const MAX_MESSAGES: usize = 1_000;
const MAX_ATTRIBUTES: usize = 100;
const MAX_KEY_BYTES: usize = 256;
const MAX_VALUE_BYTES: usize = 1_024;
const MAX_ORDERING_KEY_BYTES: usize = 1_024;

pub(super) fn topic_name(name: &str) -> Result<(), Status> {
    resource_name(name, "topics")
}

pub(super) fn subscription_name(name: &str) -> Result<(), Status> {
    resource_name(name, "subscriptions")
}

pub(super) fn project_name(name: &str) -> Result<(), Status> {
    match name.strip_prefix("projects/") {
        Some(project) if !project.is_empty() && !project.contains('/') => Ok(()),
        _ => Err(invalid(format!("{name:?} is not a project: it has the form projects/PROJECT"))),
    }
}

fn resource_name(name: &str, collection: &str) -> Result<(), Status> {
    let parts: Vec<_> = name.split('/').collect();
    match parts[..] {
        ["projects", project, kind, id] if !project.is_empty() && kind == collection && is_id(id) => Ok(()),
        _ => Err(invalid(format!(
            "{name:?} is not a valid name: it has the form projects/PROJECT/{collection}/ID, where ID \
             has 3 to 255 characters, starts with a letter, has only letters, digits and -_.~+%, and \
             does not start with goog"
        ))),
    }
}

fn is_id(id: &str) -> bool {
    (3..=255).contains(&id.len())
        && id.starts_with(|first: char| first.is_ascii_alphabetic())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~+%".contains(&byte))
        && !id.starts_with("goog")
}

pub(super) fn messages(messages: &[PubsubMessage]) -> Result<(), Status> {
    if messages.is_empty() || messages.len() > MAX_MESSAGES {
        return Err(invalid(format!(
            "a publish carries 1 to {MAX_MESSAGES} messages, not {}",
            messages.len()
        )));
    }
    let bytes: usize = messages.iter().map(prost::Message::encoded_len).sum();
    if bytes > MAX_REQUEST_BYTES {
        return Err(invalid(format!(
            "the messages have {bytes} bytes, more than the limit of {MAX_REQUEST_BYTES}"
        )));
    }
    messages.iter().try_for_each(message)
}

fn message(message: &PubsubMessage) -> Result<(), Status> {
    if message.data.is_empty() && message.attributes.is_empty() {
        return Err(invalid("a message has data or at least one attribute"));
    }
    if message.attributes.len() > MAX_ATTRIBUTES {
        return Err(invalid(format!("a message has at most {MAX_ATTRIBUTES} attributes")));
    }
    if message.ordering_key.len() > MAX_ORDERING_KEY_BYTES {
        return Err(invalid(format!("an ordering key has at most {MAX_ORDERING_KEY_BYTES} bytes")));
    }
    message.attributes.iter().try_for_each(|(key, value)| attribute(key, value))
}

fn attribute(key: &str, value: &str) -> Result<(), Status> {
    if key.is_empty() || key.len() > MAX_KEY_BYTES || key.starts_with("goog") {
        return Err(invalid(format!(
            "the attribute key {key:?} has 1 to {MAX_KEY_BYTES} bytes and does not start with goog"
        )));
    }
    if value.len() > MAX_VALUE_BYTES {
        return Err(invalid(format!("the attribute {key:?} is longer than {MAX_VALUE_BYTES} bytes")));
    }
    Ok(())
}

pub(super) fn invalid(reason: impl Into<String>) -> Status {
    Status::invalid_argument(reason)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::HashMap;

    use super::*;

    #[test]
    fn names_are_as_google_wants_them() {
        topic_name("projects/p/topics/ev%-_.~+9").unwrap();
        subscription_name("projects/p/subscriptions/abc").unwrap();
        for name in [
            "",
            "events",
            "projects/p/topics/ab",
            "projects//topics/abc",
            "projects/p/topics/9ab",
            "projects/p/topics/google",
            "projects/p/topics/a b",
            "projects/p/subscriptions/abc",
            "projects/p/topics/abc/d",
            &format!("projects/p/topics/{}", "a".repeat(256)),
        ] {
            assert!(topic_name(name).is_err(), "{name}");
        }
    }

    fn with(data: usize, attributes: &[(&str, usize)]) -> PubsubMessage {
        let attributes: HashMap<_, _> =
            attributes.iter().map(|(key, length)| ((*key).to_owned(), "v".repeat(*length))).collect();
        PubsubMessage { data: vec![0; data], attributes, ..Default::default() }
    }

    #[test]
    fn messages_within_the_limits_pass() {
        messages(&vec![with(1, &[]); MAX_MESSAGES]).unwrap();
        messages(&[with(0, &[("k", MAX_VALUE_BYTES)])]).unwrap();
        messages(&[with(MAX_REQUEST_BYTES - 100, &[])]).unwrap();
    }

    #[test]
    fn messages_over_a_limit_are_refused() {
        let keys: Vec<_> = (0..=MAX_ATTRIBUTES).map(|n| n.to_string()).collect();
        let crowd: Vec<_> = keys.iter().map(|key| (key.as_str(), 1)).collect();
        let long_key = "k".repeat(MAX_KEY_BYTES + 1);
        let ordered = PubsubMessage { ordering_key: "k".repeat(MAX_ORDERING_KEY_BYTES + 1), ..with(1, &[]) };
        for refused in [
            vec![],
            vec![with(1, &[]); MAX_MESSAGES + 1],
            vec![with(0, &[])],
            vec![with(MAX_REQUEST_BYTES, &[])],
            vec![with(MAX_REQUEST_BYTES / 2, &[]); 2],
            vec![with(0, &crowd)],
            vec![with(0, &[("", 1)])],
            vec![with(0, &[(&long_key, 1)])],
            vec![with(0, &[("googly", 1)])],
            vec![with(0, &[("k", MAX_VALUE_BYTES + 1)])],
            vec![ordered],
        ] {
            assert!(messages(&refused).is_err());
        }
    }
}
