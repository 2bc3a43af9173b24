//! Published claims about formats, measured here: one row a claim.
//!
//! [`claims`] says of each claim what is measured on which numbers and which result agrees; that was
//! written down before any result was seen. [`measures`] computes them. The table begins with the
//! claims that were not reproduced.

mod claims;
mod inputs;
mod measures;
mod sweep;

use crate::failure::Failure;
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
    let mut rows = Vec::new();
    for claim in claims::CLAIMS {
        rows.push((claim, (claim.measure)()?));
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
    if let Some(path) = &arguments.sweep {
        sweep::write(path)?;
    }
    Ok(())
}
