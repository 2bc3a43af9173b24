//! `generate`: a text written on, the likeliest token at a time.

use crate::Chosen;
use crate::failure::Failure;
use crate::forward::Session;
use crate::model::{Model, Shipped};
use crate::score::likeliest;
use crate::tokenizer::Tokenizer;
use clap::Args;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Instant;
use subhalf::io::Gguf;

/// Writes a text on, the likeliest token at a time.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// A GGUF file of a Llama model.
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// How the text begins.
    #[arg(long, value_name = "TEXT")]
    prompt: String,
    /// The prompt is a question to an assistant.
    #[arg(long)]
    chat: bool,
    /// The most tokens to write.
    #[arg(long, value_name = "COUNT", default_value_t = 64)]
    tokens: usize,
    #[command(flatten)]
    chosen: Chosen,
}

pub(crate) fn write(arguments: &Arguments, out: &mut impl Write) -> Result<(), Failure> {
    let file = Gguf::open(&arguments.model)?;
    let tokenizer = Tokenizer::of(&file)?;
    let shipped = Shipped::load(&file)?;
    let model = Model::new(&shipped, arguments.chosen.numerics())?;
    let prompt = match arguments.chat {
        true => tokenizer.encode_chat(&arguments.prompt)?,
        false => tokenizer.encode(&arguments.prompt),
    };
    if prompt.is_empty() {
        return Err(Failure::unfit("prompt", "at least one token", "none"));
    }
    let mut session = Session::new(&model)?;
    let start = Instant::now();
    let mut hidden = session.read(&prompt)?;
    let read = start.elapsed().as_secs_f64();
    if !arguments.chat {
        write!(out, "{}", arguments.prompt)?;
    }
    let (start, mut logits, mut written) = (Instant::now(), Vec::new(), 0);
    while written < arguments.tokens {
        let last = &hidden[hidden.len() - model.config.width..];
        session.logits(last, &mut logits)?;
        let token = likeliest(&logits) as u32;
        if Some(token) == tokenizer.end() {
            break;
        }
        written += 1;
        // A character may be of several tokens: its bytes are written as they come.
        out.write_all(tokenizer.bytes(token))?;
        out.flush()?;
        hidden = session.read(&[token])?;
    }
    let wrote = start.elapsed().as_secs_f64();
    writeln!(out)?;
    let rates = [prompt.len() as f64 / read, written as f64 / wrote];
    let [prompt, position] = [prompt.len(), session.position()];
    // The text is all that stdout has; if nobody reads stderr, nothing is lost.
    let _ = writeln!(
        io::stderr(),
        "{prompt} tokens read at {:.0} a second, {written} written at {:.0} a second, {position} kept",
        rates[0],
        rates[1]
    );
    Ok(())
}
