//! What `subhalf` says of itself, and to what it does not know.

use super::{printed, refusal};

const SUBCOMMANDS: [&str; 8] =
    ["report", "diff", "inspect", "vectors", "check", "accumulators", "explain", "papers"];

#[test]
fn the_help_names_every_subcommand_and_each_has_a_help_of_its_own() {
    let help = printed(["--help"]);
    for name in SUBCOMMANDS {
        assert!(help.lines().any(|line| line.trim_start().starts_with(name)), "{name}: {help}");
        let own = printed([name, "--help"]);
        assert!(own.contains(&format!("Usage: subhalf {name}")), "{own}");
        assert_eq!(
            printed([name, "--version"]),
            concat!("subhalf-VERSION ", env!("CARGO_PKG_VERSION"), "\n").replace("VERSION", name)
        );
    }
    assert_eq!(printed(["--version"]), concat!("subhalf ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn what_is_no_subcommand_is_one_line_and_a_failure() {
    let (code, line) = refusal(["reports"]);
    assert_eq!((code, line.as_str()), (Some(2), "subhalf: unrecognized subcommand 'reports'"));
    let (code, line) = refusal(["two\nlines"]);
    assert_eq!((code, line.as_str()), (Some(2), "subhalf: unrecognized subcommand 'two lines'"));
    let (code, line) = refusal::<&str>([]);
    assert_eq!(code, Some(2));
    assert!(
        line.starts_with("subhalf: 'subhalf' requires a subcommand but one was not provided"),
        "{line}"
    );
    assert!(SUBCOMMANDS.iter().all(|name| line.contains(name)), "{line}");
}
