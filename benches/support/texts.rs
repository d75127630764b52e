//! What is written where search is measured: words as frequent as those of a language are.

/// Words that there are.
pub const WORDS: usize = 20_000;
/// Characters of the longest text.
pub const LETTERS: usize = 8_000;

/// Numbers that are the same each time.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    /// As words are in a language: the second is half as frequent as the first, and so on.
    pub fn rank(&mut self) -> usize {
        let share = f64::from(u32::try_from(self.below(1 << 30)).unwrap()) / f64::from(1 << 30);
        ((WORDS as f64).powf(share) as usize).min(WORDS) - 1
    }
}

/// Words of syllables, so that they share their pairs of letters as those of a language do.
pub fn words(dice: &mut Dice) -> Vec<String> {
    const SYLLABLES: [&str; 40] = [
        "the", "re", "in", "er", "an", "on", "es", "ti", "st", "en", "at", "to", "nt", "ha", "nd", "ou",
        "ea", "ng", "as", "or", "it", "is", "hi", "te", "ar", "se", "me", "ve", "co", "de", "ra", "ro", "li",
        "ri", "io", "le", "ma", "be", "fi", "ku",
    ];
    let mut words = std::collections::BTreeSet::new();
    let mut all = Vec::new();
    while all.len() < WORDS {
        let word: String = (0..2 + dice.below(3)).map(|_| SYLLABLES[dice.below(40)]).collect();
        if words.insert(word.clone()) {
            all.push(word);
        }
    }
    all
}

pub fn text(dice: &mut Dice, words: &[String]) -> String {
    if dice.below(20) == 0 {
        // Without spaces, of a few hundred characters.
        return (0..8 + dice.below(20))
            .map(|_| char::from_u32(0x4e00 + dice.rank() as u32 % 500).unwrap())
            .collect();
    }
    let picked: Vec<&str> = (0..3 + dice.below(14)).map(|_| words[dice.rank()].as_str()).collect();
    picked.join(" ")
}

pub fn pasted(dice: &mut Dice, words: &[String]) -> String {
    let mut text = String::new();
    while text.len() < LETTERS {
        text.push_str(&words[dice.rank()]);
        text.push(' ');
    }
    text.truncate(LETTERS);
    text
}
