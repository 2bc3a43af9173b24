//! The header of a `.npy` file.

use super::{Mismatch, mismatch};

/// The types of elements that are weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Element {
    F16,
    Bf16,
    F32,
    F64,
}

impl Element {
    pub(super) const fn bytes(self) -> usize {
        match self {
            Self::F16 | Self::Bf16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }
}

#[derive(Debug)]
pub(super) struct Header {
    pub(super) element: Element,
    pub(super) big_endian: bool,
    /// Whether the first axis is the fastest.
    pub(super) fortran: bool,
    pub(super) shape: Vec<usize>,
    /// Where the elements begin.
    pub(super) data: u64,
}

impl Header {
    /// Bytes of a file that are looked at: numpy itself reads no header of more than 10,000.
    pub(super) const LONGEST: u64 = 1 << 16;

    /// Reads the header from the beginning of a file of this length.
    pub(super) fn parse(head: &[u8], length: u64) -> Result<Self, Mismatch> {
        const MAGIC: &[u8] = b"\x93NUMPY";
        let Some(rest) = head.strip_prefix(MAGIC) else {
            let found = head.get(..6).unwrap_or(head).escape_ascii();
            return Err(mismatch("first bytes", MAGIC.escape_ascii(), found));
        };
        let (size, rest) = match rest {
            [1, 0, a, b, rest @ ..] => (u32::from(u16::from_le_bytes([*a, *b])), rest),
            [2 | 3, 0, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]), rest),
            [major, minor, ..] if !(matches!(major, 1..=3) && *minor == 0) => {
                return Err(mismatch("version", "1.0, 2.0 or 3.0", format!("{major}.{minor}")));
            }
            _ => return Err(mismatch("bytes of the file", "a header", length)),
        };
        let Some(text) = rest.get(..size as usize) else {
            let found = length.min(Self::LONGEST);
            return Err(mismatch("header", format!("{size} bytes"), format!("a file of {found}")));
        };
        let data = (head.len() - rest.len() + text.len()) as u64;
        let header = Dictionary { text }.header(data)?;
        let bytes = header.stored_bytes()?;
        if length - data != bytes {
            let what = "bytes behind the header";
            return Err(mismatch(what, bytes, length - data));
        }
        Ok(header)
    }

    pub(super) fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    fn stored_bytes(&self) -> Result<u64, Mismatch> {
        // Axes of length 0 do not help others whose product is too large.
        let product = |bytes: usize, axis: &usize| bytes.checked_mul((*axis).max(1));
        let bytes = self.shape.iter().try_fold(self.element.bytes(), product);
        match bytes.filter(|&bytes| bytes <= isize::MAX as usize) {
            Some(_) if self.shape.contains(&0) => Ok(0),
            Some(bytes) => Ok(bytes as u64),
            None => Err(mismatch("shape", "fewer than 2^63 bytes", format!("{:?}", self.shape))),
        }
    }
}

/// What is left of the text of a dictionary as Python writes it.
struct Dictionary<'t> {
    text: &'t [u8],
}

impl<'t> Dictionary<'t> {
    fn header(&mut self, data: u64) -> Result<Header, Mismatch> {
        let (mut element, mut fortran, mut shape) = (None, None, None);
        self.expect(b'{')?;
        while !self.skip(b'}') {
            let key = self.string()?;
            self.expect(b':')?;
            match key {
                "descr" => element = Some(element_of(self.descr()?)?),
                "fortran_order" => fortran = Some(self.boolean()?),
                "shape" => shape = Some(self.axes()?),
                _ => {
                    let expected = "descr, fortran_order or shape";
                    return Err(mismatch("key of the header", expected, format!("{key:?}")));
                }
            }
            if !self.skip(b',') {
                self.expect(b'}')?;
                break;
            }
        }
        match (element, fortran, shape) {
            (Some((element, big_endian)), Some(fortran), Some(shape)) => {
                Ok(Header { element, big_endian, fortran, shape, data })
            }
            _ => Err(mismatch("keys of the header", "descr, fortran_order, shape", "fewer")),
        }
    }

    /// Whether the next character is this one, which is then passed over, and so are spaces.
    fn skip(&mut self, character: u8) -> bool {
        self.text = self.text.trim_ascii_start();
        let rest = self.text.strip_prefix(&[character]);
        self.text = rest.unwrap_or(self.text);
        rest.is_some()
    }

    fn expect(&mut self, character: u8) -> Result<(), Mismatch> {
        if self.skip(character) {
            Ok(())
        } else {
            Err(self.found(format!("'{}'", character as char)))
        }
    }

    /// An error that shows what is next.
    fn found(&self, expected: impl std::fmt::Display) -> Mismatch {
        let next = &self.text[..self.text.len().min(20)];
        mismatch("header", expected, format!("'{}'", next.escape_ascii()))
    }

    /// The next characters, as many as are of a kind.
    fn word(&mut self, of: impl Fn(&u8) -> bool) -> &'t str {
        let length = self.text.iter().position(|c| !of(c)).unwrap_or(self.text.len());
        let (word, rest) = self.text.split_at(length);
        self.text = rest;
        // What is looked for is ASCII; anything else becomes a word that nobody expects.
        std::str::from_utf8(word).unwrap_or("?")
    }

    fn string(&mut self) -> Result<&'t str, Mismatch> {
        let Some(quote) = [b'\'', b'"'].into_iter().find(|&quote| self.skip(quote)) else {
            return Err(self.found("a string"));
        };
        let text = self.word(|&c| c != quote);
        if self.skip(quote) { Ok(text) } else { Err(self.found("the end of a string")) }
    }

    fn descr(&mut self) -> Result<&'t str, Mismatch> {
        if self.skip(b'[') {
            return Err(mismatch("elements", NUMBERS, "a structure of several"));
        }
        self.string()
    }

    fn boolean(&mut self) -> Result<bool, Mismatch> {
        self.text = self.text.trim_ascii_start();
        match self.word(u8::is_ascii_alphabetic) {
            "True" => Ok(true),
            "False" => Ok(false),
            found => Err(mismatch("fortran_order", "True or False", format!("{found:?}"))),
        }
    }

    fn axes(&mut self) -> Result<Vec<usize>, Mismatch> {
        let mut axes = Vec::new();
        self.expect(b'(')?;
        while !self.skip(b')') {
            let digits = self.word(u8::is_ascii_digit);
            let Ok(axis) = digits.parse() else {
                let found = if digits.is_empty() { "something else" } else { digits };
                return Err(mismatch("shape", "lengths of axes", found));
            };
            // Python 2 wrote long integers.
            self.skip(b'L');
            axes.push(axis);
            if !self.skip(b',') {
                self.expect(b')')?;
                break;
            }
        }
        Ok(axes)
    }
}

const NUMBERS: &str = "f2, f4, f8 (floats), or V2 (BF16)";

/// The type of the elements, and whether their bytes are in the other order.
fn element_of(descr: &str) -> Result<(Element, bool), Mismatch> {
    let (order, kind) = descr.split_at_checked(1).unwrap_or(("", descr));
    let element = match kind {
        "f2" => Element::F16,
        "f4" => Element::F32,
        "f8" => Element::F64,
        // What numpy calls a type of ml_dtypes that it does not know.
        "V2" => Element::Bf16,
        _ => {
            let found = match kind {
                "O" => format!("'{descr}' (Python objects)"),
                _ => format!("'{descr}'"),
            };
            return Err(mismatch("elements", NUMBERS, found));
        }
    };
    match order {
        ">" => Ok((element, true)),
        // Bytes without an order come from a machine whose order is little-endian.
        "<" | "|" => Ok((element, false)),
        _ => Err(mismatch("order of bytes", "<, > or |", format!("'{descr}'"))),
    }
}
