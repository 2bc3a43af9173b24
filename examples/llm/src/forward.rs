//! The forward pass of a Llama model: tokens in, hidden states and logits out.
//!
//! ```text
//! x = embedding of the tokens
//! for each block
//!     h = norm(x);  q, k, v = linear(h);  q, k turned by their positions
//!     k, v into the cache
//!     x += linear(softmax(q · kᵀ / √head) · v, for each head)
//!     h = norm(x);  x += linear(silu(gate(h)) · up(h))
//! hidden states = norm(x);  logits = head(hidden states)
//! ```
//!
//! Linear layers follow the numerics. Norms, softmax and the products of attention are in f32 (the
//! latter with the cache's codes as one side), as inference engines have them.

use crate::cache::Rows;
use crate::calibrate::INPUTS;
use crate::failure::Failure;
use crate::linear::Inputs;
use crate::model::{Block, Model};
use subhalf::{Accumulator, Exec, Matmul, Operand, Workspace};

/// Rows of queries that meet their keys together: few enough that not much is computed for keys
/// which come after a query.
const QUERIES: usize = 64;

/// A text that is being read or written: what the model keeps of its tokens.
#[derive(Debug)]
pub(crate) struct Session<'m> {
    model: &'m Model<'m>,
    /// Keys and values of each block, for each head.
    caches: Vec<Vec<[Rows; 2]>>,
    /// Tokens that were read.
    position: usize,
    workspace: Workspace,
    memory: Memory,
    /// What the layers of each block are given, kept if there is a list to keep it in.
    pub(crate) inputs: Option<Vec<[Vec<f32>; INPUTS]>>,
}

/// Buffers of a forward pass, kept from one to the next.
#[derive(Debug, Default)]
struct Memory {
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
    attention: Vec<f32>,
    gate: Vec<f32>,
    up: Vec<f32>,
    sum: Vec<f32>,
    queries: Vec<f32>,
    scores: Vec<f32>,
    mixed: Vec<f32>,
}

impl<'m> Session<'m> {
    /// A text without tokens yet.
    pub(crate) fn new(model: &'m Model<'m>) -> Result<Self, Failure> {
        let (config, scheme) = (&model.config, &model.numerics.cache);
        let head = || Ok([Rows::new(config.head, scheme)?, Rows::new(config.head, scheme)?]);
        let block = |_| (0..config.kv_heads).map(|_| head()).collect::<Result<Vec<_>, Failure>>();
        Ok(Self {
            model,
            caches: (0..config.blocks).map(block).collect::<Result<_, _>>()?,
            position: 0,
            workspace: Workspace::new(),
            memory: Memory::default(),
            inputs: None,
        })
    }

    /// The tokens that were read.
    pub(crate) const fn position(&self) -> usize {
        self.position
    }

    /// Reads the next tokens; the hidden states behind each of them, row after row.
    pub(crate) fn read(&mut self, tokens: &[u32]) -> Result<Vec<f32>, Failure> {
        let model = self.model;
        let config = &model.config;
        if self.position + tokens.len() > config.context {
            let found = self.position + tokens.len();
            return Err(Failure::unfit("tokens", format!("at most {}", config.context), found));
        }
        let mut x = model.embed(tokens)?;
        let turns =
            turns(config.head, config.rope_base, self.position..self.position + tokens.len());
        for (block, place) in model.blocks.iter().zip(0..) {
            self.attend(block, place, &turns, &mut x)?;
            self.feed(block, place, &mut x)?;
        }
        self.position += tokens.len();
        Ok(normed(&x, &model.norm, config.epsilon))
    }

    /// The logits of hidden states: one row of the vocabulary for each.
    pub(crate) fn logits(&mut self, hidden: &[f32], out: &mut Vec<f32>) -> Result<(), Failure> {
        logits(self.model, hidden, out, &mut self.workspace)
    }

    /// Attention: what each token takes from those before it.
    fn attend(
        &mut self,
        block: &Block,
        place: usize,
        turns: &[[f32; 2]],
        x: &mut [f32],
    ) -> Result<(), Failure> {
        let Self { model, caches, position, workspace, memory, inputs } = self;
        let (config, numerics) = (&model.config, &model.numerics);
        let Memory { q, k, v, attention, sum, .. } = memory;
        let h = normed(x, &block.attention_norm, config.epsilon);
        keep(inputs, place, 0, &h);
        let h = Inputs::new(&h, config.width, block.factors(0), numerics)?;
        for (layer, out) in [(&block.q, &mut *q), (&block.k, &mut *k), (&block.v, &mut *v)] {
            layer.apply(&h, out, workspace, numerics.exec)?;
        }
        let (head, group) = (config.head, config.heads / config.kv_heads);
        turn(q, config.heads, head, turns);
        turn(k, config.kv_heads, head, turns);
        attention.resize(q.len(), 0.0);
        let mut rows = Vec::new();
        for (kv_head, [keys, values]) in caches[place].iter_mut().enumerate() {
            for (cache, new) in [(&mut *keys, &*k), (&mut *values, &*v)] {
                rows.clear();
                let of_tokens = new.chunks(config.kv_heads * head);
                of_tokens.for_each(|row| rows.extend_from_slice(&row[kv_head * head..][..head]));
                cache.push(&rows)?;
            }
        }
        let Memory { q, attention, queries, scores, mixed, .. } = memory;
        // The products of a head are small.
        let exec = Exec::SERIAL.with_isa(numerics.exec.isa());
        let matmul = Matmul::new().accumulator(Accumulator::F32).exec(exec);
        let count = q.len() / config.width;
        for (kv_head, [keys, values]) in caches[place].iter().enumerate() {
            for first in (0..count).step_by(QUERIES) {
                let tokens = first..(first + QUERIES).min(count);
                let seen = *position + tokens.end;
                // The heads that share these keys, one token's after another's.
                let columns = kv_head * group * head..(kv_head + 1) * group * head;
                queries.clear();
                for row in q.chunks(config.width).skip(first).take(tokens.len()) {
                    queries.extend_from_slice(&row[columns.clone()]);
                }
                let (lines, kept) = (tokens.len() * group, [seen, head]);
                scores.resize(lines * seen, 0.0);
                let side = Operand::numbers(queries, &[lines, head])?;
                matmul.multiply_with(side, keys.first(&kept)?, scores, workspace)?;
                let scale = (head as f32).sqrt().recip();
                for (line, scores) in scores.chunks_mut(seen).enumerate() {
                    softmax(scores, *position + first + line / group + 1, scale);
                }
                mixed.resize(lines * head, 0.0);
                let side = Operand::numbers(scores, &[lines, seen])?;
                matmul.multiply_with(side, values.first(&kept)?.transposed(), mixed, workspace)?;
                let rows = attention.chunks_mut(config.width).skip(first);
                for (row, mixed) in rows.zip(mixed.chunks(group * head)) {
                    row[columns.clone()].copy_from_slice(mixed);
                }
            }
        }
        keep(inputs, place, 1, attention);
        let attention = Inputs::new(attention, config.width, block.factors(1), numerics)?;
        block.output.apply(&attention, sum, workspace, numerics.exec)?;
        x.iter_mut().zip(&*sum).for_each(|(x, y)| *x += y);
        Ok(())
    }

    /// The feed-forward layers, each token by itself.
    fn feed(&mut self, block: &Block, place: usize, x: &mut [f32]) -> Result<(), Failure> {
        let Self { model, workspace, memory: Memory { gate, up, sum, .. }, inputs, .. } = self;
        let (config, numerics) = (&model.config, &model.numerics);
        let h = normed(x, &block.inner_norm, config.epsilon);
        keep(inputs, place, 2, &h);
        let h = Inputs::new(&h, config.width, block.factors(2), numerics)?;
        block.gate.apply(&h, gate, workspace, numerics.exec)?;
        block.up.apply(&h, up, workspace, numerics.exec)?;
        // silu(x) = x / (1 + e^-x)
        gate.iter_mut().zip(&*up).for_each(|(x, up)| *x = *x / (1.0 + (-*x).exp()) * up);
        keep(inputs, place, 3, gate);
        let gate = Inputs::new(gate, config.inner, block.factors(3), numerics)?;
        block.down.apply(&gate, sum, workspace, numerics.exec)?;
        x.iter_mut().zip(&*sum).for_each(|(x, y)| *x += y);
        Ok(())
    }
}

/// Keeps rows of an input of a block, if there is a list to keep them in.
fn keep(inputs: &mut Option<Vec<[Vec<f32>; INPUTS]>>, block: usize, input: usize, rows: &[f32]) {
    if let Some(inputs) = inputs {
        inputs[block][input].extend_from_slice(rows);
    }
}

/// The logits of hidden states under a model: one row of the vocabulary for each.
pub(crate) fn logits(
    model: &Model<'_>,
    hidden: &[f32],
    out: &mut Vec<f32>,
    workspace: &mut Workspace,
) -> Result<(), Failure> {
    // Whatever the numerics, the head takes numbers.
    let as_shipped = crate::numerics::Numerics::AS_SHIPPED;
    let inputs = Inputs::new(hidden, model.config.width, None, &as_shipped)?;
    model.head().apply(&inputs, out, workspace, model.numerics.exec)
}

/// Rows over the root of their mean square, times a weight for each column.
fn normed(x: &[f32], weight: &[f32], epsilon: f32) -> Vec<f32> {
    let mut rows = x.to_vec();
    for row in rows.chunks_mut(weight.len()) {
        let squares: f64 = row.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
        let factor = (squares / weight.len() as f64 + f64::from(epsilon)).sqrt().recip() as f32;
        row.iter_mut().zip(weight).for_each(|(x, weight)| *x = *x * factor * weight);
    }
    rows
}

/// Cosine and sine of the angle by which each pair of a head is turned, position after position:
/// `position · base^(−2i/head)` for pair `i`.
fn turns(head: usize, base: f32, positions: std::ops::Range<usize>) -> Vec<[f32; 2]> {
    let pairs = 0..head / 2;
    let speeds: Vec<f64> =
        pairs.map(|pair| f64::from(base).powf(-2.0 * pair as f64 / head as f64)).collect();
    let turn = |angle: f64| [angle.cos() as f32, angle.sin() as f32];
    positions.flat_map(|at| speeds.iter().map(move |speed| turn(at as f64 * speed))).collect()
}

/// Turns the pairs of neighbours of all heads, row by row.
fn turn(rows: &mut [f32], heads: usize, head: usize, turns: &[[f32; 2]]) {
    for (row, turns) in rows.chunks_mut(heads * head).zip(turns.chunks(head / 2)) {
        for of_head in row.chunks_mut(head) {
            for (pair, [cos, sin]) in of_head.as_chunks_mut::<2>().0.iter_mut().zip(turns) {
                let [a, b] = *pair;
                *pair = [a * cos - b * sin, a * sin + b * cos];
            }
        }
    }
}

/// Makes weights of sum 1 of the first scores, and zeros of those behind them.
pub(crate) fn softmax(scores: &mut [f32], count: usize, scale: f32) {
    let (seen, unseen) = scores.split_at_mut(count);
    let largest = seen.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for score in &mut *seen {
        *score = ((*score - largest) * scale).exp();
        sum += f64::from(*score);
    }
    let factor = (1.0 / sum) as f32;
    seen.iter_mut().for_each(|score| *score *= factor);
    unseen.fill(0.0);
}
