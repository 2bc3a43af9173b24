//! Text to tokens and back: byte-level pair encoding, from the metadata of a GGUF file.
//!
//! A text is cut into words, a word into bytes, and neighbouring pieces are merged, the pair of the
//! lowest rank first, until no pair has a rank.

use crate::failure::Failure;
use std::collections::HashMap;
use subhalf::io::{Gguf, GgufArray, GgufValue};

/// The vocabulary and the merges of a model.
#[derive(Debug)]
pub(crate) struct Tokenizer {
    /// The bytes of each token.
    tokens: Vec<Vec<u8>>,
    /// Tokens that are not text, such as `<|im_start|>`, by their names.
    control: HashMap<String, u32>,
    /// The token of each byte, that of unknown text for bytes without one.
    bytes: Vec<u32>,
    /// The rank of a pair of tokens, and the token that it becomes.
    merges: HashMap<(u32, u32), (usize, u32)>,
    end: Option<u32>,
}

/// ggml's `token_type` of tokens that are not text.
const CONTROL: u64 = 3;

impl Tokenizer {
    /// The tokenizer that a file's metadata describes.
    pub(crate) fn of(file: &Gguf<'_>) -> Result<Self, Failure> {
        let kind = file.value("tokenizer.ggml.model");
        if kind.as_ref().and_then(|kind| kind.as_str()) != Some("gpt2") {
            return Err(unfit("tokenizer.ggml.model", "'gpt2'", kind));
        }
        let split = file.value("tokenizer.ggml.pre");
        if split.as_ref().and_then(|split| split.as_str()) != Some("smollm") {
            return Err(unfit("tokenizer.ggml.pre", "'smollm'", split));
        }
        let names = array(file, "tokenizer.ggml.tokens")?;
        let names: Vec<String> = names.iter().map(|name| text(&name)).collect();
        let by_name: HashMap<&str, u32> = names.iter().map(|name| &**name).zip(0..).collect();
        let types: Vec<Option<u64>> = match file.value("tokenizer.ggml.token_type") {
            Some(GgufValue::Array(types)) => types.iter().map(|kind| kind.as_u64()).collect(),
            _ => Vec::new(),
        };
        let is_control = |id: usize| types.get(id) == Some(&Some(CONTROL));
        let byte_of: HashMap<char, u8> = (0..=255).map(|byte| (letter(byte), byte)).collect();
        let spelled = |(id, name): (usize, &String)| match is_control(id) {
            true => name.clone().into_bytes(),
            false => name.chars().filter_map(|c| byte_of.get(&c).copied()).collect(),
        };
        let token = |key| file.value(key).and_then(|id| u32::try_from(id.as_u64()?).ok());
        // Vocabularies may lack bytes that hardly any text has.
        let unknown = token("tokenizer.ggml.unknown_token_id");
        let bytes = (0..=255)
            .map(|byte| by_name.get(&*letter(byte).to_string()).copied().or(unknown))
            .collect::<Option<Vec<u32>>>()
            .ok_or_else(|| unfit("tokenizer.ggml.tokens", "a token for each byte", None))?;
        let mut merges = HashMap::new();
        for (rank, merge) in array(file, "tokenizer.ggml.merges")?.iter().enumerate() {
            let merge = text(&merge);
            let parts = merge.split_once(' ').and_then(|(first, second)| {
                let whole = by_name.get(&*format!("{first}{second}"))?;
                Some(((*by_name.get(first)?, *by_name.get(second)?), (rank, *whole)))
            });
            let Some((pair, whole)) = parts else {
                let expected = "two tokens whose whole is one";
                return Err(Failure::unfit(format!("merge {rank}"), expected, merge));
            };
            merges.entry(pair).or_insert(whole);
        }
        let control = (0..names.len()).filter(|id| is_control(*id));
        Ok(Self {
            tokens: names.iter().enumerate().map(spelled).collect(),
            control: control.map(|id| (names[id].clone(), id as u32)).collect(),
            bytes,
            merges,
            end: token("tokenizer.ggml.eos_token_id"),
        })
    }

    /// The token that ends an answer.
    pub(crate) const fn end(&self) -> Option<u32> {
        self.end
    }

    /// The bytes of a token.
    pub(crate) fn bytes(&self, token: u32) -> &[u8] {
        self.tokens.get(token as usize).map_or(&[], Vec::as_slice)
    }

    /// The tokens of a text, in which the names of control tokens are text like any other.
    pub(crate) fn encode(&self, text: &str) -> Vec<u32> {
        words(text).into_iter().flat_map(|word| self.merged(word.as_bytes())).collect()
    }

    /// The tokens of a question as the model was trained to be asked.
    pub(crate) fn encode_chat(&self, question: &str) -> Result<Vec<u32>, Failure> {
        let control = |name: &str| {
            let found = self.control.get(name).copied();
            found.ok_or_else(|| Failure::unfit("tokens", format!("one named {name}"), "none"))
        };
        let (start, end) = (control("<|im_start|>")?, control("<|im_end|>")?);
        let mut tokens = vec![start];
        tokens.extend(self.encode(&format!("user\n{question}")));
        tokens.push(end);
        tokens.extend(self.encode("\n"));
        tokens.push(start);
        tokens.extend(self.encode("assistant\n"));
        Ok(tokens)
    }

    /// The tokens of a word.
    fn merged(&self, word: &[u8]) -> Vec<u32> {
        let mut parts: Vec<u32> = word.iter().map(|byte| self.bytes[usize::from(*byte)]).collect();
        loop {
            let ranked = parts.windows(2).enumerate().filter_map(|(place, pair)| {
                self.merges.get(&(pair[0], pair[1])).map(|(rank, whole)| (rank, place, *whole))
            });
            let Some((_, place, whole)) = ranked.min() else { return parts };
            parts[place] = whole;
            parts.remove(place + 1);
        }
    }
}

fn unfit(key: &str, expected: &str, found: Option<GgufValue<'_>>) -> Failure {
    let found = found.map_or_else(|| "none".to_owned(), |value| format!("{value:?}"));
    Failure::unfit(format!("metadata '{key}'"), expected, found)
}

fn array<'f>(file: &'f Gguf<'_>, key: &str) -> Result<GgufArray<'f>, Failure> {
    match file.value(key) {
        Some(GgufValue::Array(array)) => Ok(array),
        found => Err(unfit(key, "an array", found)),
    }
}

fn text(value: &GgufValue<'_>) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The character that GPT-2's vocabulary writes a byte as: itself where it is printable, else one
/// of the characters from U+0100 on, in the order of the bytes.
fn letter(byte: u8) -> char {
    let printable = |byte: u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..);
    if printable(byte) {
        char::from(byte)
    } else {
        let before = (0..byte).filter(|byte| !printable(*byte)).count() as u32;
        char::from_u32(0x100 + before).unwrap_or('\u{FFFD}')
    }
}

/// Cuts a text as `smollm` does: digits stand alone; between them GPT-2's pattern
/// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`. Letters are the characters
/// that Unicode calls alphabetic, of which some combining marks are no `\p{L}`.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first.is_numeric() {
            true => first.len_utf8(),
            false => word_length(rest),
        };
        let (word, behind) = rest.split_at(length);
        words.push(word);
        rest = behind;
    }
    words
}

/// The bytes of the first word of a text that does not begin with a digit.
fn word_length(text: &str) -> usize {
    const ENDINGS: [&str; 7] = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"];
    if let Some(ending) = ENDINGS.iter().find(|ending| text.starts_with(**ending)) {
        return ending.len();
    }
    let span = |text: &str, is: fn(char) -> bool| text.find(|c| !is(c)).unwrap_or(text.len());
    let space = usize::from(text.starts_with(' '));
    let letter = |c: char| c.is_alphabetic() && !c.is_numeric();
    let other = |c: char| !c.is_whitespace() && !c.is_alphabetic() && !c.is_numeric();
    for kind in [letter, other] {
        match span(&text[space..], kind) {
            0 => {}
            length => return space + length,
        }
    }
    let blank = span(text, char::is_whitespace);
    match text[blank..].chars().next() {
        // The last blank before a word belongs to the word, or stands alone.
        Some(next) if !next.is_numeric() => {
            let last = text[..blank].chars().next_back().map_or(0, char::len_utf8);
            if blank > last { blank - last } else { blank }
        }
        _ => blank,
    }
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn texts_are_cut_where_the_pattern_cuts_them() {
        let cut = |text| words(text).join("|");
        assert_eq!(cut("Call me Ishmael."), "Call| me| Ishmael|.");
        assert_eq!(cut("it's we'll 'tis"), "it|'s| we|'ll| '|tis");
        assert_eq!(cut("in 1851,"), "in| |1|8|5|1|,");
        assert_eq!(cut("a\n\nb  c \n"), "a|\n|\n|b| | c| \n");
        assert_eq!(cut("long--how"), "long|--|how");
        assert_eq!(cut("x  7"), "x|  |7");
        assert_eq!(cut("ago—never"), "ago|—|never");
    }
}
