//! How a bulk call is spread over threads: the only file that knows rayon. Results never depend on
//! it.

use super::numbers::{Numbers, NumbersMut};
use crate::kernel::Isa;
use crate::spec::{CodeSlice, CodeSliceMut};
use core::ops::Range;

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

    /// Whether several pieces are spread over threads: a pool of a single thread would only be
    /// woken for each.
    #[cfg(feature = "rayon")]
    pub(super) fn uses_threads(self) -> bool {
        self.parallel && rayon::current_num_threads() > 1
    }

    /// Whether several pieces are spread over threads: never without rayon.
    #[cfg(all(feature = "matmul", not(feature = "rayon")))]
    pub(super) const fn uses_threads(self) -> bool {
        false
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
        if src.len() > length && self.uses_threads() {
            // Collected in order, so that a merge that rounds has the same bits for any number of
            // threads.
            let pieces = src.chunks(length).enumerate().collect();
            let results = self.map(pieces, |(i, piece)| work(i * length, piece));
            results.into_iter().for_each(merge);
            return;
        }
        src.chunks(length).enumerate().for_each(|(i, piece)| merge(work(i * length, piece)));
    }

    /// Runs `work(first index, inputs, outputs)` over pieces of two slices of equal length.
    pub(super) fn over<S: Series, D: Series>(
        self,
        src: S,
        dst: D,
        pieces: Pieces,
        work: impl Fn(usize, S, D) + Sync,
    ) {
        // Pieces start at multiples of `length` whatever the threads, and so do random words and
        // tables.
        let length = pieces as usize;
        self.over_streams([length; 2], src, dst, |piece, src, dst| work(piece * length, src, dst));
    }

    /// Runs `work(index, inputs, outputs)` over pieces of two slices: as many elements of the one
    /// and of the other as `lengths` says. Both slices have the same number of pieces.
    pub(super) fn over_streams<S: Series, D: Series>(
        self,
        lengths: [usize; 2],
        src: S,
        dst: D,
        work: impl Fn(usize, S, D) + Sync,
    ) {
        // One piece: no iterator, which a call of few elements would feel.
        if src.count() <= lengths[0] {
            return work(0, src, dst);
        }
        #[cfg(feature = "rayon")]
        if self.uses_threads() {
            return halves(0, lengths, src, dst, &work);
        }
        let (mut src, mut dst, mut index) = (src, dst, 0);
        while src.count() > lengths[0] {
            let ((inputs, rest), (outputs, rest_out)) = (src.cut(lengths[0]), dst.cut(lengths[1]));
            work(index, inputs, outputs);
            (src, dst, index) = (rest, rest_out, index + 1);
        }
        work(index, src, dst);
    }

    /// Runs `work` on every piece.
    #[cfg(feature = "alloc")]
    pub(super) fn each<P: Send>(self, pieces: alloc::vec::Vec<P>, work: impl Fn(P) + Sync) {
        #[cfg(feature = "rayon")]
        if pieces.len() > 1 && self.uses_threads() {
            return spread_pieces(pieces, &work);
        }
        pieces.into_iter().for_each(work);
    }

    /// Runs `work` on every piece, each time with one of the memories, which are made as threads
    /// need them and kept for the next call.
    #[cfg(feature = "matmul")]
    pub(super) fn each_with<P: Send, M: Default + Send>(
        self,
        pieces: impl ExactSizeIterator<Item = P>,
        memories: &mut alloc::vec::Vec<M>,
        work: impl Fn(&mut M, P) + Sync,
    ) {
        #[cfg(feature = "rayon")]
        if pieces.len() > 1 && self.uses_threads() {
            use std::sync::{Mutex, PoisonError};
            // One lock to take and one to give back a piece, which is far more work than that. A
            // thread that panicked leaves a list in order.
            let pool = Mutex::new(core::mem::take(memories));
            let locked = || pool.lock().unwrap_or_else(PoisonError::into_inner);
            spread_pieces(pieces.collect(), &|piece| {
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
        if pieces.len() > 1 && self.uses_threads() {
            // Every piece has a place for its result, so results keep the order of the pieces.
            let mut results: alloc::vec::Vec<_> = pieces.iter().map(|_| None).collect();
            let pieces = pieces.into_iter().zip(&mut results).collect();
            spread_pieces(pieces, &|(piece, result): (P, &mut Option<R>)| {
                *result = Some(work(piece));
            });
            return results.into_iter().flatten().collect();
        }
        pieces.into_iter().map(work).collect()
    }

    /// Runs `work(index, chunk)` over chunks of `length` elements.
    pub(super) fn chunks<D: Series>(self, dst: D, length: usize, work: impl Fn(usize, D) + Sync) {
        /// Below this many elements one thread is quicker.
        const LARGE: usize = 1 << 14;
        // Neither few elements nor a single chunk are worth waking a thread.
        let parallel = self.parallel && dst.count() > LARGE;
        let exec = Self { parallel, ..self };
        exec.over_streams([length; 2], 0..dst.count(), dst, |index, _, dst| work(index, dst));
    }
}

/// What can be cut into pieces: a slice, whatever its type.
pub(super) trait Series: Sized + Send {
    /// How many elements there are.
    fn count(&self) -> usize;
    /// The first `at` elements, and the rest.
    fn cut(self, at: usize) -> (Self, Self);
}

impl<S: Sync> Series for &[S] {
    fn count(&self) -> usize {
        self.len()
    }
    fn cut(self, at: usize) -> (Self, Self) {
        self.split_at(at)
    }
}

impl<D: Send> Series for &mut [D] {
    fn count(&self) -> usize {
        self.len()
    }
    fn cut(self, at: usize) -> (Self, Self) {
        self.split_at_mut(at)
    }
}

/// The indices of elements.
impl Series for Range<usize> {
    fn count(&self) -> usize {
        self.len()
    }
    fn cut(self, at: usize) -> (Self, Self) {
        (self.start..self.start + at, self.start + at..self.end)
    }
}

impl Series for CodeSlice<'_> {
    fn count(&self) -> usize {
        self.len()
    }
    fn cut(self, at: usize) -> (Self, Self) {
        self.split_at(at)
    }
}

impl Series for CodeSliceMut<'_> {
    fn count(&self) -> usize {
        self.len()
    }
    fn cut(self, at: usize) -> (Self, Self) {
        self.split_at(at)
    }
}

impl Series for Numbers<'_> {
    fn count(&self) -> usize {
        self.len()
    }
    fn cut(self, at: usize) -> (Self, Self) {
        (self.range(0..at), self.range(at..self.len()))
    }
}

impl Series for NumbersMut<'_> {
    fn count(&self) -> usize {
        self.len()
    }
    fn cut(self, at: usize) -> (Self, Self) {
        self.split_at(at)
    }
}

/// Runs `work` on all pieces of two slices, the first of which has the index `first`: half of them
/// on this thread, the other half on any that is idle. rayon's own iterators do the same; every
/// function that calls them compiles them again.
#[cfg(feature = "rayon")]
fn halves<S: Series, D: Series>(
    first: usize,
    lengths: [usize; 2],
    src: S,
    dst: D,
    work: &(dyn Fn(usize, S, D) + Sync),
) {
    let pieces = src.count().div_ceil(lengths[0]);
    if pieces <= 1 {
        return work(first, src, dst);
    }
    let half = pieces / 2;
    let ((src, rest), (dst, rest_out)) = (src.cut(half * lengths[0]), dst.cut(half * lengths[1]));
    rayon::join(
        || halves(first, lengths, src, dst, work),
        || halves(first + half, lengths, rest, rest_out, work),
    );
}

/// Runs `work` on all pieces, each of which one thread takes.
#[cfg(feature = "rayon")]
fn spread_pieces<P: Send>(pieces: alloc::vec::Vec<P>, work: &(dyn Fn(P) + Sync)) {
    use std::sync::{Mutex, PoisonError};
    // No thread waits for a lock: every piece has its own, taken once.
    let pieces: alloc::vec::Vec<_> =
        pieces.into_iter().map(|piece| Mutex::new(Some(piece))).collect();
    spread(0..pieces.len(), &|index| {
        let piece = pieces[index].lock().unwrap_or_else(PoisonError::into_inner).take();
        piece.into_iter().for_each(work);
    });
}

/// Runs `work` on all indices, half of them on this thread, the other half on any that is idle.
#[cfg(feature = "rayon")]
fn spread(indices: Range<usize>, work: &(dyn Fn(usize) + Sync)) {
    if indices.len() <= 1 {
        return indices.into_iter().for_each(work);
    }
    let middle = indices.start + indices.len() / 2;
    rayon::join(|| spread(indices.start..middle, work), || spread(middle..indices.end, work));
}

/// The first of some memories, made if there is none.
#[cfg(feature = "matmul")]
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
