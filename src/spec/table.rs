//! [`Table`]: a short list that a spec holds, in place or for the life of the program.

use crate::error::Error;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::ops::Deref;

/// A list that is part of a spec: of any length if it lives as long as the program
/// ([`of`](Self::of)), of at most `N` entries if it is made at run time and held in place
/// ([`held`](Self::held)). So specs stay `Copy`, fit into a `const`, and are made at run time, read
/// from a file say, without leaking memory.
///
/// Longer lists that are made at run time have other places: a codebook can be a part of the tensor
/// (`Codebooks`), factors of a search an argument of the quantization
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
