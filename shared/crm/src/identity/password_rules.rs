//! What a new password must not be: too short, too long, one that everybody tries first, or made of what everybody knows of its owner.

/// Fewest characters of a new password.
pub(super) const MIN_LENGTH: usize = 10;
/// Most characters of a password; longer ones are refused before any work is done.
pub(super) const MAX_LENGTH: usize = 128;

/// Guesses, as a power of ten, below which a password counts as common.
///
/// All 30,000 common passwords of the list, names and words lie below 4.5; with a year, `123`, capitals or digits for letters below 5.
/// Two unrelated words lie above 8, ten random characters at 10.
const COMMON: f64 = 6.0;
/// Characters that are judged: as many say whether a password is common, and the work grows faster than their number.
const JUDGED: usize = 64;

/// Shortest word that counts as somebody's own.
const MIN_WORD: usize = 4;
/// What this product is called.
const PRODUCT: &str = "heliograph";

/// Why a password cannot be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Fewer than 10 characters.
    #[error("a password has at least {MIN_LENGTH} characters")]
    TooShort,
    /// More than 128 characters.
    #[error("a password has at most {MAX_LENGTH} characters")]
    TooLong,
    /// It is on the list that attackers begin with, or one step away.
    #[error("the password is one of those that are guessed first")]
    TooCommon,
    /// It contains the address, the name, the organization's name or the product's.
    #[error("the password contains your name, your e-mail address, or the name of your organization or of this product")]
    ContainsOwnWords,
}

impl PasswordError {
    /// Stable code of the violated rule, as it stands in problem documents.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooShort => "too-short",
            Self::TooLong => "too-long",
            Self::TooCommon => "too-common",
            Self::ContainsOwnWords => "contains-own-words",
        }
    }
}

/// Words that anybody who knows an account would try: its owner's names, its address, its organization, this product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnWords(Vec<String>);

impl OwnWords {
    /// The words of `texts`, such as names, and what stands before the `@` of an address.
    pub fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut words = vec![PRODUCT.to_owned()];
        for text in texts {
            let text = text.rsplit_once('@').map_or(text, |(local, _)| local).to_lowercase();
            let parts: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()).collect();
            let all = parts.iter().map(|part| (*part).to_owned()).chain([parts.concat()]);
            words.extend(all.filter(|word| word.chars().count() >= MIN_WORD));
        }
        Self(words)
    }

    fn are_in(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.0.iter().any(|word| text.contains(word.as_str()))
    }
}

impl Default for OwnWords {
    fn default() -> Self {
        Self::of([])
    }
}

/// Checks a password that is being chosen. Its length is looked at before anything that costs more.
pub(super) fn check(text: &str, own: &OwnWords) -> Result<(), PasswordError> {
    match text.chars().take(MAX_LENGTH + 1).count() {
        0..MIN_LENGTH => Err(PasswordError::TooShort),
        MIN_LENGTH..=MAX_LENGTH if own.are_in(text) => Err(PasswordError::ContainsOwnWords),
        MIN_LENGTH..=MAX_LENGTH if is_common(text) => Err(PasswordError::TooCommon),
        MIN_LENGTH..=MAX_LENGTH => Ok(()),
        _ => Err(PasswordError::TooLong),
    }
}

fn is_common(text: &str) -> bool {
    let judged: String = text.chars().take(JUDGED).collect();
    zxcvbn::zxcvbn(&judged, &[]).guesses_log10() < COMMON
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Result<(), PasswordError> {
        check(text, &OwnWords::default())
    }

    #[test]
    fn length_is_counted_in_characters() {
        assert_eq!(told(&"ä".repeat(9)), Err(PasswordError::TooShort));
        assert_eq!(told("äöüß-éèê-z"), Ok(()));
        let long = "a quite long passphrase that goes on and on ".repeat(3);
        assert_eq!(told(&long[..128]), Ok(()));
        assert_eq!(told(&long[..129]), Err(PasswordError::TooLong));
    }

    #[test]
    fn what_is_guessed_first_is_refused() {
        for text in [
            "password12",
            "Password12",
            "p@ssw0rd123",
            "qwertyuiop",
            "iloveyou123",
            "1234567890",
            "1q2w3e4r5t",
            "letmein123",
            "welcome2024",
            "football99",
            "michael1988",
            "aaaaaaaaaa",
            "abcdefghij",
            "passwordpassword",
            "trustno1trustno1",
            "administrator",
            "dragonball",
            "asdfghjkl1",
            "changeme123",
            "2024-11-21",
        ] {
            assert_eq!(told(text), Err(PasswordError::TooCommon), "{text}");
        }
    }

    #[test]
    fn phrases_and_random_texts_are_accepted() {
        for text in [
            "correct horse battery",
            "the quick brown fox",
            "ich gehe heute einkaufen",
            "blue water runs deep",
            "k3Jx9qLm2p",
            "x7Kq9#mLp2$v",
            "пароль который никто",
            "        ten blanks first",
        ] {
            assert_eq!(told(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn own_words_are_refused_in_any_letter_case() {
        let own = OwnWords::of(["ada.lovelace@example.com", "Ada", "King-Noel", "Analytical Engines Ltd"]);
        for text in ["my LoveLace 1815", "xx-analytical-xx", "the engines hum", "i am kingnoel!", "see HELIOGRAPH run", "adalovelace42"] {
            assert_eq!(check(text, &own), Err(PasswordError::ContainsOwnWords), "{text}");
        }
        // Too short to be recognised as a word, or of the address's host.
        for text in ["made a parade today", "for example dot com"] {
            assert_eq!(check(text, &own), Ok(()), "{text}");
        }
    }
}
