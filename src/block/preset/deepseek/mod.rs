//! `DeepSeek`'s inference kernels: FP8 E4M3, a module for each version whose rules differ.

pub mod v3;
pub mod v3_1;
