//! The error codes of the Cloud API and what the sender does about each: one table, as data.
//!
//! # Source
//!
//! Meta, "Error codes" (`support/error-codes`) and the reactions this system chose. Rules in order: codes 1, 2 and 131016 together with HTTP 5xx are
//! ambiguous whatever stands here (see `outcome`); 131000 is tried three times; 131049 in the answer holds the person for a day, three times.
//! Waiting times and tries that Meta does not state are ours.

use std::time::Duration;

/// What the provider's refusals of calls about templates are about (`error_subcode`, with code 100).
///
/// # Source
///
/// Meta, "Error codes" and the answers that integrations record.
pub mod subcode {
    /// The object does not exist, or the token may not see it.
    pub const UNKNOWN_OBJECT: i64 = 33;
    /// The account has as many templates as it may.
    pub const TOO_MANY_TEMPLATES: i64 = 2_388_019;
    /// The account has a template of this name in this language.
    pub const NAME_TAKEN: i64 = 2_388_024;
    /// The template cannot be changed now.
    pub const NOT_EDITABLE: i64 = 2_388_039;
    /// A text or list is too long.
    pub const TOO_LONG: i64 = 2_388_040;
    /// The header is not right.
    pub const HEADER: i64 = 2_388_047;
    /// The body, its variables or their samples are not right.
    pub const BODY: i64 = 2_388_072;
    /// The footer or the buttons are not right.
    pub const FOOTER_OR_BUTTONS: i64 = 2_388_073;
    /// Too many variables for the text.
    pub const TOO_MANY_VARIABLES: i64 = 2_388_293;
    /// A variable stands at the beginning or end of the text.
    pub const VARIABLE_AT_THE_EDGE: i64 = 2_388_299;
    /// The template does not exist.
    pub const UNKNOWN_TEMPLATE: i64 = 2_593_002;
}

/// What the sender does with a row, its number or its template after a definite refusal.
///
/// "Back to planned" means: the attempt is not charged, the row waits until what was paused is resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reaction {
    /// Try this row again with backoff, up to `max_tries` attempts in all; then it has failed.
    RetryRow {
        /// Attempts in all, the first included.
        max_tries: u8,
    },
    /// The number sends too fast (130429): halve its rate, try the row again soon, charge nothing.
    SlowNumber,
    /// Too many messages to this person from this number (131056): hold the row for [`pair_wait`], others go on.
    HoldPair,
    /// Withheld for this person (131049 in the answer): hold the row for at least [`HOLD_PERSON_FOR`], up to [`HOLD_PERSON_TRIES`] attempts.
    HoldPerson,
    /// The number cannot send; a person has to look. The row goes back to planned.
    PauseNumber,
    /// The account or its token cannot send; pause every number of it. The row goes back to planned.
    PauseAccount,
    /// The template cannot be sent now; pause its campaigns. The row goes back to planned.
    PauseTemplate,
    /// The account made too many calls: the number waits, doubling up to [`RETRY_LATER_AT_MOST`] while it repeats. The row goes back to planned.
    RetryLater {
        /// The first wait.
        seconds: u32,
    },
    /// Final for this row; says nothing about others.
    FinalForRow,
    /// Final, and the person has opted out of marketing: record it.
    FinalOptedOut,
    /// Final for this row, and probably for every row like it: when the first rows of a campaign all fail so, stop it.
    FinalTemplateMistake,
}

/// How long [`Reaction::HoldPerson`] holds. Meta: retrying earlier prolongs the block.
pub const HOLD_PERSON_FOR: Duration = Duration::from_hours(24);

/// Attempts in all under [`Reaction::HoldPerson`].
pub const HOLD_PERSON_TRIES: u8 = 3;

/// Where the doubling of [`Reaction::RetryLater`] ends.
pub const RETRY_LATER_AT_MOST: Duration = Duration::from_mins(15);

/// Attempts in all under [`Reaction::HoldPair`]: waits of 1, 4, 16, 64 and 256 s lie between them.
pub const HOLD_PAIR_TRIES: u8 = 6;

/// The wait after the refusal number `refusals` (the first is 1) with 131056: 4^(n-1) s, at most 256 s.
///
/// # Source
///
/// Meta, `about-the-platform`, pair rate limits: "retry after 4^X s, X = 0, 1, 2, …".
pub const fn pair_wait(refusals: u32) -> Duration {
    let exponent = refusals.saturating_sub(1);
    Duration::from_secs(4_u64.pow(if exponent > 4 { 4 } else { exponent }))
}

impl Reaction {
    /// The row ends here.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::FinalForRow | Self::FinalOptedOut | Self::FinalTemplateMistake)
    }

    /// The refused attempt counts against the tries of the row.
    pub const fn charges_attempt(self) -> bool {
        matches!(self, Self::RetryRow { .. } | Self::HoldPair | Self::HoldPerson)
    }

    /// Attempts in all; none where they are not counted or there is no second one.
    pub const fn max_tries(self) -> Option<u8> {
        match self {
            Self::RetryRow { max_tries } => Some(max_tries),
            Self::HoldPair => Some(HOLD_PAIR_TRIES),
            Self::HoldPerson => Some(HOLD_PERSON_TRIES),
            _ => None,
        }
    }

    /// Stable name for records and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RetryRow { .. } => "retryRow",
            Self::SlowNumber => "slowNumber",
            Self::HoldPair => "holdPair",
            Self::HoldPerson => "holdPerson",
            Self::PauseNumber => "pauseNumber",
            Self::PauseAccount => "pauseAccount",
            Self::PauseTemplate => "pauseTemplate",
            Self::RetryLater { .. } => "retryLater",
            Self::FinalForRow => "finalForRow",
            Self::FinalOptedOut => "finalOptedOut",
            Self::FinalTemplateMistake => "finalTemplateMistake",
        }
    }
}

/// One line of the table: a code or a range of codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeRule {
    /// First code of the range.
    pub first: i64,
    /// Last code of the range; the same for a single code.
    pub last: i64,
    /// What it means, in our words.
    pub title: &'static str,
    /// What to do.
    pub reaction: Reaction,
}

/// The line for `code`, or none when the table does not know it.
pub fn rule(code: i64) -> Option<&'static CodeRule> {
    let at = CODES.partition_point(|rule| rule.last < code);
    CODES.get(at).filter(|rule| rule.first <= code)
}

const fn one(code: i64, reaction: Reaction, title: &'static str) -> CodeRule {
    CodeRule { first: code, last: code, title, reaction }
}

const RETRY_FEW: Reaction = Reaction::RetryRow { max_tries: 3 };
/// For faults of the platform that pass by themselves but may last a minute or two.
pub(super) const RETRY_SOME: Reaction = Reaction::RetryRow { max_tries: 5 };
const RETRY_IN_A_MINUTE: Reaction = Reaction::RetryLater { seconds: 60 };

use Reaction::{
    FinalForRow, FinalOptedOut, FinalTemplateMistake, HoldPair, HoldPerson, PauseAccount, PauseNumber, PauseTemplate, SlowNumber,
};

/// Sorted by code.
static CODES: &[CodeRule] = &[
    one(0, PauseAccount, "the access token is not accepted"),
    one(1, RETRY_FEW, "invalid request or fault of the platform"),
    one(2, RETRY_SOME, "the platform is temporarily unavailable"),
    one(3, PauseAccount, "the app lacks a capability"),
    one(4, RETRY_IN_A_MINUTE, "the app made too many calls"),
    one(10, PauseAccount, "permission is missing or was withdrawn"),
    one(17, RETRY_IN_A_MINUTE, "the user made too many calls"),
    one(33, PauseNumber, "the business number was deleted or its id is wrong"),
    one(100, FinalTemplateMistake, "a parameter is unknown or malformed"),
    one(104, PauseAccount, "no access token was sent"),
    one(190, PauseAccount, "the access token has expired or is invalid"),
    CodeRule { first: 200, last: 299, title: "permission is missing or was withdrawn", reaction: PauseAccount },
    one(368, PauseAccount, "the account is restricted for a policy violation"),
    one(613, RETRY_IN_A_MINUTE, "too many calls"),
    one(803, PauseNumber, "the business number is unknown"),
    one(80_007, RETRY_IN_A_MINUTE, "the WhatsApp account made too many calls"),
    one(80_008, RETRY_IN_A_MINUTE, "the WhatsApp account made too many calls"),
    one(130_403, FinalForRow, "the business has blocked this person"),
    one(130_429, SlowNumber, "the number's throughput is exceeded"),
    one(130_472, FinalForRow, "the person is part of an experiment"),
    one(130_497, FinalForRow, "the account may not message this country"),
    one(131_000, RETRY_FEW, "unknown failure"),
    one(131_005, PauseAccount, "access denied"),
    one(131_008, FinalTemplateMistake, "a required parameter is missing"),
    one(131_009, FinalTemplateMistake, "a parameter value is invalid"),
    one(131_014, RETRY_FEW, "the media link could not be fetched"),
    one(131_016, RETRY_SOME, "the service is temporarily unavailable"),
    one(131_021, FinalForRow, "sender and recipient are the same number"),
    one(131_026, FinalForRow, "the message is undeliverable"),
    one(131_030, FinalForRow, "the recipient is not on the test number's list"),
    one(131_031, PauseAccount, "the account is locked"),
    one(131_037, PauseNumber, "the display name of the number is not approved"),
    one(131_042, PauseAccount, "there is a payment problem"),
    one(131_044, PauseAccount, "there is a payment problem"),
    one(131_045, PauseNumber, "the number is not registered correctly"),
    one(131_047, FinalForRow, "more than 24 hours since the person's last message"),
    one(131_048, PauseNumber, "the number is restricted for spam or quality"),
    one(131_049, HoldPerson, "withheld to keep the person's engagement healthy"),
    one(131_050, FinalOptedOut, "the person has stopped marketing messages of this business"),
    one(131_051, FinalTemplateMistake, "the message type is not supported"),
    one(131_052, FinalForRow, "the media could not be downloaded"),
    one(131_053, FinalTemplateMistake, "the media could not be used"),
    one(131_055, FinalTemplateMistake, "the method is not allowed"),
    one(131_056, HoldPair, "too many messages to this person from this number"),
    one(131_057, RETRY_IN_A_MINUTE, "the account is in maintenance"),
    one(131_062, FinalForRow, "this message needs a phone number"),
    one(131_063, PauseTemplate, "marketing templates are switched off on this interface"),
    one(131_064, PauseAccount, "the messaging limit is lowered for wrong template categories"),
    one(132_000, FinalTemplateMistake, "the number of parameters does not match the template"),
    one(132_001, PauseTemplate, "the template does not exist in this language or is not approved"),
    one(132_005, FinalForRow, "the text is too long with its variables"),
    one(132_007, FinalTemplateMistake, "the template violates a content policy"),
    one(132_008, FinalTemplateMistake, "a parameter has the wrong format"),
    one(132_012, FinalTemplateMistake, "a parameter has the wrong format"),
    one(132_015, PauseTemplate, "the template is paused"),
    one(132_016, PauseTemplate, "the template is disabled"),
    one(132_018, FinalTemplateMistake, "the template's parameters are not valid"),
    one(132_068, PauseTemplate, "the flow is blocked"),
    one(132_069, PauseTemplate, "the flow is throttled"),
    one(133_000, PauseNumber, "the number was not deregistered completely"),
    one(133_004, PauseNumber, "the registration server is unavailable"),
    one(133_005, PauseNumber, "the two-step PIN is wrong"),
    one(133_006, PauseNumber, "the number is not verified"),
    one(133_008, PauseNumber, "the two-step PIN was tried too often"),
    one(133_009, PauseNumber, "the two-step PIN was tried too fast"),
    one(133_010, PauseNumber, "the number is not registered"),
    one(133_015, PauseNumber, "the number was deleted a moment ago"),
    one(133_016, PauseNumber, "the number was registered too often"),
    one(134_011, PauseAccount, "the payment terms are not accepted"),
    one(134_100, FinalTemplateMistake, "the template is not a marketing template"),
    one(134_101, Reaction::RetryLater { seconds: 600 }, "the template is still being synchronised"),
    one(134_102, RETRY_IN_A_MINUTE, "the template is unavailable"),
    one(135_000, FinalTemplateMistake, "a parameter is wrong"),
    one(137_000, FinalForRow, "the person's identity has changed"),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Every code of the papers, with the reaction it must have. Written out, so that a slip in the table shows.
    const EXPECTED: &[(&[i64], Reaction)] = &[
        (&[0, 3, 10, 104, 190, 200, 210, 299, 368, 131_005, 131_031, 131_042, 131_044, 131_064, 134_011], PauseAccount),
        (&[1, 131_000, 131_014], Reaction::RetryRow { max_tries: 3 }),
        (&[2, 131_016], Reaction::RetryRow { max_tries: 5 }),
        (&[4, 17, 613, 80_007, 80_008, 131_057, 134_102], Reaction::RetryLater { seconds: 60 }),
        (&[134_101], Reaction::RetryLater { seconds: 600 }),
        (&[33, 803, 131_037, 131_045, 131_048], PauseNumber),
        (&[133_000, 133_004, 133_005, 133_006, 133_008, 133_009, 133_010, 133_015, 133_016], PauseNumber),
        (&[130_429], SlowNumber),
        (&[131_056], HoldPair),
        (&[131_049], HoldPerson),
        (&[131_050], FinalOptedOut),
        (&[131_063, 132_001, 132_015, 132_016, 132_068, 132_069], PauseTemplate),
        (&[130_403, 130_472, 130_497, 131_021, 131_026, 131_030, 131_047, 131_052, 131_062, 132_005, 137_000], FinalForRow),
        (&[100, 131_008, 131_009, 131_051, 131_053, 131_055, 132_000, 132_007, 132_008, 132_012, 132_018], FinalTemplateMistake),
        (&[134_100, 135_000], FinalTemplateMistake),
    ];

    #[test]
    fn every_listed_code_has_its_reaction() {
        for (codes, reaction) in EXPECTED {
            for code in *codes {
                assert_eq!(rule(*code).map(|rule| rule.reaction), Some(*reaction), "{code}");
            }
        }
        let listed: usize = EXPECTED.iter().map(|(codes, _)| codes.len()).sum();
        assert_eq!(listed, CODES.len() + 2, "a code is in one list only (the range 200 to 299 stands three times above)");
    }

    #[test]
    fn the_table_is_sorted_and_free_of_overlaps() {
        assert!(CODES.iter().all(|rule| rule.first <= rule.last && !rule.title.is_empty()));
        assert!(CODES.windows(2).all(|pair| pair[0].last < pair[1].first));
    }

    #[test]
    fn unlisted_codes_are_unknown() {
        for code in [i64::MIN, -1, 5, 199, 300, 131_046, 131_999, 999_999, i64::MAX] {
            assert_eq!(rule(code), None, "{code}");
        }
    }

    #[test]
    fn the_wait_for_a_pair_grows_fourfold() {
        let waits: Vec<u64> = (0..8).map(|refusals| pair_wait(refusals).as_secs()).collect();
        assert_eq!(waits, [1, 1, 4, 16, 64, 256, 256, 256]);
    }
}
