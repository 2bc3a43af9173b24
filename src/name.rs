//! A short name held in place, so that a [`FormatSpec`](crate::FormatSpec) built at run time needs
//! no allocation.

use core::fmt;

/// A name of at most 23 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Name {
    bytes: [u8; Self::CAPACITY],
    len: u8,
}

impl Name {
    const CAPACITY: usize = 23;

    /// Returns the name, or `None` if it is longer than 23 bytes.
    #[must_use]
    pub const fn new(name: &str) -> Option<Self> {
        if name.len() > Self::CAPACITY { None } else { Some(Self::cut(name)) }
    }

    /// The name, or as much of its beginning as fits.
    pub(crate) const fn cut(name: &str) -> Self {
        let mut end = if name.len() > Self::CAPACITY { Self::CAPACITY } else { name.len() };
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        let mut out = Self { bytes: [0; Self::CAPACITY], len: 0 };
        while (out.len as usize) < end {
            out = out.with_byte(name.as_bytes()[out.len as usize]);
        }
        out
    }

    /// The name with one ASCII byte more; the caller makes sure that it fits.
    pub(crate) const fn with_byte(mut self, byte: u8) -> Self {
        self.bytes[self.len as usize] = byte;
        self.len += 1;
        self
    }

    /// The name with a decimal number more; the caller makes sure that it fits.
    pub(crate) const fn with_number(self, number: u8) -> Self {
        let front = if number >= 10 { self.with_number(number / 10) } else { self };
        front.with_byte(b'0' + number % 10)
    }

    /// The name as text.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        let (used, _) = self.bytes.split_at(self.len as usize);
        match core::str::from_utf8(used) {
            Ok(text) => text,
            Err(_) => "",
        }
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_at_a_character() {
        let long = "ä".repeat(20);
        assert_eq!(Name::new(&long), None);
        assert_eq!(Name::cut(&long).as_str(), "ä".repeat(11));
        assert_eq!(
            Name::cut("Binary").with_number(16).with_byte(b'p').with_number(3).as_str(),
            "Binary16p3"
        );
    }
}
