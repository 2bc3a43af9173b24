//! `subhalf explain`, by numbers that are worked out by hand.

use super::{printed, refusal};

#[test]
fn a_number_is_told_with_its_neighbours() {
    assert_eq!(
        printed(["explain", "E4M3", "0.3"]),
        "0.3 (5404319552844595·2^-54) in F8E4M3: between 0.28125 (0x29) and 0.3125 (0x2a), 0.03125 apart; result 0.3125 (0x2a); flags: inexact\n"
    );
    let down = printed(["explain", "F8E4M3", "0.3", "--round", "toward-zero"]);
    assert!(down.ends_with("; result 0.28125 (0x29); flags: inexact\n"), "{down}");
    // 2.5 is the midpoint of 2 and 3.
    let tie = printed(["explain", "F4E2M1", "-2.5"]);
    assert!(
        tie.contains(
            " in F4E2M1: a tie between -3 (0x0d) and -2 (0x0c), 1 apart; result -2 (0x0c); "
        ),
        "{tie}"
    );
}

#[test]
fn policies_vocabularies_and_random_words_decide() {
    let result = |arguments: &[&str]| {
        let text = printed([&["explain"], arguments].concat());
        text.trim_end().split_once("; result ").expect("a result").1.to_owned()
    };
    assert_eq!(
        result(&["F8E4M3", "500", "--policy", "CUDA_SATFINITE"]),
        "448 (0x7e); flags: overflow+inexact"
    );
    assert!(result(&["F8E4M3", "500", "--policy", "ml-dtypes"]).starts_with("NaN (0x7f); "));
    assert!(result(&["INT8", "1.5", "--vocabulary", "OCP"]).starts_with("1.5 (0x60); "));
    assert!(
        result(&["F8E5M2", "--", "-inf"]).starts_with("-inf (0xfc); "),
        "{}",
        result(&["F8E5M2", "--", "-inf"])
    );
    // 2.25 lies a quarter of the way from 2 to 3: of the two-bit words only 3 takes it up.
    for (word, expected) in [("0", "2 "), ("2", "2 "), ("3", "3 ")] {
        let found = result(&["F4E2M1", "2.25", "--round", "stochastic-a:2", "--random", word]);
        assert!(found.starts_with(expected), "{word}: {found}");
    }
}

#[test]
fn bad_arguments_are_one_line_and_a_failure() {
    for (arguments, code, beginning) in [
        (
            &["explain", "E9M9", "1"][..],
            1,
            "subhalf explain: format name: expected a name of any vocabulary, found \"E9M9\"",
        ),
        (
            &["explain", "OFP9\n", "1"],
            1,
            "subhalf explain: format name: expected a name of any vocabulary, found \"OFP9\\n\"",
        ),
        (
            &["explain", "E4M3", "0,3"],
            2,
            "subhalf explain: invalid value '0,3' for '<NUMBER>': invalid float literal",
        ),
        (
            &["explain", "E4M3"],
            2,
            "subhalf explain: the following required arguments were not provided: <NUMBER>",
        ),
        (
            &["explain", "E4M3", "1", "--policy", "mine"],
            2,
            "subhalf explain: invalid value 'mine' for '--policy <NAME>': expected one of ",
        ),
    ] {
        let (found, line) = refusal(arguments);
        assert_eq!(found, Some(code), "{line}");
        assert!(line.starts_with(beginning), "{line}");
    }
}
