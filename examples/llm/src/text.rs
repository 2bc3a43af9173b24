//! The text that is scored: its tokens in windows, and what the model as shipped makes of them.

use crate::failure::Failure;
use crate::forward::Session;
use crate::model::Model;
use crate::score::{Score, score};
use crate::tokenizer::Tokenizer;
use clap::Args;
use std::fs;
use std::path::{Path, PathBuf};

/// Which parts of a text are scored.
#[derive(Args, Debug)]
pub(crate) struct Windows {
    /// A text in UTF-8.
    #[arg(value_name = "TEXT")]
    pub(crate) text: PathBuf,
    /// The text's first characters, which tokens are made of.
    #[arg(long, value_name = "COUNT", default_value_t = 60_000)]
    pub(crate) characters: usize,
    /// Consecutive windows, each read from an empty cache.
    #[arg(long, value_name = "COUNT", default_value_t = 4)]
    pub(crate) windows: usize,
    /// Tokens of a window.
    #[arg(long, value_name = "TOKENS", default_value_t = 512)]
    pub(crate) window: usize,
    /// The first tokens of a window, which are not scored.
    #[arg(long, value_name = "TOKENS", default_value_t = 32)]
    pub(crate) unscored: usize,
}

/// The beginning of a text.
pub(crate) fn beginning(path: &Path, characters: usize) -> Result<String, Failure> {
    let text = fs::read_to_string(path).map_err(|error| Failure::file(path, error))?;
    Ok(text.chars().take(characters).collect())
}

impl Windows {
    /// The windows' tokens.
    pub(crate) fn tokens(&self, tokenizer: &Tokenizer) -> Result<Vec<Vec<u32>>, Failure> {
        if self.unscored + 1 >= self.window || self.windows == 0 {
            let expected = "at least one window, and more tokens in it than are not scored";
            let found = format!("{} of {}, {}", self.windows, self.window, self.unscored);
            return Err(Failure::unfit("windows", expected, found));
        }
        let tokens = tokenizer.encode(&beginning(&self.text, self.characters)?);
        let windows: Vec<Vec<u32>> =
            tokens.chunks_exact(self.window).take(self.windows).map(<[u32]>::to_vec).collect();
        if windows.len() < self.windows {
            let expected = format!("{} for the windows", self.windows * self.window);
            let found = format!("{} in {} characters", tokens.len(), self.characters);
            return Err(Failure::unfit("tokens", expected, found));
        }
        Ok(windows)
    }
}

/// Windows of the second half of a text, of which no window is scored: what recipes are calibrated
/// with.
pub(crate) fn calibration_windows(
    path: &Path,
    tokenizer: &Tokenizer,
    window: usize,
) -> Result<Vec<Vec<u32>>, Failure> {
    const WINDOWS: usize = 2;
    let text = beginning(path, usize::MAX)?;
    // A token has at most 32 letters on average.
    let (half, letters) = (text.chars().count() / 2, 32 * WINDOWS * window);
    let tokens = tokenizer.encode(&text.chars().skip(half).take(letters).collect::<String>());
    let windows: Vec<_> = tokens.chunks_exact(window).take(WINDOWS).map(<[u32]>::to_vec).collect();
    if windows.len() < WINDOWS {
        let expected = format!("{} in its second half", WINDOWS * window);
        return Err(Failure::unfit("tokens of the text", expected, tokens.len()));
    }
    Ok(windows)
}

/// A window and the hidden states that the model as shipped has behind its scored tokens: its
/// logits are made again from these, for they would fill 100 MB.
#[derive(Debug)]
pub(crate) struct Window {
    tokens: Vec<u32>,
    unscored: usize,
    hidden: Vec<f32>,
}

impl Window {
    /// Reads a window with the model as shipped.
    pub(crate) fn new(
        shipped: &Model<'_>,
        tokens: Vec<u32>,
        unscored: usize,
    ) -> Result<Self, Failure> {
        let hidden = hidden(shipped, &tokens, unscored)?;
        Ok(Self { tokens, unscored, hidden })
    }

    /// The score of a model.
    pub(crate) fn score(&self, model: &Model<'_>) -> Result<Score, Failure> {
        let mut session = Session::new(model)?;
        let hidden = hidden(model, &self.tokens, self.unscored)?;
        let [mut logits, mut shipped] = [Vec::new(), Vec::new()];
        session.logits(&hidden, &mut logits)?;
        session.logits(&self.hidden, &mut shipped)?;
        Ok(score(&logits, &shipped, &self.tokens[self.unscored + 1..]))
    }
}

/// The hidden states behind the tokens from which scored ones are foretold.
fn hidden(model: &Model<'_>, tokens: &[u32], unscored: usize) -> Result<Vec<f32>, Failure> {
    let rows = Session::new(model)?.read(tokens)?;
    let width = model.config.width;
    Ok(rows[unscored * width..(tokens.len() - 1) * width].to_vec())
}
