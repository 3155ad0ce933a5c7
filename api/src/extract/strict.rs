//! What holds for every JSON body, whatever it is about: how deep, how long, how large, and nothing said twice.

use std::{collections::HashSet, fmt};

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Objects and arrays within each other.
const MAX_DEPTH: usize = 32;
/// Elements of an array, and fields of an object.
const MAX_ITEMS: usize = 10_000;
/// Beyond it readers of JSON disagree about integers (RFC 8259, section 6).
const MAX_INTEGER: u64 = (1 << 53) - 1;
/// No quantity of ours is larger; what is not finite cannot be written in JSON at all.
const MAX_NUMBER: f64 = 1e15;

/// The rules, told by the beginning of the messages in which they fail.
pub(super) const CODES: [(&str, &str); 5] = [
    ("more than 32 levels", "too-deep"),
    ("more than 10000 ", "too-many"),
    ("contains the character U+0000", "unstorable-text"),
    ("a number beyond", "out-of-range"),
    ("duplicate field", "duplicate"),
];

/// Any JSON that keeps the rules; nothing of it is held.
pub(super) struct Strict;

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Level(0).deserialize(deserializer)
    }
}

/// One value, so deep.
#[derive(Clone, Copy)]
struct Level(usize);

impl<'de> DeserializeSeed<'de> for Level {
    type Value = Strict;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Strict, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Level {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.0 < MAX_DEPTH { Ok(Self(self.0 + 1)) } else { Err(E::custom(format!("more than {MAX_DEPTH} levels"))) }
    }
}

fn within<E: Error>(fits: bool) -> Result<Strict, E> {
    if fits { Ok(Strict) } else { Err(E::custom("a number beyond what is exact or sensible")) }
}

impl<'de> Visitor<'de> for Level {
    type Value = Strict;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_unit<E: Error>(self) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Strict, E> {
        within(number <= MAX_INTEGER)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Strict, E> {
        within(number.unsigned_abs() <= MAX_INTEGER)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Strict, E> {
        within(number.abs() <= MAX_NUMBER)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Strict, E> {
        if text.contains('\0') { Err(E::custom("contains the character U+0000, which cannot be stored")) } else { Ok(Strict) }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Strict, A::Error> {
        let inner = self.deeper()?;
        let mut count = 0;
        while items.next_element_seed(inner)?.is_some() {
            count += 1;
            if count > MAX_ITEMS {
                return Err(A::Error::custom(format!("more than {MAX_ITEMS} elements")));
            }
        }
        Ok(Strict)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Strict, A::Error> {
        let inner = self.deeper()?;
        let mut names = HashSet::new();
        while let Some(name) = fields.next_key::<String>()? {
            let _: Strict = self.visit_str(&name)?;
            fields.next_value_seed(inner)?;
            // Told after the value, so that the path leads to the field.
            if names.len() >= MAX_ITEMS {
                return Err(A::Error::custom(format!("more than {MAX_ITEMS} fields")));
            }
            if names.contains(&name) {
                return Err(A::Error::custom(format!("duplicate field `{name}`")));
            }
            names.insert(name);
        }
        Ok(Strict)
    }
}
