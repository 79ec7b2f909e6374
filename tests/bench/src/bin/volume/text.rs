//! Text that nobody wrote.

/// Words of a language of our own: few are frequent and many are rare, as in any.
const WORDS: usize = 4_000;

/// Text that compresses about as prose does, the same in each run.
pub struct Text {
    pub state: u64,
}

impl Text {
    /// splitmix64: <https://prng.di.unimi.it/splitmix64.c>
    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.state)
    }

    pub fn of(&mut self, bytes: usize) -> String {
        let mut text = String::with_capacity(bytes + 16);
        while text.len() < bytes {
            // The rank of a word falls off exponentially over the list: by Zipf's law, roughly.
            let share = self.next() as f64 / u64::MAX as f64;
            let rank = (WORDS as f64).powf(share) as u64;
            push_word(&mut text, rank);
            text.push(' ');
        }
        text
    }
}

/// Bits that tell nothing of those they are made from, and are the same each time.
pub fn mixed(state: u64) -> u64 {
    let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The word that most texts have.
pub fn most_frequent() -> String {
    let mut word = String::new();
    push_word(&mut word, 1);
    word
}

/// The word of a rank: frequent ones are short.
fn push_word(text: &mut String, rank: u64) {
    let syllables = 1 + rank.ilog10() + (rank % 2) as u32;
    let mut bits = mixed(rank);
    for _ in 0..syllables {
        for letters in ["tnsrhldcmfpgwyb", "eaoiu"] {
            text.push(char::from(letters.as_bytes()[bits as usize % letters.len()]));
            bits /= 16;
        }
    }
}
