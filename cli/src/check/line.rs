//! One line: its operands, and the result and flags that it expects.

use super::function::Function;

/// A result and the flags that came with it.
#[derive(Clone, Copy)]
pub(super) struct Outcome {
    pub(super) result: u64,
    pub(super) flags: u8,
}

pub(super) struct Line<'a> {
    pub(super) operands: Vec<u64>,
    pub(super) operands_text: &'a str,
    pub(super) expected: Outcome,
}

impl<'a> Line<'a> {
    /// Reads a line, or says what was expected and what was found.
    pub(super) fn parse(text: &'a str, function: &Function) -> Result<Self, (String, String)> {
        let refused = || (function.shape(), format!("{text:?}"));
        let words: Vec<&str> = text.split(' ').collect();
        let digits = function.digits();
        if words.len() != digits.len() {
            return Err(refused());
        }
        let mut numbers = Vec::with_capacity(words.len());
        for (word, digits) in words.iter().zip(digits) {
            // `from_str_radix` would take a sign.
            let hexadecimal = word.bytes().all(|byte| byte.is_ascii_hexdigit());
            let number = u64::from_str_radix(word, 16).map_err(|_| refused())?;
            if !hexadecimal || word.len() != digits {
                return Err(refused());
            }
            numbers.push(number);
        }
        let [operands @ .., result, flags] = &numbers[..] else { return Err(refused()) };
        if *flags > 0x1F || (function.is_comparison() && *result > 1) {
            return Err(refused());
        }
        let behind = text.len() - function.result_digits() - 4;
        Ok(Self {
            operands: operands.to_vec(),
            operands_text: &text[..behind],
            expected: Outcome { result: *result, flags: *flags as u8 },
        })
    }
}

/// The names of flags, TestFloat's bits from the lowest up.
pub(super) fn flag_names(flags: u8) -> String {
    let names = ["inexact", "underflow", "overflow", "divide by zero", "invalid"];
    let raised: Vec<&str> =
        (0..).zip(names).filter(|(bit, _)| flags >> bit & 1 == 1).map(|(_, name)| name).collect();
    if raised.is_empty() { "no flags".to_owned() } else { raised.join(", ") }
}
