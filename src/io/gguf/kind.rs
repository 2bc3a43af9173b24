//! [`GgufType`]: the types that tensors of a GGUF file have, by ggml's numbers.

use crate::block::layout::GgmlType;
use core::fmt;

/// The type of a tensor, by ggml's number. A number that is not known is a type, too: its tensor is
/// listed, and not read.
///
/// ```
/// use subhalf::io::GgufType;
/// use subhalf::layout::GgmlType;
/// let q4_k = GgufType::from(GgmlType::Q4K);
/// assert_eq!((q4_k.id(), q4_k.to_string(), GgufType::F16.id()), (12, "Q4_K".to_string(), 1));
/// assert_eq!(GgufType::of(99).to_string(), "type 99");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GgufType(u32);

/// What the elements of a type are.
#[derive(Clone, Copy)]
pub(super) enum KindClass {
    /// Single numbers.
    Numbers,
    Quantized(GgmlType),
}

struct KindRow {
    id: u32,
    name: &'static str,
    /// Elements and bytes of a block.
    block: [u64; 2],
    class: KindClass,
}

const fn numbers(id: u32, name: &'static str, bytes: u64) -> KindRow {
    KindRow { id, name, block: [1, bytes], class: KindClass::Numbers }
}

const fn quantized(id: u32, name: &'static str, kind: GgmlType) -> KindRow {
    let block = [kind.block_len() as u64, kind.block_bytes() as u64];
    KindRow { id, name, block, class: KindClass::Quantized(kind) }
}

/// ggml's `ggml_type` at d99724f2; numbers that are missing were given up.
static KINDS: [KindRow; 35] = [
    numbers(0, "F32", 4),
    numbers(1, "F16", 2),
    quantized(2, "Q4_0", GgmlType::Q4_0),
    quantized(3, "Q4_1", GgmlType::Q4_1),
    quantized(6, "Q5_0", GgmlType::Q5_0),
    quantized(7, "Q5_1", GgmlType::Q5_1),
    quantized(8, "Q8_0", GgmlType::Q8_0),
    quantized(9, "Q8_1", GgmlType::Q8_1),
    quantized(10, "Q2_K", GgmlType::Q2K),
    quantized(11, "Q3_K", GgmlType::Q3K),
    quantized(12, "Q4_K", GgmlType::Q4K),
    quantized(13, "Q5_K", GgmlType::Q5K),
    quantized(14, "Q6_K", GgmlType::Q6K),
    quantized(15, "Q8_K", GgmlType::Q8K),
    quantized(16, "IQ2_XXS", GgmlType::Iq2Xxs),
    quantized(17, "IQ2_XS", GgmlType::Iq2Xs),
    quantized(18, "IQ3_XXS", GgmlType::Iq3Xxs),
    quantized(19, "IQ1_S", GgmlType::Iq1S),
    quantized(20, "IQ4_NL", GgmlType::Iq4Nl),
    quantized(21, "IQ3_S", GgmlType::Iq3S),
    quantized(22, "IQ2_S", GgmlType::Iq2S),
    quantized(23, "IQ4_XS", GgmlType::Iq4Xs),
    numbers(24, "I8", 1),
    numbers(25, "I16", 2),
    numbers(26, "I32", 4),
    numbers(27, "I64", 8),
    numbers(28, "F64", 8),
    quantized(29, "IQ1_M", GgmlType::Iq1M),
    numbers(30, "BF16", 2),
    quantized(34, "TQ1_0", GgmlType::Tq1_0),
    quantized(35, "TQ2_0", GgmlType::Tq2_0),
    quantized(39, "MXFP4", GgmlType::Mxfp4),
    quantized(40, "NVFP4", GgmlType::Nvfp4),
    quantized(41, "Q1_0", GgmlType::Q1_0),
    quantized(42, "Q2_0", GgmlType::Q2_0),
];

impl GgufType {
    /// Single numbers of 32 bits.
    pub const F32: Self = Self(0);
    /// Half precision.
    pub const F16: Self = Self(1);
    /// Signed bytes.
    pub const I8: Self = Self(24);
    /// Integers of 16 bits.
    pub const I16: Self = Self(25);
    /// Integers of 32 bits.
    pub const I32: Self = Self(26);
    /// Integers of 64 bits.
    pub const I64: Self = Self(27);
    /// Double precision.
    pub const F64: Self = Self(28);
    /// The upper halves of F32s.
    pub const BF16: Self = Self(30);

    /// The type of a number.
    #[must_use]
    pub const fn of(id: u32) -> Self {
        Self(id)
    }

    /// The type of a name that ggml has, `Q4_K` for example.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        KINDS.iter().find(|row| row.name == name).map(|row| Self(row.id))
    }

    /// ggml's number.
    #[must_use]
    pub const fn id(self) -> u32 {
        self.0
    }

    /// ggml's name, `Q4_K` for example; `None` for a number that is not known.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        Some(self.row()?.name)
    }

    /// The type of the blocks, if they are quantized and can be read.
    #[must_use]
    pub fn ggml(self) -> Option<GgmlType> {
        match self.row()?.class {
            KindClass::Quantized(kind) => Some(kind),
            KindClass::Numbers => None,
        }
    }

    /// Whether elements are integers, which are no weights.
    #[must_use]
    pub const fn is_integer(self) -> bool {
        matches!(self.0, 24..=27)
    }

    /// Elements and bytes of a block.
    pub(super) fn block(self) -> Option<[u64; 2]> {
        Some(self.row()?.block)
    }

    pub(super) fn class(self) -> Option<KindClass> {
        Some(self.row()?.class)
    }

    fn row(self) -> Option<&'static KindRow> {
        KINDS.iter().find(|row| row.id == self.0)
    }
}

impl From<GgmlType> for GgufType {
    fn from(kind: GgmlType) -> Self {
        let own =
            |row: &&KindRow| matches!(row.class, KindClass::Quantized(other) if other == kind);
        // A type without a number would be told apart from all that are known.
        Self(KINDS.iter().find(own).map_or(u32::MAX, |row| row.id))
    }
}

impl fmt::Display for GgufType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "type {}", self.0),
        }
    }
}
