const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The last `width` digits of a number in base 62.
pub(crate) fn encode(number: u128, width: usize) -> String {
    let mut rest = number;
    let mut digits = vec![b'0'; width];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[usize::try_from(rest % 62).unwrap_or_default()];
        rest /= 62;
    }
    digits.into_iter().map(char::from).collect()
}

pub(crate) fn is(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
