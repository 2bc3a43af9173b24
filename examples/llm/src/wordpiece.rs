//! Sentences to the tokens of BERT: words in lower case, cut into the longest pieces of a
//! vocabulary.

use crate::failure::Failure;
use std::collections::HashMap;

/// A vocabulary of pieces; those that go on with a word begin with `##`.
#[derive(Debug)]
pub(crate) struct WordPieces {
    tokens: HashMap<String, u32>,
    first: u32,
    last: u32,
    unknown: u32,
}

/// Longer words are unknown.
const LONGEST: usize = 100;

impl WordPieces {
    /// The vocabulary of a text with a token in each line.
    pub(crate) fn new(text: &str) -> Result<Self, Failure> {
        let tokens: HashMap<String, u32> = text.lines().map(str::to_owned).zip(0..).collect();
        let named = |name: &str| {
            let found = tokens.get(name).copied();
            found.ok_or_else(|| Failure::unfit("vocabulary", format!("a token {name}"), "none"))
        };
        let (first, last, unknown) = (named("[CLS]")?, named("[SEP]")?, named("[UNK]")?);
        Ok(Self { first, last, unknown, tokens })
    }

    /// The tokens of a sentence, between the first and the last that every sentence has. Accents are
    /// kept, which BERT's own program takes off: words that have them become other pieces.
    pub(crate) fn encode(&self, sentence: &str) -> Vec<u32> {
        let mut tokens = vec![self.first];
        for word in sentence.to_lowercase().split_whitespace() {
            let mut rest = word;
            while !rest.is_empty() {
                let letters = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
                // A sign is a word by itself.
                let sign = rest.chars().next().map_or(0, char::len_utf8);
                let (part, behind) = rest.split_at(if letters > 0 { letters } else { sign });
                self.cut(part, &mut tokens);
                rest = behind;
            }
        }
        tokens.push(self.last);
        tokens
    }

    /// Adds the pieces of a word, the longest first.
    fn cut(&self, word: &str, tokens: &mut Vec<u32>) {
        let (start, mut at) = (tokens.len(), 0);
        while at < word.len() {
            let ends = word[at..].char_indices().map(|(place, c)| at + place + c.len_utf8()).rev();
            let prefix = if at == 0 { "" } else { "##" };
            let piece = |end: usize| {
                self.tokens.get(&format!("{prefix}{}", &word[at..end])).map(|token| (end, *token))
            };
            match { ends }.find_map(piece).filter(|_| word.chars().count() <= LONGEST) {
                Some((end, token)) => {
                    tokens.push(token);
                    at = end;
                }
                None => {
                    // A word of which a part is unknown is unknown.
                    tokens.truncate(start);
                    tokens.push(self.unknown);
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::WordPieces;

    #[test]
    fn words_are_cut_into_the_longest_pieces() {
        let words = "[UNK]\n[CLS]\n[SEP]\nwhale\nwha\n##le\n##ling\n,\n-";
        let pieces = WordPieces::new(words).unwrap();
        assert_eq!(pieces.encode("Whale, whaling-whale"), [1, 3, 7, 4, 6, 8, 3, 2]);
        // A word of which a part is no piece is unknown as a whole, also behind a known beginning.
        assert_eq!(pieces.encode("whalers whalele le"), [1, 0, 3, 5, 0, 2]);
        assert_eq!(pieces.encode("  WHALE "), [1, 3, 2]);
        assert_eq!(pieces.encode("whaleling"), [1, 3, 6, 2]);
        assert!(WordPieces::new("whale").is_err());
    }
}
