//! Counts the words of a text, for agents that call it as a tool.
//!
//! A model reads the schemas of input and output, so every field says what it is.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use workflowforge_sdk::{Ctx, Failure, agent};

/// What the tool works on.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
pub struct Input {
    /// The text whose words are counted.
    pub text: String,
    /// How many of the most frequent words to name.
    #[serde(default = "three")]
    pub most: usize,
}

/// What it answers.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Output {
    /// The number of words.
    pub words: usize,
    /// The most frequent words, the most frequent first.
    pub top: Vec<Word>,
}

/// A word, and how often it comes.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Word {
    /// The word in small letters.
    pub word: String,
    /// How often it comes.
    pub count: usize,
}

/// Counts the words of a text and says which come most often.
#[agent]
pub fn count(_ctx: &Ctx, input: Input) -> Result<Output, Failure> {
    let mut counts = BTreeMap::<String, usize>::new();
    for word in input.text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        *counts.entry(word.to_lowercase()).or_default() += 1;
    }
    let words = counts.values().sum();
    let mut top: Vec<Word> = counts.into_iter().map(|(word, count)| Word { word, count }).collect();
    top.sort_by_key(|word| Reverse(word.count));
    top.truncate(input.most);
    Ok(Output { words, top })
}

fn three() -> usize {
    3
}

#[cfg(test)]
mod tests {
    use super::*;
    use workflowforge_sdk::MockHost;

    fn counted(text: &str) -> Output {
        MockHost::new().run(count, Input { text: text.to_owned(), most: 1 }).unwrap()
    }

    #[test]
    fn it_names_the_most_frequent_word() {
        let top = vec![Word { word: "be".to_owned(), count: 2 }];
        assert_eq!(counted("To be, or not to be"), Output { words: 6, top });
    }

    #[test]
    fn a_text_without_words_has_none() {
        assert_eq!(counted("…"), Output { words: 0, top: Vec::new() });
    }
}
