//! Transforms of slices: length checks and threads.

use super::par::{Exec, Pieces};
use crate::error::Error;
use crate::kernel::hadamard_blocks;
use crate::transform::Hadamard;

impl Hadamard {
    /// Replaces each block of successive numbers by its transform, `x · R`. A matrix whose rows are
    /// a multiple of the block long is transformed along its rows.
    ///
    /// # Errors
    ///
    /// If the length is no multiple of the block's.
    pub fn forward(&self, x: &mut [f32]) -> Result<(), Error> {
        self.forward_with(x, Exec::default())
    }

    /// Replaces each block by its transform, `x · R`, on these threads and instructions.
    ///
    /// # Errors
    ///
    /// If the length is no multiple of the block's.
    pub fn forward_with(&self, x: &mut [f32], exec: Exec) -> Result<(), Error> {
        rotate(x, self.forward_factors(), exec)
    }

    /// Replaces each block by its inverse transform, `y · Rᵀ`: the block before
    /// [`forward`](Self::forward), up to roundings.
    ///
    /// # Errors
    ///
    /// If the length is no multiple of the block's.
    pub fn inverse(&self, y: &mut [f32]) -> Result<(), Error> {
        self.inverse_with(y, Exec::default())
    }

    /// Replaces each block by its inverse transform, `y · Rᵀ`, on these threads and instructions.
    ///
    /// # Errors
    ///
    /// If the length is no multiple of the block's.
    pub fn inverse_with(&self, y: &mut [f32], exec: Exec) -> Result<(), Error> {
        rotate(y, self.inverse_factors(), exec)
    }
}

/// Transforms all blocks of `x`.
fn rotate(x: &mut [f32], [before, after]: [&[f32]; 2], exec: Exec) -> Result<(), Error> {
    let block = after.len();
    let whole = x.len() / block * block;
    if whole != x.len() {
        // The nearest length that fits.
        return Err(Error::Length {
            what: "numbers in whole blocks of the transform",
            expected: whole + block,
            found: x.len(),
        });
    }
    // Blocks are powers of two up to 4096, so that pieces hold whole ones.
    exec.chunks(x, Pieces::Fast as usize, |_, x| hadamard_blocks(exec.isa(), x, before, after));
    Ok(())
}
