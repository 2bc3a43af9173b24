//! `embed`: how much of all-MiniLM-L6-v2's embeddings is left under some numerics.

use crate::Chosen;
use crate::encoder::{Encoder, POSITIONS, Weights};
use crate::failure::Failure;
use crate::numerics::Numerics;
use crate::text::beginning;
use crate::wordpiece::WordPieces;
use clap::Args;
use std::fs;
use std::io::Write;
use std::path::PathBuf;

/// How near embeddings of sentences are to those of all-MiniLM-L6-v2 in f32, and how often the
/// nearest other sentence is the same.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// The folder of the model: `model.safetensors` and `vocab.txt`.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// A text in UTF-8, whose paragraphs are embedded.
    #[arg(value_name = "TEXT")]
    text: PathBuf,
    /// How many paragraphs.
    #[arg(long, value_name = "COUNT", default_value_t = 200)]
    paragraphs: usize,
    /// Writes the embeddings, too: f32s, little-endian.
    #[arg(long, value_name = "OUT")]
    out: Option<PathBuf>,
    #[command(flatten)]
    chosen: Chosen,
}

pub(crate) fn write(arguments: &Arguments, out: &mut impl Write) -> Result<(), Failure> {
    let Arguments { folder, text, paragraphs, chosen, .. } = arguments;
    let weights = Weights::load(&folder.join("model.safetensors"))?;
    let path = folder.join("vocab.txt");
    let vocabulary = fs::read_to_string(&path).map_err(|error| Failure::file(&path, error))?;
    let pieces = WordPieces::new(&vocabulary)?;
    let text = beginning(text, usize::MAX)?.replace("\r\n", "\n");
    let sentences: Vec<Vec<u32>> = text
        .split("\n\n")
        .filter(|paragraph| !paragraph.trim().is_empty())
        .take(*paragraphs)
        .map(|paragraph| pieces.encode(paragraph))
        // The model is made for at most 256 tokens.
        .map(|mut tokens| {
            if tokens.len() > POSITIONS / 2 {
                let last = tokens[tokens.len() - 1];
                tokens.truncate(POSITIONS / 2 - 1);
                tokens.push(last);
            }
            tokens
        })
        .collect();
    if sentences.len() < 2 {
        return Err(Failure::unfit("paragraphs", "at least two", sentences.len()));
    }
    let embedded = |numerics| -> Result<Vec<Vec<f32>>, Failure> {
        let encoder = Encoder::new(&weights, numerics)?;
        sentences.iter().map(|tokens| encoder.embed(tokens)).collect()
    };
    let shipped = embedded(Numerics::AS_SHIPPED)?;
    let found = embedded(chosen.numerics())?;
    let cosines: Vec<f64> = shipped.iter().zip(&found).map(|(a, b)| dot(a, b)).collect();
    let same = (0..found.len()).filter(|at| nearest(&shipped, *at) == nearest(&found, *at)).count();
    let least = cosines.iter().copied().fold(f64::INFINITY, f64::min);
    let mean = cosines.iter().sum::<f64>() / cosines.len() as f64;
    writeln!(out, "paragraphs               {}", found.len())?;
    writeln!(out, "1 - cosine, mean         {:.3e}", 1.0 - mean)?;
    writeln!(out, "1 - cosine, largest      {:.3e}", 1.0 - least)?;
    writeln!(out, "same nearest paragraph   {:.1} %", 100.0 * same as f64 / found.len() as f64)?;
    if let Some(path) = &arguments.out {
        let bytes: Vec<u8> = found.iter().flatten().flat_map(|x| x.to_le_bytes()).collect();
        fs::write(path, bytes).map_err(|error| Failure::file(path, error))?;
    }
    Ok(())
}

/// The cosine of two vectors of length 1, about.
fn dot(a: &[f32], b: &[f32]) -> f64 {
    let product: f64 = a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
    let length = |x: &[f32]| x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
    product / (length(a) * length(b))
}

/// The other vector that is nearest to one.
fn nearest(vectors: &[Vec<f32>], at: usize) -> Option<usize> {
    let others = (0..vectors.len()).filter(|other| *other != at);
    others
        .max_by(|a, b| dot(&vectors[at], &vectors[*a]).total_cmp(&dot(&vectors[at], &vectors[*b])))
}
