//! People who do not exist: names from a short list, telephone numbers from the range that is reserved for fiction.

/// Area codes of the United States; in each, the numbers 555-0100 to 555-0199 belong to nobody.
const AREA_CODES: [u16; 40] = [
    201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219, 301, 302, 303, 304, 305, 307, 308, 309, 310, 312,
    313, 314, 315, 316, 317, 318, 319, 401, 402, 404, 405, 406, 407,
];
const PER_AREA: usize = 100;
const NAMES: [&str; 16] = [
    "Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Radia", "Ken", "Hedy", "Dennis", "Frances", "Tony", "Lynn", "Leslie", "Karen",
    "Niklaus",
];

/// How many different people there are.
pub(super) const MAX: usize = AREA_CODES.len() * PER_AREA;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) phone_number: String,
    pub(super) name: String,
}

/// `count` different people; each run takes the next ones, so that nobody collects the tags of every run.
pub(super) fn people(run: usize, count: usize) -> impl Iterator<Item = Person> {
    let first = run.wrapping_mul(count);
    (0..count.min(MAX)).map(move |offset| {
        let place = first.wrapping_add(offset) % MAX;
        Person {
            phone_number: format!("+1{}55501{:02}", AREA_CODES[place / PER_AREA], place % PER_AREA),
            name: format!("{} {}", NAMES[place % NAMES.len()], place),
        }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn everybody_has_a_valid_number_of_their_own() {
        let numbers: HashSet<String> = people(0, MAX).map(|person| person.phone_number).collect();
        assert_eq!(numbers.len(), MAX);
        for number in numbers {
            assert!(kernel::PhoneNumber::parse(&number).is_ok_and(|parsed| parsed.as_e164() == number), "{number}");
        }
    }

    #[test]
    fn consecutive_runs_reach_different_people() {
        let first: HashSet<String> = people(0, 1000).map(|person| person.phone_number).collect();
        assert!(people(1, 1000).all(|person| !first.contains(&person.phone_number)));
    }
}
