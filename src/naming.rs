//! Names both ways: from a value to the name that is written for it, and from a word that somebody
//! typed back to the value, or to the name that is nearest to the word. It owns how words are
//! compared; which names there are is the business of the types that have them.

/// The letters of a word that count: case and the separators `-`, `_` and blank do not.
fn letters(word: &str) -> impl Iterator<Item = u8> + '_ {
    let counted = word.bytes().filter(|letter| !matches!(letter, b'-' | b'_' | b' '));
    counted.map(|letter| letter.to_ascii_lowercase())
}

/// Whether two words are the same name: `NearestEven`, `nearest-even` and `NEAREST_EVEN` are.
pub(crate) fn is_same(a: &str, b: &str) -> bool {
    letters(a).eq(letters(b))
}

/// The name that is nearest to a word, for an error that helps who typed it; `None` if every name is
/// far from the word: if more than half of its letters would have to change.
///
/// Case and the separators `-`, `_` and blank do not count. A name is as near as the nearest of its
/// parts between `::`, and a name that contains the word is one change away. Of names that are
/// equally near the first is taken. Words are compared by their first 32 letters.
///
/// ```
/// use subhalf::nearest_name;
/// let names = ["toward-zero", "nearest-even", "up"];
/// assert_eq!(nearest_name("Towards_Zero", names), Some("toward-zero"));
/// assert_eq!(nearest_name("neraest-even", names), Some("nearest-even")); // a swap is one change
/// assert_eq!(nearest_name("stochastic", names), None);
/// ```
#[must_use]
pub fn nearest_name<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = Letters::new(word);
    let mut nearest: Option<(usize, &str)> = None;
    for name in names {
        let parts = name.split("::").chain([name]);
        let distance = parts.map(|part| word.distance(&Letters::new(part))).min();
        let distance = distance.unwrap_or(usize::MAX);
        if nearest.is_none_or(|(least, _)| distance < least) {
            nearest = Some((distance, name));
        }
    }
    nearest.filter(|&(distance, _)| 2 * distance <= word.len).map(|(_, name)| name)
}

/// The letters of a word, as many as are compared.
struct Letters {
    letters: [u8; Self::MOST],
    len: usize,
}

impl Letters {
    const MOST: usize = 32;

    fn new(word: &str) -> Self {
        let mut out = Self { letters: [0; Self::MOST], len: 0 };
        for letter in letters(word).take(Self::MOST) {
            out.letters[out.len] = letter;
            out.len += 1;
        }
        out
    }

    fn as_slice(&self) -> &[u8] {
        &self.letters[..self.len]
    }

    /// Letters to insert, to delete, to replace and pairs of neighbours to swap, at least, before
    /// this word is the other: the optimal string alignment distance. A word that is a part of the
    /// other is at most one change away.
    fn distance(&self, other: &Self) -> usize {
        let (a, b) = (self.as_slice(), other.as_slice());
        // Row i holds the distances of the first i letters of `a` to each beginning of `b`; a swap
        // looks two rows back.
        let mut rows = [[0; Self::MOST + 1]; 3];
        for (j, distance) in rows[0].iter_mut().enumerate() {
            *distance = j;
        }
        for i in 1..=a.len() {
            let [above, two_above] = [rows[(i + 2) % 3], rows[(i + 1) % 3]];
            let row = &mut rows[i % 3];
            row[0] = i;
            for j in 1..=b.len() {
                let replaced = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
                row[j] = replaced.min(above[j] + 1).min(row[j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    row[j] = row[j].min(two_above[j - 2] + 1);
                }
            }
        }
        let distance = rows[a.len() % 3][b.len()];
        let is_part = !a.is_empty() && b.windows(a.len()).any(|window| window == a);
        if is_part { distance.min(1) } else { distance }
    }
}

/// `Display` and `FromStr` for a type that has `ALL` and `name`. `$what` is what a name of it is
/// called where one is refused.
macro_rules! text_of {
    ($type:ident, $what:literal) => {
        impl core::fmt::Display for $type {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(self.name())
            }
        }

        /// Reads a name, whatever its case; `-`, `_` and blanks do not count.
        impl core::str::FromStr for $type {
            type Err = $crate::error::Error;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                let mut all = Self::ALL.into_iter();
                let found = all.find(|value| $crate::naming::is_same(value.name(), word));
                found.ok_or_else(|| {
                    let names = Self::ALL.into_iter().map(Self::name);
                    $crate::error::Error::unknown_name(
                        $what,
                        concat!(stringify!($type), "::ALL"),
                        word,
                        $crate::naming::nearest_name(word, names),
                    )
                })
            }
        }
    };
}

/// `ALL`, `name`, `Display` and `FromStr` for an enum whose variants have no parts.
macro_rules! names_of {
    ($type:ident, $what:literal: $($variant:ident $name:literal,)*) => {
        impl $type {
            /// Every variant, in the order of the documentation.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$variant),*];

            #[doc = concat!("The name that is written for it:", $(" `", $name, "`",)* ".")]
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }

        $crate::naming::text_of! { $type, $what }
    };
}

pub(crate) use {names_of, text_of};

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    /// Distances by the recursion that defines them.
    fn defined(a: &[u8], b: &[u8]) -> usize {
        let ([rest_a @ .., x], [rest_b @ .., y]) = (a, b) else { return a.len() + b.len() };
        let least = (defined(rest_a, rest_b) + usize::from(x != y))
            .min(defined(rest_a, b) + 1)
            .min(defined(a, rest_b) + 1);
        match (rest_a, rest_b) {
            ([rest_a @ .., w], [rest_b @ .., z]) if w == y && x == z => {
                least.min(defined(rest_a, rest_b) + 1)
            }
            _ => least,
        }
    }

    #[test]
    fn distances_are_those_of_the_definition() {
        let words: Vec<Vec<u8>> = (0..5u32)
            .flat_map(|len| {
                (0..3u32.pow(len))
                    .map(move |n| (0..len).map(|i| b'a' + (n / 3u32.pow(i) % 3) as u8).collect())
            })
            .collect();
        for (a, b) in words.iter().step_by(7).flat_map(|a| words.iter().map(move |b| (a, b))) {
            let text = |word: &[u8]| Letters::new(core::str::from_utf8(word).expect("ASCII"));
            let is_part = !a.is_empty() && b.windows(a.len()).any(|window| window == a);
            let expected = defined(a, b).min(if is_part { 1 } else { usize::MAX });
            assert_eq!(text(a).distance(&text(b)), expected, "{a:?} {b:?}");
        }
    }

    #[test]
    fn words_of_any_length_have_a_nearest_name_or_none() {
        let long = "x".repeat(1000);
        assert_eq!(nearest_name(&long, ["x"]), None);
        assert_eq!(nearest_name("", ["x"]), None);
        assert_eq!(nearest_name("ä€𝄞", ["x"]), None);
        assert_eq!(nearest_name("nvfp4", ["ocp::MXFP4", "torchao::NVFP4"]), Some("torchao::NVFP4"));
        assert_eq!(nearest_name("MXFP4_CEIL", ["ocp::MXFP4"]), Some("ocp::MXFP4"));
    }
}
