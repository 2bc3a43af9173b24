//! Hostile input: absurd specs, arbitrary names, wrong lengths. Whatever comes in, the answer is a
//! result or an error of one line, never a panic; what is accepted keeps its promises.

mod names;
mod specs;

use proptest::test_runner::Config;

/// Cases of one property; failures are printed, not written to a file.
fn cases(cases: u32) -> Config {
    Config { cases, failure_persistence: None, ..Config::default() }
}

/// Every error is one line that says something.
pub(crate) fn assert_one_line(error: &impl std::fmt::Display) {
    let text = error.to_string();
    assert!(
        text.len() > 10
            && !text.contains(['\n', '\r', '\u{2028}', '\u{2029}'])
            && !text.chars().any(char::is_control),
        "{text:?}"
    );
}
