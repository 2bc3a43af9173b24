//! How a bulk call is spread over threads: the only file that knows rayon. Results never depend on it.

/// How a bulk call runs. It changes speed only, never a result.
///
/// ```
/// use subhalf::Exec;
/// let quiet = Exec::default().with_parallel(false);
/// assert!(!quiet.parallel());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Exec {
    parallel: bool,
}

impl Default for Exec {
    /// In parallel, if the `rayon` feature is on and the slice is large.
    fn default() -> Self {
        Self { parallel: true }
    }
}

impl Exec {
    /// The same, allowed or forbidden to use more than the calling thread.
    #[must_use]
    pub const fn with_parallel(mut self, parallel: bool) -> Self {
        self.parallel = parallel;
        self
    }

    /// Whether more than the calling thread may be used.
    #[must_use]
    pub const fn parallel(self) -> bool {
        self.parallel
    }

    /// Runs `work(first index, inputs, outputs)` over pieces of two slices of equal length.
    pub(super) fn over<S: Sync, D: Send>(self, src: &[S], dst: &mut [D], work: impl Fn(usize, &[S], &mut [D]) + Sync) {
        /// Elements a piece: the reference codec takes some tens of microseconds for them, well above a task's cost.
        #[cfg(feature = "rayon")]
        const PIECE: usize = 4096;
        #[cfg(feature = "rayon")]
        if self.parallel && src.len() > PIECE {
            use rayon::prelude::*;
            let pieces = src.par_chunks(PIECE).zip(dst.par_chunks_mut(PIECE)).enumerate();
            pieces.for_each(|(i, (src, dst))| work(i * PIECE, src, dst));
            return;
        }
        work(0, src, dst);
    }
}
