//! `perplexity`: one row of what `sweep` makes a table of. `logits`: numbers to compare with other
//! programs.

use crate::Chosen;
use crate::calibrate::{Calibration, Recipe};
use crate::failure::Failure;
use crate::forward::Session;
use crate::model::{Model, Shipped};
use crate::numerics::Numerics;
use crate::score::{Score, interval};
use crate::text::{Window, Windows, beginning, calibration_windows};
use crate::tokenizer::Tokenizer;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;
use subhalf::io::Gguf;

/// How well a model foretells a text under some numerics: perplexity, and the distance from the
/// model as shipped.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// A GGUF file of a Llama model.
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    #[command(flatten)]
    windows: Windows,
    #[command(flatten)]
    chosen: Chosen,
    /// What is done to weights beside rounding, calibrated with two windows of the second half of
    /// the text.
    #[arg(long, value_name = "RECIPE")]
    recipe: Option<Recipe>,
}

/// Progress over windows, on stderr while that is a terminal.
pub(crate) fn progress(windows: usize, tokens: usize) -> ProgressBar {
    let bar = ProgressBar::new((windows * tokens) as u64);
    let template = "[{bar:32}] {pos}/{len} tokens  {per_sec}  {eta} left  {msg}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}

pub(crate) fn write(arguments: &Arguments, out: &mut impl Write) -> Result<(), Failure> {
    let Arguments { model, windows, chosen, recipe } = arguments;
    let file = Gguf::open(model)?;
    let tokenizer = Tokenizer::of(&file)?;
    let shipped = Shipped::load(&file)?;
    let tokens = windows.tokens(&tokenizer)?;
    let bar = progress(2 * tokens.len(), windows.window);
    let as_shipped = Model::new(&shipped, Numerics::AS_SHIPPED)?;
    let numerics = Numerics { recipe: *recipe, ..chosen.numerics() };
    let calibration = match recipe {
        None => None,
        Some(_) => {
            let tokens = calibration_windows(&windows.text, &tokenizer, windows.window)?;
            Some(Calibration::new(&as_shipped, &tokens)?)
        }
    };
    let other = Model::calibrated(&shipped, numerics, calibration.as_ref())?;
    let (mut scores, mut shipped_scores, mut seconds) = (Vec::new(), Vec::new(), 0.0);
    for tokens in tokens {
        let window = Window::new(&as_shipped, tokens, windows.unscored)?;
        shipped_scores.push(window.score(&as_shipped)?);
        bar.inc(windows.window as u64);
        let start = Instant::now();
        scores.push(window.score(&other)?);
        seconds += start.elapsed().as_secs_f64();
        bar.inc(windows.window as u64);
    }
    bar.finish_and_clear();
    let (sum, sum_shipped) = (Score::sum(&scores), Score::sum(&shipped_scores));
    let [low, high] = interval(&scores, &shipped_scores);
    writeln!(out, "tokens scored            {}", sum.tokens)?;
    writeln!(out, "perplexity               {:.3}", sum.perplexity())?;
    writeln!(out, "as shipped               {:.3}", sum_shipped.perplexity())?;
    let ratio = sum.perplexity() / sum_shipped.perplexity();
    writeln!(out, "ratio                    {ratio:.4} ({low:.4} to {high:.4})")?;
    writeln!(out, "KL, nats a token         {:.4}", sum.mean_divergence())?;
    writeln!(out, "same likeliest token     {:.1} %", 100.0 * sum.agreement())?;
    let rate = (windows.window * scores.len()) as f64 / seconds;
    writeln!(out, "seconds                  {seconds:.1} ({rate:.0} tokens/s, scoring included)")?;
    Ok(())
}

/// Logits behind each of the first tokens of a text, as f32s, little-endian; their tokens on stdout.
#[derive(Args, Debug)]
pub(crate) struct LogitsArguments {
    /// A GGUF file of a Llama model.
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// A text in UTF-8.
    #[arg(value_name = "TEXT")]
    text: PathBuf,
    /// Where the logits are written to.
    #[arg(value_name = "OUT")]
    out: PathBuf,
    /// How many tokens.
    #[arg(long, value_name = "COUNT", default_value_t = 64)]
    tokens: usize,
    #[command(flatten)]
    chosen: Chosen,
}

pub(crate) fn write_logits(
    arguments: &LogitsArguments,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let file = Gguf::open(&arguments.model)?;
    let tokenizer = Tokenizer::of(&file)?;
    let shipped = Shipped::load(&file)?;
    // No token has more than 32 letters on average.
    let mut tokens = tokenizer.encode(&beginning(&arguments.text, 32 * arguments.tokens)?);
    tokens.truncate(arguments.tokens);
    let model = Model::new(&shipped, arguments.chosen.numerics())?;
    let mut session = Session::new(&model)?;
    let (hidden, mut logits) = (session.read(&tokens)?, Vec::new());
    session.logits(&hidden, &mut logits)?;
    let bytes: Vec<u8> = logits.iter().flat_map(|x| x.to_le_bytes()).collect();
    fs::write(&arguments.out, bytes).map_err(|error| Failure::file(&arguments.out, error))?;
    let tokens: Vec<String> = tokens.iter().map(u32::to_string).collect();
    writeln!(out, "{}", tokens.join(" "))?;
    Ok(())
}
