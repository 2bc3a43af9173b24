//! Runs the executables of the libraries in turn, 7 times or as often as the argument says, and
//! prints the median of each row in nanoseconds, with its ratio to subhalf's behind it: above 1 the
//! library is slower than subhalf.
//!
//! `cargo build --release -p subhalf-benches --features peers && target/release/scalars-compare`

#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use std::collections::HashMap;
use std::process::Command;

const LIBRARIES: [&str; 4] = ["subhalf", "float8", "microfloat", "minifloat"];

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

fn main() {
    let rounds: usize =
        std::env::args().nth(1).map_or(7, |argument| argument.parse().expect("a number of rounds"));
    let here = std::env::current_exe().expect("the path of this executable");
    let mut names: Vec<String> = Vec::new();
    let mut samples: HashMap<(String, &str), [Vec<f64>; 2]> = HashMap::new();
    for round in 0..rounds {
        // Each round starts with another library.
        for turn in 0..LIBRARIES.len() {
            let library = LIBRARIES[(round + turn) % LIBRARIES.len()];
            let path =
                here.with_file_name(format!("scalars-{library}{}", std::env::consts::EXE_SUFFIX));
            let output = Command::new(path)
                .output()
                .expect("the command above builds the executables")
                .stdout;
            for line in String::from_utf8(output).expect("text").lines() {
                let mut fields = line.split('\t');
                let name = fields.next().expect("a name").to_string();
                let figures = [(); 2].map(|()| {
                    fields.next().and_then(|field| field.parse().ok()).expect("a figure")
                });
                if !names.contains(&name) {
                    names.push(name.clone());
                }
                let row = samples.entry((name, library)).or_default();
                row.iter_mut()
                    .zip(figures)
                    .for_each(|(samples, figure): (_, f64)| samples.push(figure));
            }
        }
    }
    for (kind, title) in ["throughput", "latency"].into_iter().enumerate() {
        println!("\n| {title}, ns | {} |\n|---|---|---|---|---|", LIBRARIES.join(" | "));
        for name in &names {
            let figure = |library| {
                samples.get(&(name.clone(), library)).map(|row| median(row[kind].clone()))
            };
            let own = figure(LIBRARIES[0]).expect("subhalf has every row");
            print!("| {name} |");
            for library in LIBRARIES {
                // What a library does not have has no row.
                match figure(library) {
                    Some(x) => print!(" {x:.2} ({:.2}) |", x / own),
                    None => print!(" |"),
                }
            }
            println!();
        }
    }
}
