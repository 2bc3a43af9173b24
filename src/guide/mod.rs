//! Guides: what to use for what, page by page. Every snippet is compiled and run by
//! `cargo test --doc`. The tables of `docs/*.md` in the repository go further: every format, every
//! preset, every matrix unit, what was measured.
//!
//! | page | question |
//! |---|---|
//! | [`formats`] | Which format is it, and what is missing from it? |
//! | [`rounding`] | How is a number rounded, and where do random bits come from? |
//! | [`schemes`] | Which block-scaled scheme is my stack's? |
//! | [`checkpoints`] | How do I read and write quantized files? |
//! | [`accumulators`] | How are products added up, and what would a GPU give? |
//! | [`speed`] | What is fast, what is not? |
//! | [`extending`] | How do I add a format, a scale rule, a kernel? |
//! | [`moving`] | What is it called here, coming from another library? |
//! | [`cookbook`], [`cookbook_tensors`] | I have … I want … |

#[doc = include_str!("formats.md")]
pub mod formats {}

#[doc = include_str!("rounding.md")]
pub mod rounding {}

#[doc = include_str!("schemes.md")]
pub mod schemes {}

#[doc = include_str!("checkpoints.md")]
pub mod checkpoints {}

#[doc = include_str!("accumulators.md")]
pub mod accumulators {}

#[doc = include_str!("speed.md")]
pub mod speed {}

#[doc = include_str!("extending.md")]
pub mod extending {}

#[doc = include_str!("moving.md")]
pub mod moving {}

#[doc = include_str!("cookbook.md")]
pub mod cookbook {}

#[doc = include_str!("cookbook_tensors.md")]
pub mod cookbook_tensors {}
