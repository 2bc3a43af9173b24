//! [`Table`]: a short list that a spec holds, in place or for the life of the program.

use crate::error::Error;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::ops::Deref;

/// A list that is part of a spec, so that specs stay `Copy`, fit into a `const`, and are made at run
/// time, read from a file say:
///
/// - of any length if it lives as long as the program: [`of`](Self::of);
/// - of at most `N` entries if it is made at run time, held in place: [`held`](Self::held);
/// - of any length if it is made at run time: [`shared`](Self::shared) keeps one copy of each
///   distinct list, however many specs are made of it. A service that reads one spec a million
///   times keeps one list.
///
/// Lists that differ from tensor to tensor have other places: a codebook can be a part of the
/// tensor (`Codebooks`), factors of a search an argument of the quantization
/// (`Quantizer::search_factors`).
///
/// ```
/// use subhalf::{Encoding, FormatSpec, Table};
/// static THIRDS: [u32; 3] = [0, 0x3EAA_AAAB, 0x3F2A_AAAB];                        // 0, 1/3, 2/3
/// let lasting = FormatSpec::new("thirds", Encoding::Codebook(Table::of(&THIRDS)))?;
/// let read: Vec<u32> = [0.0f32, 1.0 / 3.0, 2.0 / 3.0].map(f32::to_bits).to_vec();
/// let made = FormatSpec::new("made", Encoding::Codebook(Table::held(&read)?))?;
/// assert_eq!((made, made.encode_f32(0.4)), (lasting, 1));
/// # Ok::<(), subhalf::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Table<T: 'static, const N: usize>(Entries<T, N>);

#[derive(Clone, Copy)]
enum Entries<T: 'static, const N: usize> {
    Lasting(&'static [T]),
    /// The first `len` of these; those behind repeat one of them.
    Held {
        len: usize,
        entries: [T; N],
    },
}

impl<T: Copy + 'static, const N: usize> Table<T, N> {
    /// Entries that live as long as the program.
    #[must_use]
    pub const fn of(entries: &'static [T]) -> Self {
        Self(Entries::Lasting(entries))
    }

    /// A copy of at most `N` entries, held in place.
    ///
    /// # Errors
    /// [`Error::SpecRange`] for more than `N` entries.
    pub const fn held(entries: &[T]) -> Result<Self, Error> {
        let len = entries.len();
        if len > N {
            let (what, found, high) = ("entries of a table held in place", len as i64, N as i64);
            return Err(Error::SpecRange { what, found, low: 0, high });
        }
        let Some(first) = entries.first() else { return Ok(Self::of(&[])) };
        let mut held = [*first; N];
        let mut i = 1;
        while i < len {
            held[i] = entries[i];
            i += 1;
        }
        Ok(Self(Entries::Held { len, entries: held }))
    }
}

#[cfg(feature = "std")]
impl<T: sealed::Entry, const N: usize> Table<T, N> {
    /// A copy of entries: held in place if they are at most `N`, else kept for the life of the
    /// program, once for each distinct list of bits.
    ///
    /// ```
    /// use subhalf::{Encoding, FormatSpec, Table};
    /// let read: Vec<u32> = (0..200).map(|i| (i as f32 / 256.0).to_bits()).collect();
    /// let made = || FormatSpec::new("made", Encoding::Codebook(Table::shared(&read)));
    /// assert_eq!((made()?.bits(), made()?.encode_f32(0.5)), (8, 128));
    /// let pointers = [made()?, made()?].map(|format| {
    ///     let Encoding::Codebook(table) = format.encoding() else { panic!("a codebook") };
    ///     table.as_slice().as_ptr()
    /// });
    /// assert_eq!(pointers[0], pointers[1]);
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    #[must_use]
    pub fn shared(entries: &[T]) -> Self {
        Self::held(entries).unwrap_or_else(|_| Self::of(sealed::kept(entries)))
    }
}

#[cfg(feature = "std")]
mod sealed {
    use std::boxed::Box;
    use std::sync::{Mutex, PoisonError};
    use std::vec::Vec;

    /// The entries that specs have lists of: `u32` (codebooks as f32 bits), `f32` (factors of
    /// searches), `(u32, f32)` (divisors).
    pub trait Entry: Copy + 'static {
        /// All lists that are kept.
        fn lists() -> &'static Mutex<Vec<&'static [Self]>>;
        /// The bits, by which entries are the same: −0 is not +0, and NaN is itself.
        fn bits(self) -> u64;
    }

    /// The list that is kept for these entries.
    pub(super) fn kept<T: Entry>(entries: &[T]) -> &'static [T] {
        let same = |list: &[T]| {
            list.len() == entries.len()
                && list.iter().zip(entries).all(|(a, b)| a.bits() == b.bits())
        };
        // Under the lock to the end, so that no list is kept twice. A list is there or not, whatever
        // another thread's panic interrupted.
        let mut lists = T::lists().lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(list) = lists.iter().find(|list| same(list)) {
            return list;
        }
        let list: &'static [T] = Box::leak(entries.into());
        lists.push(list);
        list
    }

    macro_rules! entry {
        ($type:ty, $value:pat => $bits:expr) => {
            impl Entry for $type {
                fn lists() -> &'static Mutex<Vec<&'static [Self]>> {
                    static LISTS: Mutex<Vec<&'static [$type]>> = Mutex::new(Vec::new());
                    &LISTS
                }
                fn bits(self) -> u64 {
                    let $value = self;
                    $bits
                }
            }
        };
    }
    entry!(u32, bits => bits.into());
    entry!(f32, x => x.to_bits().into());
    entry!((u32, f32), (code, x) => u64::from(code) << 32 | u64::from(x.to_bits()));
}

impl<T, const N: usize> Table<T, N> {
    /// The entries in their order, as many as the table was made of.
    #[must_use]
    pub const fn as_slice(&self) -> &[T] {
        match &self.0 {
            Entries::Lasting(entries) => entries,
            Entries::Held { len, entries } => entries.split_at(*len).0,
        }
    }
}

impl<T, const N: usize> Deref for Table<T, N> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.as_slice()
    }
}

/// Tables are equal if their entries are, wherever they are held.
impl<T: PartialEq, const N: usize> PartialEq for Table<T, N> {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl<T: Eq, const N: usize> Eq for Table<T, N> {}

impl<T: Hash, const N: usize> Hash for Table<T, N> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_slice().hash(state);
    }
}

impl<T: fmt::Debug, const N: usize> fmt::Debug for Table<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_slice().fmt(f)
    }
}
