//! The fields of a line: where each lies in the word, and how it is written.

use std::io::{self, Write};

/// A column of the lines.
pub(super) struct Field {
    pub(super) name: &'static str,
    /// Bits of a number.
    pub(super) bits: u32,
    /// Numbers side by side, the first lowest.
    pub(super) count: usize,
}

impl Field {
    /// A field of one number.
    pub(super) const fn one(name: &'static str, bits: u32) -> Self {
        Self { name, bits, count: 1 }
    }

    /// A number takes whole digits.
    pub(super) fn digits(&self) -> usize {
        self.bits.div_ceil(4) as usize
    }
}

/// Writes the comment that says which bits of the word each field takes.
pub(super) fn write_places(fields: &[Field], out: &mut impl Write) -> io::Result<()> {
    let width: usize = fields.iter().map(|field| 4 * field.digits() * field.count).sum();
    let mut top = width;
    let mut places = Vec::new();
    for field in fields {
        let low = top - 4 * field.digits() * field.count;
        let high = top - 4 * field.digits() + field.bits as usize - 1;
        places.push(format!("{}[{high}:{low}]", field.name));
        top = low;
    }
    writeln!(out, "// line: {}, a word of {width} bits", places.join("_"))
}

/// Writes a line, given the numbers of its fields.
pub(super) fn write_line<'a>(
    fields: &[Field],
    values: impl IntoIterator<Item = &'a [u64]>,
    out: &mut impl Write,
) -> io::Result<()> {
    for (place, (field, numbers)) in fields.iter().zip(values).enumerate() {
        if place > 0 {
            write!(out, "_")?;
        }
        for number in numbers.iter().rev() {
            write!(out, "{number:0digits$x}", digits = field.digits())?;
        }
    }
    writeln!(out)
}
