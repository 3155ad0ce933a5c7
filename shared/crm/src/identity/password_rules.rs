//! What a new password must not be: too short, too long, one that everybody tries first, or made of what everybody knows of its owner.

/// Fewest characters of a new password.
pub(super) const MIN_LENGTH: usize = 10;
/// Most characters of a password; longer ones are refused before any work is done.
pub(super) const MAX_LENGTH: usize = 128;

/// Guesses, as a power of ten, below which a password counts as common.
///
/// All 30,000 common passwords of the list, names and words lie below 4.5; with a year, `123`, capitals or digits for letters below 5.
/// Two unrelated words lie above 8, ten random characters at 10.
const COMMON: f64 = 5.0;
/// The same for somebody who tries the owner's own words first: such a word with a year lies at 6, with three characters at random at 8.
const OWN: f64 = 6.5;
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
    /// It is guessed first by somebody who knows the address, the name, the organization's name and the product's.
    #[error("the password is little more than your name, your e-mail address, or the name of your organization or of this product")]
    OwnWords,
}

impl PasswordError {
    /// Stable code of the violated rule, as it stands in problem documents.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooShort => "too-short",
            Self::TooLong => "too-long",
            Self::TooCommon => "too-common",
            Self::OwnWords => "own-words",
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

    fn as_strs(&self) -> Vec<&str> {
        self.0.iter().map(String::as_str).collect()
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
        MIN_LENGTH..=MAX_LENGTH => judge(text, own),
        _ => Err(PasswordError::TooLong),
    }
}

fn judge(text: &str, own: &OwnWords) -> Result<(), PasswordError> {
    let judged: String = text.chars().take(JUDGED).collect();
    let by_anybody = zxcvbn::zxcvbn(&judged, &[]).guesses_log10();
    let by_who_knows_them = zxcvbn::zxcvbn(&judged, &own.as_strs()).guesses_log10();
    if by_anybody < COMMON {
        Err(PasswordError::TooCommon)
    } else if by_who_knows_them < OWN && by_who_knows_them < by_anybody {
        Err(PasswordError::OwnWords)
    } else {
        Ok(())
    }
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
    fn a_password_that_is_little_more_than_own_words_is_refused() {
        let own = OwnWords::of(["ada.lovelace@example.com", "Ada", "King-Noel", "Analytical Engines Ltd"]);
        for text in ["LoveLace1815", "xanalytical", "engines2024", "kingnoel123", "Heliograph1", "adalovelace", "L0velace99"] {
            assert_eq!(check(text, &own), Err(PasswordError::OwnWords), "{text}");
        }
        for text in ["the engines hum all night", "lovelace met the analytical babbage", "heliograph-3f9a71c04b"] {
            assert_eq!(check(text, &own), Ok(()), "{text}");
        }
    }
}
