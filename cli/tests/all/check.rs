//! `subhalf check`, on lines that Berkeley TestFloat wrote (`golden/testfloat.txt`), and on lines
//! that are wrong.

use super::{Scratch, printed, run};
use std::io::Write;
use std::process::{Command, Output, Stdio};

/// Runs `check` with lines on its standard input.
fn check(arguments: &str, lines: &str) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_subhalf"))
        .arg("check")
        .args(arguments.split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // A program that refuses its arguments reads nothing.
    let _ = program.stdin.take().expect("piped").write_all(lines.as_bytes());
    program.wait_with_output().expect("the program ends")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// Exit code, standard output and standard error.
fn told(arguments: &str, lines: &str) -> (Option<i32>, String, String) {
    let output = check(arguments, lines);
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// The options of `testfloat_gen` as those of `check`.
fn options(words: &str) -> String {
    let options = words.split_whitespace().map(|word| match word {
        "-tininessafter" => "--tininess after".to_owned(),
        "-tininessbefore" => "--tininess before".to_owned(),
        "-exact" => "--exact".to_owned(),
        "-notexact" => String::new(),
        _ => word.replacen("-r", "--round r", 1),
    });
    options.collect::<Vec<_>>().join(" ")
}

/// The function, the options and the lines of each part of the file.
fn golden() -> Vec<(&'static str, String, String)> {
    let file = include_str!("../golden/testfloat.txt");
    let mut parts: Vec<(&str, String, String)> = Vec::new();
    for line in file.lines().skip(2) {
        match (line.strip_prefix("# "), parts.last_mut()) {
            (Some(words), _) => {
                let (function, words) = words.split_once(' ').expect("options");
                parts.push((function, options(words), String::new()));
            }
            (None, Some((_, _, lines))) => *lines += &format!("{line}\n"),
            (None, None) => panic!("{line:?} stands before all functions"),
        }
    }
    parts
}

#[test]
fn lines_of_testfloat_are_equal_in_every_function_and_rounding() {
    let parts = golden();
    assert_eq!(parts.len(), 2 * (7 * 7 + 6) + 2 + 12 * 7);
    for (function, options, lines) in &parts {
        let count = lines.lines().count();
        let (code, out, error) = told(&format!("{function} {options}"), lines);
        assert!(count >= 12, "{function} {options}: {count}");
        assert_eq!((code, error.as_str()), (Some(0), ""), "{function} {options}: {out}");
        assert!(out.ends_with(&format!(": {count} lines, 0 differ\n")), "{out}");
    }
}

/// The same lines under another rounding, another tininess or another function are not equal.
#[test]
fn options_that_are_wrong_are_seen() {
    let parts = golden();
    let differing = |function: &str, made: &str, checked: &str| {
        let found = parts.iter().find(|part| part.0 == function && part.1 == made);
        let (code, out, error) = told(checked, &found.expect(made).2);
        assert_eq!(code, Some(1), "{checked}: {out}{error}");
        out
    };
    let even = "--round rnear_even --tininess after";
    differing("f16_add", even, "f16_add --round rmax");
    differing("f16_add", even, "f16_sub");
    differing("f16_lt", even, "f16_lt_quiet");
    differing("f32_mulAdd", even, "f32_mulAdd --round rodd");
    // The product 0.9990 · 2^-14 · 1.0010 is below 2^-14 and is rounded to it.
    let out = differing("f16_mul", even, "f16_mul --tininess before");
    assert!(
        out.contains(": expected 0400 01 (inexact), found 0400 03 (inexact, underflow)\n"),
        "{out}"
    );
}

#[test]
fn a_difference_is_told_with_its_line() {
    // 1 + 1 = 2; 1 + 2^-11 is a tie and stays 1, inexact; NaN of any payload; 65504 · 2.
    let lines = "3C00 3C00 4000 00\n3C00 1000 3C01 01\n3C00 1000 3C00 00\n7E00 3C00 FFFF 00\n";
    let (code, out, error) = told("f16_add", lines);
    assert_eq!(code, Some(1));
    assert_eq!(
        out,
        "line 2: 3C00 1000: expected 3C01 01 (inexact), found 3C00 01 (inexact)\n\
         line 3: 3C00 1000: expected 3C00 00 (no flags), found 3C00 01 (inexact)\n\
         f16_add, rnear_even, tininess after: 4 lines, 2 differ\n"
    );
    assert_eq!(error, "subhalf check: lines that differ: expected 0, found 2\n");
    let (_, out, _) = told("f16_add --show 1", lines);
    assert!(out.contains("\nand 1 more lines that differ\n"), "{out}");
    // Small letters, and lines that end as on Windows.
    let (code, out, _) = told("f32_to_bf16", "3f808000 3f80 01\r\n3f818000 3f82 01\r\n");
    assert_eq!(
        (code, out.as_str()),
        (Some(0), "f32_to_bf16, rnear_even, tininess after: 2 lines, 0 differ\n")
    );
    // Arithmetic of BF16, which TestFloat does not have: 3 · 0.5 + 1 = 2.5, and 1.5 < 2.
    for (function, line) in [
        ("bf16_mulAdd", "4040 3F00 3F80 4020 00\n"),
        ("bf16_lt", "3FC0 4000 1 00\n"),
        ("bf16_roundToInt", "BE80 8000 00\n"),
    ] {
        assert_eq!(told(function, line).0, Some(0), "{function}");
    }
}

#[test]
fn a_file_is_read_too() {
    let file = Scratch::file("check.txt", b"4400 4000 00\n");
    let out = printed(["check", "f16_sqrt", file.name()]);
    assert_eq!(out, "f16_sqrt, rnear_even, tininess after: 1 lines, 0 differ\n");
    let output = run(["check", "f16_sqrt", "/nowhere/lines.txt"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).starts_with("subhalf check: cannot read /nowhere/lines.txt: "));
}

#[test]
fn what_is_no_line_is_told_with_its_number() {
    let shape = "expected operands of 4, 4 digits, a result of 4, and flags of 2 up to 1F, apart by one space";
    for line in [
        "",
        "3C00 3C00 4000",
        "3C00 3C00 4000 00 00",
        "3C00 3C00 4000 20",
        "3C00  3C00 4000 00",
        "3C00 3C00 400 00",
        "3C00 +C00 4000 00",
        "3C00 3C00 40\u{e9}0 00",
        "3F800000 3F800000 40000000 00",
    ] {
        let (code, out, error) = told("f16_add", &format!("3C00 3C00 4000 00\n{line}\n"));
        assert_eq!((code, out.as_str()), (Some(2), ""), "{line:?}");
        assert!(error.starts_with(&format!("subhalf check: line 2: {shape}, found \"")), "{error}");
    }
    let (code, _, error) = told("f16_le", "3C00 3C00 2 00\n");
    assert_eq!(code, Some(2));
    assert!(error.contains("line 1: expected operands of 4, 4 digits, 0 or 1 of 1, "), "{error}");
    // No lines are no proof.
    let (code, _, error) = told("f16_sqrt", "");
    assert_eq!(code, Some(2));
    assert!(error.contains("expected an operand of 4 digits, a result of 4"), "{error}");
    assert!(error.ends_with(", found no line\n"), "{error}");
}

#[test]
fn other_functions_are_answered_with_the_list() {
    for function in ["f64_add", "f16_rem", "f16_to_i32", "f16_to_f16", "add", "", "f16_"] {
        let output = run(["check", function]);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{function}");
        for part in ["mulAdd", "lt_quiet", "ui64", "bf16", &format!("found {function:?}\n")] {
            assert!(error.contains(part), "{function}: {error}");
        }
    }
    let output = run(["check", "f16_add", "--round", "up"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("[possible values: rnear_even, rminMag, "));
}
