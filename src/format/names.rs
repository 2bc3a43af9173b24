//! What other programs call the formats. One table; nothing else in the crate knows these
//! spellings.

use crate::error::Error;
use crate::name::Name;
use crate::naming::{nearest_name, text_of};
use crate::spec::{Domain, FormatSpec, Signedness};

/// Whose names are meant. The same word means different formats to different people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Vocabulary {
    /// This crate's own: the names of the [`FormatSpec`] constants.
    Subhalf,
    /// OCP OFP8 1.0 and MX 1.0: `E4M3` is the FN format, `INT8` is over 64.
    Ocp,
    /// ml_dtypes 0.6: `float8_e4m3` is IEEE-style.
    MlDtypes,
    /// LLVM's APFloat semantics: `Float8E4M3` is IEEE-style.
    Llvm,
    /// PyTorch, without the `torch.` in front.
    Torch,
    /// ONNX TensorProto.DataType.
    Onnx,
    /// safetensors 0.8: `F8_E4M3` is the FN format.
    Safetensors,
    /// IEEE P3109: `Binary8p4se` and the like, capital or small b, any K from 3 to 16.
    P3109,
}

impl Vocabulary {
    /// All vocabularies.
    pub const ALL: [Self; 8] = [
        Self::Subhalf,
        Self::Ocp,
        Self::MlDtypes,
        Self::Llvm,
        Self::Torch,
        Self::Onnx,
        Self::Safetensors,
        Self::P3109,
    ];

    /// What the vocabulary is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Subhalf => "subhalf",
            Self::Ocp => "OCP",
            Self::MlDtypes => "ml_dtypes",
            Self::Llvm => "LLVM",
            Self::Torch => "torch",
            Self::Onnx => "ONNX",
            Self::Safetensors => "safetensors",
            Self::P3109 => "P3109",
        }
    }
}

text_of! { Vocabulary, "vocabulary" }

type Row = (FormatSpec, &'static [(Vocabulary, &'static str)]);

use Vocabulary::{Llvm, MlDtypes, Ocp, Onnx, Safetensors, Torch};

/// A format may have several names in a vocabulary; the first is the one to write.
static NAMES: &[Row] = &[
    (
        FormatSpec::F8E4M3,
        &[
            (Ocp, "E4M3"),
            (MlDtypes, "float8_e4m3fn"),
            (Llvm, "Float8E4M3FN"),
            (Torch, "float8_e4m3fn"),
            (Onnx, "FLOAT8E4M3FN"),
            (Safetensors, "F8_E4M3"),
        ],
    ),
    (
        FormatSpec::F8E5M2,
        &[
            (Ocp, "E5M2"),
            (MlDtypes, "float8_e5m2"),
            (Llvm, "Float8E5M2"),
            (Torch, "float8_e5m2"),
            (Onnx, "FLOAT8E5M2"),
            (Safetensors, "F8_E5M2"),
        ],
    ),
    (FormatSpec::F8E4M3IEEE, &[(MlDtypes, "float8_e4m3"), (Llvm, "Float8E4M3")]),
    (FormatSpec::F8E3M4, &[(MlDtypes, "float8_e3m4"), (Llvm, "Float8E3M4")]),
    (
        FormatSpec::F8E4M3FNUZ,
        &[
            (MlDtypes, "float8_e4m3fnuz"),
            (Llvm, "Float8E4M3FNUZ"),
            (Torch, "float8_e4m3fnuz"),
            (Onnx, "FLOAT8E4M3FNUZ"),
            (Safetensors, "F8_E4M3FNUZ"),
        ],
    ),
    (
        FormatSpec::F8E5M2FNUZ,
        &[
            (MlDtypes, "float8_e5m2fnuz"),
            (Llvm, "Float8E5M2FNUZ"),
            (Torch, "float8_e5m2fnuz"),
            (Onnx, "FLOAT8E5M2FNUZ"),
            (Safetensors, "F8_E5M2FNUZ"),
        ],
    ),
    (FormatSpec::F8E4M3B11FNUZ, &[(MlDtypes, "float8_e4m3b11fnuz"), (Llvm, "Float8E4M3B11FNUZ")]),
    (
        FormatSpec::F6E3M2,
        &[
            (Ocp, "E3M2"),
            (MlDtypes, "float6_e3m2fn"),
            (Llvm, "Float6E3M2FN"),
            (Onnx, "FLOAT6E3M2"),
            (Safetensors, "F6_E3M2"),
        ],
    ),
    (
        FormatSpec::F6E2M3,
        &[
            (Ocp, "E2M3"),
            (MlDtypes, "float6_e2m3fn"),
            (Llvm, "Float6E2M3FN"),
            (Onnx, "FLOAT6E2M3"),
            (Safetensors, "F6_E2M3"),
        ],
    ),
    (
        FormatSpec::F4E2M1,
        &[
            (Ocp, "E2M1"),
            (MlDtypes, "float4_e2m1fn"),
            (Llvm, "Float4E2M1FN"),
            (Torch, "float4_e2m1fn_x2"),
            (Onnx, "FLOAT4E2M1"),
            (Safetensors, "F4"),
        ],
    ),
    (
        FormatSpec::E8M0,
        &[
            (Ocp, "E8M0"),
            (MlDtypes, "float8_e8m0fnu"),
            (Llvm, "Float8E8M0FNU"),
            (Torch, "float8_e8m0fnu"),
            (Onnx, "FLOAT8E8M0"),
            (Safetensors, "F8_E8M0"),
        ],
    ),
    (FormatSpec::UE5M3, &[(Llvm, "Float8E5M3FNU")]),
    (
        FormatSpec::BF16,
        &[
            (MlDtypes, "bfloat16"),
            (Llvm, "BFloat"),
            (Torch, "bfloat16"),
            (Onnx, "BFLOAT16"),
            (Safetensors, "BF16"),
        ],
    ),
    (
        FormatSpec::F16,
        &[
            (MlDtypes, "float16"),
            (Llvm, "IEEEhalf"),
            (Torch, "float16"),
            (Torch, "half"),
            (Onnx, "FLOAT16"),
            (Safetensors, "F16"),
        ],
    ),
    (FormatSpec::TF32, &[(Llvm, "FloatTF32")]),
    (
        FormatSpec::F32,
        &[
            (MlDtypes, "float32"),
            (Llvm, "IEEEsingle"),
            (Torch, "float32"),
            (Torch, "float"),
            (Onnx, "FLOAT"),
            (Safetensors, "F32"),
        ],
    ),
    (FormatSpec::MXINT8, &[(Ocp, "INT8")]),
    (FormatSpec::INT8, &[(MlDtypes, "int8"), (Torch, "int8"), (Onnx, "INT8"), (Safetensors, "I8")]),
    (FormatSpec::INT4, &[(MlDtypes, "int4"), (Onnx, "INT4")]),
    (FormatSpec::INT2, &[(MlDtypes, "int2"), (Onnx, "INT2")]),
    (FormatSpec::INT1, &[(MlDtypes, "int1")]),
    (
        FormatSpec::UINT8,
        &[(MlDtypes, "uint8"), (Torch, "uint8"), (Onnx, "UINT8"), (Safetensors, "U8")],
    ),
    (FormatSpec::UINT4, &[(MlDtypes, "uint4"), (Onnx, "UINT4")]),
    (FormatSpec::UINT2, &[(MlDtypes, "uint2"), (Onnx, "UINT2")]),
    (FormatSpec::UINT1, &[(MlDtypes, "uint1")]),
];

impl FormatSpec {
    /// The format of a name, spelled exactly, in a vocabulary.
    ///
    /// ```
    /// use subhalf::{FormatSpec, Vocabulary};
    /// assert_eq!(FormatSpec::by_name_in(Vocabulary::Safetensors, "F8_E4M3")?, FormatSpec::F8E4M3);
    /// let float8 = FormatSpec::by_name_in(Vocabulary::MlDtypes, "float8_e4m3")?;
    /// assert_eq!(float8, FormatSpec::F8E4M3IEEE);
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::UnknownName`], with the nearest name of the vocabulary, if it has no such name;
    /// [`Error::SpecRange`] for a name by P3109's rule with bits or a precision out of range.
    pub fn by_name_in(vocabulary: Vocabulary, name: &str) -> Result<Self, Error> {
        let found = match vocabulary {
            Vocabulary::Subhalf => Self::ALL.iter().find(|spec| spec.name() == name).copied(),
            Vocabulary::P3109 => parse_p3109(name).transpose()?,
            _ => NAMES
                .iter()
                .find(|(_, names)| names.contains(&(vocabulary, name)))
                .map(|(spec, _)| *spec),
        };
        found.ok_or_else(|| {
            let nearest = nearest_name(name, names_in(vocabulary));
            Error::unknown_name("format", vocabulary.name(), name, nearest)
        })
    }

    /// The format of a name in any vocabulary, if all that know the name agree.
    ///
    /// ```
    /// use subhalf::FormatSpec;
    /// assert_eq!(FormatSpec::by_name("float8_e4m3fn")?, FormatSpec::F8E4M3);
    /// assert_eq!(FormatSpec::by_name("INT8").unwrap_err().to_string(),
    ///     "format name \"INT8\" is ambiguous: subhalf means INT8, OCP means MXINT8; \
    ///      name the vocabulary");
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::UnknownName`], with the nearest name, if no vocabulary has the name;
    /// [`Error::AmbiguousName`] if two mean
    /// different formats by it.
    pub fn by_name(name: &str) -> Result<Self, Error> {
        let mut first: Option<(Vocabulary, Self)> = None;
        for vocabulary in Vocabulary::ALL {
            let spec = match Self::by_name_in(vocabulary, name) {
                Ok(spec) => spec,
                Err(Error::UnknownName { .. }) => continue,
                // A name by P3109's rule, with numbers that it does not have.
                Err(error) => return Err(error),
            };
            match first {
                None => first = Some((vocabulary, spec)),
                Some((_, known)) if known == spec => {}
                Some((first_vocabulary, known)) => {
                    return Err(Error::AmbiguousName {
                        name: Name::cut(name),
                        first: known.short_name(),
                        first_vocabulary: first_vocabulary.name(),
                        second: spec.short_name(),
                        second_vocabulary: vocabulary.name(),
                    });
                }
            }
        }
        first.map(|(_, spec)| spec).ok_or_else(|| {
            let names = Vocabulary::ALL.into_iter().flat_map(names_in);
            Error::unknown_name("format", "any vocabulary", name, nearest_name(name, names))
        })
    }

    /// What a vocabulary calls this format, if it has a name for it.
    ///
    /// ```
    /// use subhalf::{FormatSpec, Vocabulary};
    /// assert_eq!(FormatSpec::F8E4M3.name_in(Vocabulary::Onnx).unwrap().as_str(), "FLOAT8E4M3FN");
    /// let name = FormatSpec::F8E4M3FNUZ.name_in(Vocabulary::P3109);
    /// assert_eq!(name.unwrap().as_str(), "Binary8p4sf");
    /// assert_eq!(FormatSpec::HIF8.name_in(Vocabulary::Torch), None);
    /// ```
    #[must_use]
    pub fn name_in(&self, vocabulary: Vocabulary) -> Option<Name> {
        match vocabulary {
            Vocabulary::Subhalf => {
                Self::ALL.iter().find(|spec| *spec == self).map(Self::short_name)
            }
            Vocabulary::P3109 => self.p3109_twin().map(|spec| spec.short_name()),
            _ => {
                let (_, names) = NAMES.iter().find(|(spec, _)| spec == self)?;
                names
                    .iter()
                    .find(|(whose, _)| *whose == vocabulary)
                    .map(|(_, name)| Name::cut(name))
            }
        }
    }

    /// The P3109 format that encodes as this one does.
    fn p3109_twin(&self) -> Option<Self> {
        let (bits, precision) =
            (u8::try_from(self.bits()).ok()?, u8::try_from(self.precision()?).ok()?);
        let signedness = if self.is_signed() { Signedness::Signed } else { Signedness::Unsigned };
        let domain = if self.infinity_code().is_some() { Domain::Extended } else { Domain::Finite };
        Self::p3109(bits, precision, signedness, domain).ok().filter(|twin| twin == self)
    }
}

/// Reads a name of any vocabulary: [`FormatSpec::by_name`], but where vocabularies differ about a
/// name, this crate's own meaning goes first, so that what is printed is read back.
///
/// ```
/// use subhalf::FormatSpec;
/// let int8: FormatSpec = "INT8".parse()?;
/// assert_eq!((int8, int8.to_string().as_str()), (FormatSpec::INT8, "INT8"));
/// let error = "F8_E4M4".parse::<FormatSpec>().unwrap_err();
/// assert!(error.to_string().ends_with("the nearest is F8E4M3"), "{error}");
/// # Ok::<(), subhalf::Error>(())
/// ```
impl core::str::FromStr for FormatSpec {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::by_name_in(Vocabulary::Subhalf, name).or_else(|_| Self::by_name(name))
    }
}

/// The names of a vocabulary. Those of P3109 are too many, and follow a rule.
fn names_in(vocabulary: Vocabulary) -> impl Iterator<Item = &'static str> {
    let own = FormatSpec::ALL.iter().filter(move |_| vocabulary == Vocabulary::Subhalf);
    let others = NAMES.iter().flat_map(|(_, names)| names.iter());
    let others = others.filter(move |(whose, _)| *whose == vocabulary);
    own.map(FormatSpec::name).chain(others.map(|(_, name)| *name))
}

/// `Binary{K}p{P}{s|u}{e|f}`, without leading zeros.
fn parse_p3109(name: &str) -> Option<Result<FormatSpec, Error>> {
    let (bits, rest) =
        name.strip_prefix("Binary").or_else(|| name.strip_prefix("binary"))?.split_once('p')?;
    let (rest, domain) = match rest.strip_suffix('e') {
        Some(rest) => (rest, Domain::Extended),
        None => (rest.strip_suffix('f')?, Domain::Finite),
    };
    let (precision, signedness) = match rest.strip_suffix('s') {
        Some(rest) => (rest, Signedness::Signed),
        None => (rest.strip_suffix('u')?, Signedness::Unsigned),
    };
    let number = |text: &str| {
        let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
        if plain { text.parse::<u8>().ok() } else { None }
    };
    Some(FormatSpec::p3109(number(bits)?, number(precision)?, signedness, domain))
}
