//! Which weights are quantized: those that the stacks quantize, unless patterns say otherwise.

use wildmatch::WildMatch;

/// Names that the stacks leave as they are: embeddings, the head, norms, routers of experts.
const LEFT: [&str; 15] = [
    "*bias",
    "*embed*",
    "*embd*",
    "*gate_inp*",
    "*lm_head*",
    "*norm*",
    "*.ln_*",
    "*router*",
    "*.gate.weight",
    "*gate.wg*",
    "*pos_emb*",
    "*wte*",
    "*wpe*",
    "output.weight",
    "*classifier*",
];

/// Why vectors are left, which are too many to be told one by one.
pub(super) const NO_MATRIX: &str = "no matrix";

/// Patterns of names.
#[derive(Debug)]
pub(super) struct Choice {
    include: Vec<WildMatch>,
    exclude: Vec<WildMatch>,
    left: Vec<WildMatch>,
}

fn matcher(pattern: &str) -> WildMatch {
    WildMatch::new(pattern)
}

impl Choice {
    pub(super) fn new(include: &[String], exclude: &[String]) -> Self {
        Self {
            include: include.iter().map(|pattern| matcher(pattern)).collect(),
            exclude: exclude.iter().map(|pattern| matcher(pattern)).collect(),
            left: LEFT.iter().map(|pattern| WildMatch::new_case_insensitive(pattern)).collect(),
        }
    }

    /// Why a weight is left as it is by the patterns that were given, if so.
    pub(super) fn refuses(&self, name: &str) -> Option<&'static str> {
        let any = |patterns: &[WildMatch]| patterns.iter().any(|pattern| pattern.matches(name));
        if any(&self.exclude) {
            Some("excluded")
        } else if !self.include.is_empty() && !any(&self.include) {
            Some("not included")
        } else {
            None
        }
    }

    /// Why a weight is not quantized, if so.
    pub(super) fn leaves(&self, name: &str, shape: &[usize]) -> Option<&'static str> {
        let by_default =
            self.include.is_empty() && self.left.iter().any(|pattern| pattern.matches(name));
        match self.refuses(name) {
            None if shape.len() < 2 => Some(NO_MATRIX),
            None if by_default => Some("left out by default"),
            reason => reason,
        }
    }
}
