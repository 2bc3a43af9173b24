//! all-MiniLM-L6-v2: BERT's encoder, whose hidden states' mean is the embedding of a sentence. Its
//! linear layers follow the numerics; norms, softmax and the products of attention are in f32.

use crate::failure::Failure;
use crate::forward::softmax;
use crate::linear::{Inputs, Linear};
use crate::numerics::Numerics;
use std::collections::HashMap;
use std::path::Path;
use subhalf::io::Checkpoint;
use subhalf::{Accumulator, Exec, Matmul, Operand, Workspace};

/// Numbers of a hidden state, of the inner layer and of a head, and the blocks: those of MiniLM-L6.
const WIDTH: usize = 384;
const INNER: usize = 1536;
const HEAD: usize = 32;
const BLOCKS: usize = 6;
/// Positions that have an embedding.
pub(crate) const POSITIONS: usize = 512;
const EPSILON: f64 = 1e-12;

/// The weights of a checkpoint as f32s.
#[derive(Debug)]
pub(crate) struct Weights(HashMap<String, (Vec<usize>, Vec<f32>)>);

impl Weights {
    /// Reads all weights of a safetensors file.
    pub(crate) fn load(path: &Path) -> Result<Self, Failure> {
        let checkpoint = Checkpoint::open(path)?;
        let mut weights = HashMap::new();
        for weight in checkpoint.weights() {
            let numbers = checkpoint.load(weight)?.to_f32()?;
            weights.insert(weight.name().to_owned(), (weight.shape().to_vec(), numbers));
        }
        Ok(Self(weights))
    }

    fn of(&self, name: &str, shape: &[usize]) -> Result<&[f32], Failure> {
        match self.0.get(name) {
            Some((found, numbers)) if found == shape => Ok(numbers),
            found => {
                let found = found.map_or_else(|| "none".into(), |(shape, _)| format!("{shape:?}"));
                Err(Failure::unfit(format!("tensor '{name}'"), format!("{shape:?}"), found))
            }
        }
    }

    /// The rows of the word embeddings.
    fn words(&self) -> Result<(&[f32], usize), Failure> {
        let name = "embeddings.word_embeddings.weight";
        let count = self.0.get(name).and_then(|(shape, _)| shape.first().copied()).unwrap_or(0);
        Ok((self.of(name, &[count, WIDTH])?, count))
    }
}

/// A linear layer with a bias.
#[derive(Debug)]
struct Biased(Linear, Vec<f32>);

/// Weight and bias of a norm.
#[derive(Debug)]
struct Norm([Vec<f32>; 2]);

#[derive(Debug)]
struct EncoderBlock {
    q: Biased,
    k: Biased,
    v: Biased,
    output: Biased,
    attention_norm: Norm,
    up: Biased,
    down: Biased,
    norm: Norm,
}

/// The encoder under some numerics.
#[derive(Debug)]
pub(crate) struct Encoder<'w> {
    words: (&'w [f32], usize),
    positions: &'w [f32],
    kinds: &'w [f32],
    norm: Norm,
    blocks: Vec<EncoderBlock>,
    numerics: Numerics,
}

impl<'w> Encoder<'w> {
    pub(crate) fn new(weights: &'w Weights, numerics: Numerics) -> Result<Self, Failure> {
        let norm = |name: &str| {
            let part =
                |part| Ok::<_, Failure>(weights.of(&format!("{name}.{part}"), &[WIDTH])?.to_vec());
            Ok::<_, Failure>(Norm([part("weight")?, part("bias")?]))
        };
        let layer = |name: &str, shape: [usize; 2]| {
            let weight = weights.of(&format!("{name}.weight"), &shape)?;
            let bias = weights.of(&format!("{name}.bias"), &shape[..1])?;
            Ok::<_, Failure>(Biased(
                Linear::of_numbers(weight, shape, &numerics, None)?,
                bias.to_vec(),
            ))
        };
        let block = |block: usize| {
            let name = |part: &str| format!("encoder.layer.{block}.{part}");
            Ok(EncoderBlock {
                q: layer(&name("attention.self.query"), [WIDTH, WIDTH])?,
                k: layer(&name("attention.self.key"), [WIDTH, WIDTH])?,
                v: layer(&name("attention.self.value"), [WIDTH, WIDTH])?,
                output: layer(&name("attention.output.dense"), [WIDTH, WIDTH])?,
                attention_norm: norm(&name("attention.output.LayerNorm"))?,
                up: layer(&name("intermediate.dense"), [INNER, WIDTH])?,
                down: layer(&name("output.dense"), [WIDTH, INNER])?,
                norm: norm(&name("output.LayerNorm"))?,
            })
        };
        Ok(Self {
            words: weights.words()?,
            positions: weights.of("embeddings.position_embeddings.weight", &[POSITIONS, WIDTH])?,
            kinds: weights.of("embeddings.token_type_embeddings.weight", &[2, WIDTH])?,
            norm: norm("embeddings.LayerNorm")?,
            blocks: (0..BLOCKS).map(block).collect::<Result<_, Failure>>()?,
            numerics,
        })
    }

    /// The embedding of a sentence's tokens, of length 1.
    pub(crate) fn embed(&self, tokens: &[u32]) -> Result<Vec<f32>, Failure> {
        let mut x = Vec::with_capacity(tokens.len() * WIDTH);
        for (token, position) in tokens.iter().zip(self.positions.chunks(WIDTH)) {
            let (words, count) = self.words;
            if *token as usize >= count {
                return Err(Failure::unfit("token", format!("below {count}"), token));
            }
            let word = &words[*token as usize * WIDTH..][..WIDTH];
            let sums = word.iter().zip(position).zip(self.kinds);
            x.extend(sums.map(|((word, position), kind)| word + position + kind));
        }
        self.norm.apply(&mut x);
        let mut workspace = Workspace::new();
        for block in &self.blocks {
            block.apply(&mut x, &self.numerics, &mut workspace)?;
        }
        let mut mean = vec![0.0f64; WIDTH];
        for row in x.chunks(WIDTH) {
            mean.iter_mut().zip(row).for_each(|(sum, x)| *sum += f64::from(*x));
        }
        let length = mean.iter().map(|x| x * x).sum::<f64>().sqrt();
        Ok(mean.iter().map(|x| (x / length) as f32).collect())
    }
}

impl EncoderBlock {
    fn apply(
        &self,
        x: &mut [f32],
        numerics: &Numerics,
        workspace: &mut Workspace,
    ) -> Result<(), Failure> {
        let h = Inputs::new(x, WIDTH, None, numerics)?;
        let mut of = |layer: &Biased| layer.apply(&h, numerics, workspace);
        let [q, k, v] = [of(&self.q)?, of(&self.k)?, of(&self.v)?];
        let mixed = attention(&q, &k, &v, numerics, workspace)?;
        let mixed = Inputs::new(&mixed, WIDTH, None, numerics)?;
        add(x, &self.output.apply(&mixed, numerics, workspace)?);
        self.attention_norm.apply(x);
        let h = Inputs::new(x, WIDTH, None, numerics)?;
        let mut inner = self.up.apply(&h, numerics, workspace)?;
        inner.iter_mut().for_each(|x| *x = gelu(*x));
        let inner = Inputs::new(&inner, INNER, None, numerics)?;
        add(x, &self.down.apply(&inner, numerics, workspace)?);
        self.norm.apply(x);
        Ok(())
    }
}

/// What the tokens take from each other, head by head.
fn attention(
    q: &[f32],
    k: &[f32],
    v: &[f32],
    numerics: &Numerics,
    workspace: &mut Workspace,
) -> Result<Vec<f32>, Failure> {
    let count = q.len() / WIDTH;
    let exec = Exec::SERIAL.with_isa(numerics.exec.isa());
    let matmul = Matmul::new().accumulator(Accumulator::F32).exec(exec);
    let mut mixed = vec![0.0; q.len()];
    let mut scores = vec![0.0f32; count * count];
    let mut of_head = vec![0.0f32; count * HEAD];
    for head in (0..WIDTH).step_by(HEAD) {
        let columns = |rows: &[f32]| -> Vec<f32> {
            rows.chunks(WIDTH).flat_map(|row| &row[head..head + HEAD]).copied().collect()
        };
        let [q, k, v] = [columns(q), columns(k), columns(v)];
        let side = |rows| Operand::numbers(rows, &[count, HEAD]);
        matmul.multiply_with(side(&q)?, side(&k)?, &mut scores, workspace)?;
        let scale = (HEAD as f32).sqrt().recip();
        scores.chunks_mut(count).for_each(|scores| softmax(scores, count, scale));
        let weights = Operand::numbers(&scores, &[count, count])?;
        matmul.multiply_with(weights, side(&v)?.transposed(), &mut of_head, workspace)?;
        for (row, of_head) in mixed.chunks_mut(WIDTH).zip(of_head.chunks(HEAD)) {
            row[head..head + HEAD].copy_from_slice(of_head);
        }
    }
    Ok(mixed)
}

impl Biased {
    fn apply(
        &self,
        x: &Inputs<'_>,
        numerics: &Numerics,
        workspace: &mut Workspace,
    ) -> Result<Vec<f32>, Failure> {
        let mut out = Vec::new();
        self.0.apply(x, &mut out, workspace, numerics.exec)?;
        out.chunks_mut(self.1.len()).for_each(|row| add(row, &self.1));
        Ok(out)
    }
}

impl Norm {
    /// Rows less their mean, over their deviation, times the weight, plus the bias.
    fn apply(&self, x: &mut [f32]) {
        let Self([weight, bias]) = self;
        for row in x.chunks_mut(weight.len()) {
            let count = row.len() as f64;
            let mean = row.iter().map(|x| f64::from(*x)).sum::<f64>() / count;
            let square = |x: &f32| (f64::from(*x) - mean).powi(2);
            let deviation = (row.iter().map(square).sum::<f64>() / count + EPSILON).sqrt();
            for (x, (weight, bias)) in row.iter_mut().zip(weight.iter().zip(bias)) {
                *x = ((f64::from(*x) - mean) / deviation) as f32 * weight + bias;
            }
        }
    }
}

fn add(x: &mut [f32], y: &[f32]) {
    x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
}

/// `x · Φ(x)`, with Φ the distribution of a standard normal number.
fn gelu(x: f32) -> f32 {
    let x = f64::from(x);
    (x * 0.5 * complement(-x * std::f64::consts::FRAC_1_SQRT_2)) as f32
}

/// `erfc(x)`: the Taylor series of erf around 0 and, from 2 on, the continued fraction of erfc
/// (Abramowitz and Stegun, 7.1.6 and 7.1.14); the relative error is below 1e-9.
fn complement(x: f64) -> f64 {
    if x < 0.0 {
        return 2.0 - complement(-x);
    }
    let gauss = (-x * x).exp();
    if x < 2.0 {
        // erf = 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (1 · 3 · … · (2n+1))
        let (mut term, mut sum) = (x, x);
        for n in 1..40 {
            term *= 2.0 * x * x / f64::from(2 * n + 1);
            sum += term;
        }
        return 1.0 - std::f64::consts::FRAC_2_SQRT_PI * gauss * sum;
    }
    // √π · e^(x²) · erfc = 1 / (x + (1/2) / (x + 1 / (x + (3/2) / (x + …))))
    let fraction = (1..60).rev().fold(x, |below, n| x + f64::from(n) * 0.5 / below);
    gauss / fraction * 0.5 * std::f64::consts::FRAC_2_SQRT_PI
}

#[cfg(test)]
mod tests {
    use super::{complement, gelu};

    #[test]
    fn the_complement_is_that_of_published_tables() {
        // Abramowitz and Stegun, table 7.1 and 7.3.
        let rows = [(0.0, 1.0), (0.5, 0.479500122), (1.0, 0.157299207), (2.0, 4.677734981e-3)];
        for (x, expected) in [&rows[..], &[(3.0, 2.209049700e-5)]].concat() {
            assert!((complement(x) / expected - 1.0).abs() < 3e-9, "{x}: {}", complement(x));
            assert!((complement(-x) - (2.0 - expected)).abs() < 1e-9);
        }
        assert_eq!((gelu(0.0), gelu(20.0), gelu(-20.0)), (0.0, 20.0, 0.0));
        assert!((gelu(1.0) - 0.841_344_7).abs() < 1e-6);
    }
}
