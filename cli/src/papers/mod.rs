//! Published claims about formats, measured here: one row a claim.
//!
//! [`claims`] says of each claim what is measured on which numbers and which result agrees; that was
//! written down before any result was seen. [`measures`] computes them. The table begins with the
//! claims that were not reproduced.

mod claims;
pub(crate) mod inputs;
mod measures;
mod sweep;
mod weights;

use crate::failure::{Failure, to_file};
use clap::Args;
use std::io::Write;
use std::path::PathBuf;

/// Published claims about formats beside what this machine measures.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Where the errors of floating-point splits by bits, blocks and scale rules are written to
    /// (CSV).
    #[arg(long, value_name = "FILE")]
    sweep: Option<PathBuf>,
    /// Where some of these errors are drawn to (SVG).
    #[arg(long, value_name = "FILE")]
    sweep_picture: Option<PathBuf>,
    /// Weights to measure the claims about weights on: a checkpoint, or a model in GGUF.
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Prints the claims with their metrics and thresholds, and measures nothing.
    #[arg(long)]
    claims: bool,
}

/// What was measured of a claim.
pub(crate) struct Outcome {
    /// The figures, in words.
    pub(crate) ours: String,
    /// Whether they meet the claim's threshold.
    pub(crate) agrees: bool,
}

pub(crate) fn write(arguments: &Arguments, out: &mut impl Write) -> Result<(), Failure> {
    if arguments.claims {
        writeln!(out, "| paper | claim | numbers | metric | agrees if |\n|---|---|---|---|---|")?;
        for claim in claims::CLAIMS {
            let claims::Claim { paper, statement, numbers, metric, threshold, .. } = claim;
            writeln!(out, "| {paper} | {statement} | {numbers} | {metric} | {threshold} |")?;
        }
        return Ok(());
    }
    let matrices = arguments.weights.as_deref().map(weights::read).transpose()?;
    let mut rows = Vec::new();
    for claim in claims::CLAIMS {
        match (claim.measure, &matrices) {
            (claims::Measure::Drawn(measure), _) => rows.push((claim, measure()?)),
            (claims::Measure::Weights(measure), Some(matrices)) => {
                rows.push((claim, measure(matrices)?));
            }
            (claims::Measure::Weights(_), None) => {}
        }
    }
    // Stable: within both parts claims keep their order.
    rows.sort_by_key(|(_, outcome)| outcome.agrees);
    writeln!(out, "| paper | claim | ours | agrees if | reproduced |\n|---|---|---|---|---|")?;
    for (claim, Outcome { ours, agrees }) in &rows {
        let claims::Claim { paper, statement, threshold, .. } = claim;
        let verdict = if *agrees { "yes" } else { "**no**" };
        writeln!(out, "| {paper} | {statement} | {ours} | {threshold} | {verdict} |")?;
    }
    let agreeing = rows.iter().filter(|(_, outcome)| outcome.agrees).count();
    writeln!(out, "\n{agreeing} of {} claims reproduced.", rows.len())?;
    let left = claims::CLAIMS.len() - rows.len();
    if left > 0 {
        writeln!(out, "{left} more are about weights: --weights FILE.")?;
    }
    if arguments.sweep.is_none() && arguments.sweep_picture.is_none() {
        return Ok(());
    }
    let points = sweep::measure()?;
    if let Some(path) = &arguments.sweep {
        to_file(path, &sweep::csv(&points))?;
    }
    if let Some(path) = &arguments.sweep_picture {
        let picture = sweep::draw(&points).map_err(|error| Failure::Draw(error.to_string()))?;
        to_file(path, &picture)?;
    }
    Ok(())
}
