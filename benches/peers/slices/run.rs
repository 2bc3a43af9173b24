//! Runs `ours`, `theirs` built for this machine and `theirs` built with default flags in turn, 5
//! times or as often as the argument says, and prints the medians as tables: 10^9 elements a
//! second, in brackets how many times as fast subhalf is. Before them, where a library's results on
//! finite inputs in range are not those of subhalf's reference codec.
//!
//! Pinned to a core if other programs run (numkong needs a C compiler; without it, name the feature
//! `peers` instead):
//!
//! ```sh
//! cargo build --release -p subhalf-benches --features peers
//! RUSTFLAGS=-Ctarget-cpu=native cargo build --release -p subhalf-benches --bin slices-theirs --features numkong --target-dir target/native
//! taskset -c 0 target/release/slices-run
//! ```

#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use std::collections::{BTreeSet, HashMap};
use std::env::consts::EXE_SUFFIX;
use std::process::Command;

/// The executables by their place beside this one.
const BUILDS: [&str; 3] = ["slices-ours", "../native/release/slices-theirs", "slices-theirs"];
const LIBRARIES: [&str; 5] = ["float8", "microfloat", "minifloat", "numkong", "half"];
/// subhalf's own rows, and the build of the others beside them.
const TABLES: [(&str, &str, usize); 2] =
    [("widest", "native", 1), ("portable", "default flags", 2)];

fn median(samples: &[f64]) -> f64 {
    let mut samples = samples.to_vec();
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

fn main() {
    let rounds: usize =
        std::env::args().nth(1).map_or(5, |argument| argument.parse().expect("a number of rounds"));
    let here = std::env::current_exe().expect("the path of this executable");
    let mut names: Vec<String> = Vec::new();
    let mut samples: HashMap<(usize, String, String), Vec<f64>> = HashMap::new();
    let mut differences = BTreeSet::new();
    for round in 0..rounds {
        // Each round starts with another executable.
        for turn in 0..BUILDS.len() {
            let build = (round + turn) % BUILDS.len();
            let path = here.with_file_name(format!("{}{EXE_SUFFIX}", BUILDS[build]));
            let output =
                Command::new(path).output().expect("the commands above build the executables");
            assert!(
                output.status.success(),
                "{}: {}",
                BUILDS[build],
                String::from_utf8_lossy(&output.stderr)
            );
            for line in String::from_utf8(output.stdout).expect("text").lines() {
                let [name, library, figure] =
                    line.split('\t').collect::<Vec<&str>>().try_into().expect("three fields");
                if name == "differs" {
                    differences.insert(format!("{library} {figure}"));
                    continue;
                }
                if !names.iter().any(|known| known == name) {
                    names.push(name.to_string());
                }
                samples
                    .entry((build, name.to_string(), library.to_string()))
                    .or_default()
                    .push(figure.parse().expect("a figure"));
            }
        }
    }
    for difference in differences {
        println!("{difference}");
    }
    let figure = |build, name: &str, library: &str| {
        samples.get(&(build, name.to_string(), library.to_string())).map(|row| median(row))
    };
    for (own, flags, build) in TABLES {
        println!(
            "\n| {own}; others {flags} | subhalf | {} |\n|---|---|---|---|---|---|---|",
            LIBRARIES.join(" | ")
        );
        for name in &names {
            let ours = figure(0, name, own).expect("subhalf has every row");
            print!("| {name} | {ours:.2} |");
            for library in LIBRARIES {
                match figure(build, name, library) {
                    Some(theirs) => print!(" {theirs:.2} ({:.2}) |", ours / theirs),
                    // What a library does not have has no row.
                    None => print!(" |"),
                }
            }
            println!();
        }
    }
}
