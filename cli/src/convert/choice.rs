//! Which weights are quantized: those that the stacks quantize, unless patterns say otherwise.

use wildmatch::WildMatch;

/// Names that the stacks leave as they are: embeddings, the head, norms, routers of experts.
const LEFT: [&str; 12] = [
    "*embed*",
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

    /// Why a weight is left as it is, if so.
    pub(super) fn leaves(&self, name: &str, shape: &[usize]) -> Option<&'static str> {
        let any = |patterns: &[WildMatch]| patterns.iter().any(|pattern| pattern.matches(name));
        if any(&self.exclude) {
            return Some("excluded");
        }
        if shape.len() < 2 {
            return Some(NO_MATRIX);
        }
        match self.include.is_empty() {
            true if any(&self.left) => Some("left out by default"),
            false if !any(&self.include) => Some("not included"),
            _ => None,
        }
    }
}
