//! How a bulk call is spread over threads: the only file that knows rayon. Results never depend on
//! it.

use crate::kernel::Isa;

/// How a bulk call runs. It changes speed only, never a result.
///
/// ```
/// use subhalf::Exec;
/// assert!(Exec::default().is_parallel() && !Exec::SERIAL.is_parallel());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Exec {
    parallel: bool,
    isa: Option<Isa>,
}

impl Default for Exec {
    /// [`Exec::PARALLEL`].
    fn default() -> Self {
        Self::PARALLEL
    }
}

impl Exec {
    /// On rayon's threads, if the `rayon` feature is on and the slice is large.
    pub const PARALLEL: Self = Self { parallel: true, isa: None };
    /// On the calling thread alone.
    pub const SERIAL: Self = Self { parallel: false, isa: None };

    /// Whether more than the calling thread may be used.
    #[must_use]
    pub const fn is_parallel(self) -> bool {
        self.parallel
    }

    /// Whether several pieces are spread over threads.
    #[cfg(feature = "alloc")]
    pub(super) const fn uses_threads(self) -> bool {
        cfg!(feature = "rayon") && self.parallel
    }

    /// Sets the instruction set, in place of the widest that the machine has.
    #[must_use]
    pub const fn with_isa(mut self, isa: Isa) -> Self {
        self.isa = Some(isa);
        self
    }

    /// The instruction set that kernels will use.
    #[must_use]
    pub fn isa(self) -> Isa {
        // Detection is cached by the standard library; a call reads one word.
        self.isa.unwrap_or_else(Isa::best)
    }

    /// Runs `work(first index, piece)` over pieces of `length` elements and hands the results to
    /// `merge` in order.
    pub(crate) fn fold<S: Sync, R: Send>(
        self,
        src: &[S],
        length: usize,
        work: impl Fn(usize, &[S]) -> R + Sync,
        mut merge: impl FnMut(R),
    ) {
        #[cfg(feature = "rayon")]
        // A single piece stays on the calling thread.
        if self.parallel && src.len() > length {
            use rayon::prelude::*;
            // Collected in order, so that a merge that rounds has the same bits for any number of
            // threads.
            let results: alloc::vec::Vec<R> = src
                .par_chunks(length)
                .enumerate()
                .map(|(i, piece)| work(i * length, piece))
                .collect();
            results.into_iter().for_each(merge);
            return;
        }
        src.chunks(length).enumerate().for_each(|(i, piece)| merge(work(i * length, piece)));
    }

    /// Runs `work(first index, inputs, outputs)` over pieces of two slices of equal length.
    pub(super) fn over<S: Sync, D: Send>(
        self,
        src: &[S],
        dst: &mut [D],
        pieces: Pieces,
        work: impl Fn(usize, &[S], &mut [D]) + Sync,
    ) {
        // Pieces start at multiples of `length` whatever the threads, and so do random words and
        // tables.
        let length = pieces as usize;
        self.over_streams(src, length, dst, length, |piece, src, dst| {
            work(piece * length, src, dst);
        });
    }

    /// Runs `work(index, inputs, outputs)` over pieces of two slices: `inputs` elements of the one
    /// and `outputs` of the other. Both slices have the same number of pieces.
    pub(super) fn over_streams<S: Sync, D: Send>(
        self,
        src: &[S],
        inputs: usize,
        dst: &mut [D],
        outputs: usize,
        work: impl Fn(usize, &[S], &mut [D]) + Sync,
    ) {
        #[cfg(feature = "rayon")]
        if self.parallel && src.len() > inputs {
            use rayon::prelude::*;
            let pieces = src.par_chunks(inputs).zip(dst.par_chunks_mut(outputs)).enumerate();
            pieces.for_each(|(i, (src, dst))| work(i, src, dst));
            return;
        }
        // One piece: no iterator, which a call of few elements would feel.
        if src.len() <= inputs {
            return work(0, src, dst);
        }
        src.chunks(inputs)
            .zip(dst.chunks_mut(outputs))
            .enumerate()
            .for_each(|(i, (src, dst))| work(i, src, dst));
    }

    /// Runs `work` on every piece.
    #[cfg(feature = "alloc")]
    pub(super) fn each<P: Send>(self, pieces: alloc::vec::Vec<P>, work: impl Fn(P) + Sync) {
        #[cfg(feature = "rayon")]
        if self.parallel && pieces.len() > 1 {
            use rayon::prelude::*;
            pieces.into_par_iter().for_each(&work);
            return;
        }
        pieces.into_iter().for_each(work);
    }

    /// Runs `work` on every piece, each time with one of the memories, which are made as threads
    /// need them and kept for the next call.
    #[cfg(feature = "alloc")]
    pub(super) fn each_with<P: Send, M: Default + Send>(
        self,
        pieces: impl ExactSizeIterator<Item = P>,
        memories: &mut alloc::vec::Vec<M>,
        work: impl Fn(&mut M, P) + Sync,
    ) {
        #[cfg(feature = "rayon")]
        if self.parallel && pieces.len() > 1 {
            use rayon::prelude::*;
            use std::sync::{Mutex, PoisonError};
            let pieces: alloc::vec::Vec<P> = pieces.collect();
            // One lock to take and one to give back a piece, which is far more work than that. A
            // thread that panicked leaves a list in order.
            let pool = Mutex::new(core::mem::take(memories));
            let locked = || pool.lock().unwrap_or_else(PoisonError::into_inner);
            pieces.into_par_iter().for_each(|piece| {
                let mut memory = locked().pop().unwrap_or_default();
                work(&mut memory, piece);
                locked().push(memory);
            });
            *memories = pool.into_inner().unwrap_or_else(PoisonError::into_inner);
            return;
        }
        // One thread: one memory for all pieces, and no list of them.
        let memory = one_of(memories);
        pieces.for_each(|piece| work(memory, piece));
    }

    /// The results of `work` on every piece, in order.
    #[cfg(feature = "alloc")]
    pub(super) fn map<P: Send, R: Send>(
        self,
        pieces: alloc::vec::Vec<P>,
        work: impl Fn(P) -> R + Sync,
    ) -> alloc::vec::Vec<R> {
        #[cfg(feature = "rayon")]
        if self.parallel && pieces.len() > 1 {
            use rayon::prelude::*;
            // Indexed, so results keep the order of the pieces.
            return pieces.into_par_iter().map(&work).collect();
        }
        pieces.into_iter().map(work).collect()
    }

    /// Runs `work(index, chunk)` over chunks of `length` elements.
    pub(super) fn chunks<D: Send>(
        self,
        dst: &mut [D],
        length: usize,
        work: impl Fn(usize, &mut [D]) + Sync,
    ) {
        /// Below this many elements one thread is quicker.
        #[cfg(feature = "rayon")]
        const LARGE: usize = 1 << 14;
        #[cfg(feature = "rayon")]
        // Neither few elements nor a single chunk are worth waking a thread.
        if self.parallel && dst.len() > LARGE.max(length) {
            use rayon::prelude::*;
            dst.par_chunks_mut(length).enumerate().for_each(|(i, chunk)| work(i, chunk));
            return;
        }
        dst.chunks_mut(length).enumerate().for_each(|(i, chunk)| work(i, chunk));
    }
}

/// The first of some memories, made if there is none.
#[cfg(feature = "alloc")]
pub(super) fn one_of<M: Default>(memories: &mut alloc::vec::Vec<M>) -> &mut M {
    if memories.is_empty() {
        memories.push(M::default());
    }
    &mut memories[0]
}

/// Elements that a thread takes at a time: some tens of microseconds of work, well above a task's
/// cost.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pieces {
    /// For the reference codec.
    Slow = 1 << 12,
    /// For kernels.
    Fast = 1 << 16,
}
