use tonic::Status;

use crate::pubsub::limits::invalid;

const DEFAULT_SIZE: usize = 100;

/// One page of a list that is sorted by name. The token of a page is the last name before it.
pub(super) fn page<T>(
    mut items: Vec<T>,
    name: impl Fn(&T) -> &str,
    size: i32,
    token: &str,
) -> Result<(Vec<T>, String), Status> {
    let size = match usize::try_from(size) {
        Ok(0) => DEFAULT_SIZE,
        Ok(size) => size,
        Err(_) => return Err(invalid("page_size is negative")),
    };
    items.retain(|item| name(item) > token);
    let more = items.len() > size;
    items.truncate(size);
    let next = items.last().filter(|_| more).map(|item| name(item).to_owned());
    Ok((items, next.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn pages_follow_one_another() {
        let names = vec!["a", "b", "c"];
        let (first, token) = page(names.clone(), |name| name, 2, "").unwrap();
        assert_eq!((first, token.as_str()), (vec!["a", "b"], "b"));
        let (second, token) = page(names.clone(), |name| name, 2, &token).unwrap();
        assert_eq!((second, token.as_str()), (vec!["c"], ""));
        assert_eq!(page(names, |name| name, 0, "").unwrap().0.len(), 3);
    }
}
