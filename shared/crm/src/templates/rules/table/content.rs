//! Rules of a template as a whole, of its variables, and of header, body and footer.

use serde_json::json;

use super::{
    COMPONENTS, LANGUAGES, Limit, NONE, OURS, OVERVIEW, REVIEW, Rule, TIME_TO_LIVE, Unit, characters, languages, pieces, range, rules,
};
use crate::templates::{
    model::Category::Utility,
    rules::examples::{body, code, footer, header, marketing, media, named_body, nested, numbered, plain, with, x},
};

rules! {
    NAME: "template", "invalid", characters(1, 512),
        "a name of <least> to <most> characters: lower-case letters a to z, digits and underscores", OVERVIEW;
        with(json!({ "type": "FOOTER", "text": "x" })).called(x(NAME.most()));
        with(json!({ "type": "FOOTER", "text": "x" })).called(x(NAME.most() + 1));
    LANGUAGE: "template", "invalid", Limit::OneOf(languages::ALL), "the code of a language that the provider knows: <words>", LANGUAGES;
        marketing(json!([plain()])).spoken("prs_AF");
        marketing(json!([plain()])).spoken("en_DE");
    TTL_AUTHENTICATION: "template", "out-of-range", range(30, 900, Unit::Seconds),
        "messages of templates for codes are tried for <least> to <most> seconds, or -1", TIME_TO_LIVE;
        code(json!({}), json!({}), json!({})).lasting(TTL_AUTHENTICATION.most());
        code(json!({}), json!({}), json!({})).lasting(TTL_AUTHENTICATION.most() + 1);
    TTL_UTILITY: "template", "out-of-range", range(30, 43_200, Unit::Seconds),
        "messages of utility templates are tried for <least> to <most> seconds, or -1", TIME_TO_LIVE;
        marketing(json!([plain()])).of(Utility).lasting(TTL_UTILITY.most());
        marketing(json!([plain()])).of(Utility).lasting(TTL_UTILITY.most() + 1);
    TTL_MARKETING: "template", "out-of-range", range(43_200, 2_592_000, Unit::Seconds),
        "messages of marketing templates are tried for <least> to <most> seconds, or -1", TIME_TO_LIVE;
        marketing(json!([plain()])).lasting(TTL_MARKETING.least());
        marketing(json!([plain()])).lasting(TTL_MARKETING.least() - 1);

    COMPONENTS_LIST: "components", "missing", NONE, "a list of components with a BODY", OVERVIEW;
        marketing(json!([plain()]));
        marketing(json!([]));
    COMPONENTS_SIZE: "components", "too-long", range(0, 64 * 1_024, Unit::Bytes),
        "all components together take at most <most> bytes as JSON", OURS;
        marketing(json!([{ "type": "BODY", "text": "Hello.", "note": x(COMPONENTS_SIZE.most() - 43) }]));
        marketing(json!([{ "type": "BODY", "text": "Hello.", "note": x(COMPONENTS_SIZE.most() - 42) }]));
    COMPONENTS_DEPTH: "components", "too-deep", pieces(0, 126), "lists and objects lie at most <most> deep in each other", OURS;
        marketing(json!([{ "type": "BODY", "text": "Hello.", "note": nested(COMPONENTS_DEPTH.most() - 2) }]));
        marketing(json!([{ "type": "BODY", "text": "Hello.", "note": nested(COMPONENTS_DEPTH.most() - 1) }]));
    COMPONENT_KIND: "components", "unsupported", Limit::OneOf(&[
            "HEADER", "BODY", "FOOTER", "BUTTONS", "LIMITED_TIME_OFFER", "CAROUSEL", "CALL_PERMISSION_REQUEST",
        ]),
        "a component is one of <words>", COMPONENTS;
        with(json!({ "type": "FOOTER", "text": "x" }));
        with(json!({ "type": "SIDEBAR", "text": "x" }));
    COMPONENT_ONCE: "components", "duplicate", pieces(0, 1), "each kind of component stands at most once", COMPONENTS;
        marketing(json!([plain()]));
        marketing(json!([plain(), plain()]));
    BODY_NEEDED: "components", "body-missing", NONE, "a template has a BODY", COMPONENTS;
        marketing(json!([plain(), { "type": "FOOTER", "text": "x" }]));
        marketing(json!([{ "type": "FOOTER", "text": "x" }]));
    COMPILES: "components", "unsupported", NONE, "what keeps all other rules can also be sent", OURS;
        marketing(json!([plain()]));
        marketing(json!([{ "type": "BODY", "text": "Hello {{2}}." }]));

    PLACEHOLDER: "variables", "placeholder", NONE, "a variable is `{{`, a name and `}}`", OVERVIEW;
        body("Hello {{1}}, {you}!", &["Ada"]);
        body("Hello {{1}, you!", &["Ada"]);
    PLACEHOLDER_NUMBER: "variables", "placeholder-order", pieces(1, 99),
        "positional variables are {{1}}, {{2}} and so on, without a gap and up to {{<most>}}", OVERVIEW;
        numbered(PLACEHOLDER_NUMBER.most());
        numbered(PLACEHOLDER_NUMBER.most() + 1);
    PLACEHOLDER_NAME: "variables", "placeholder", NONE, "the name of a variable has lower-case letters a to z and underscores", OVERVIEW;
        named_body("Hello {{first_name}}!", &["first_name"]);
        named_body("Hello {{Name1}}!", &["Name1"]);
    PLACEHOLDER_ONCE: "variables", "repeated-variable", pieces(0, 1), "a named variable stands at most once in a text", OVERVIEW;
        named_body("Hello {{name}}, how are you?", &["name"]);
        named_body("Hello {{name}}, how are you, {{name}}?", &["name"]);
    SAMPLES: "variables", "sample-missing", NONE, "exactly one sample for each variable, by name when variables have names", COMPONENTS;
        body("Hello {{1}} and {{2}}!", &["Ada", "Eve"]);
        body("Hello {{1}} and {{2}}!", &["Ada"]);

    HEADER_FORMAT: "HEADER", "unsupported", Limit::OneOf(&["TEXT", "IMAGE", "VIDEO", "DOCUMENT", "LOCATION"]),
        "the format of a header is one of <words>", COMPONENTS;
        with(json!({ "type": "HEADER", "format": "LOCATION" }));
        with(media("GIF", &["4::aW"]));
    HEADER_TEXT: "HEADER", "missing", NONE, "a text header has a text", COMPONENTS;
        header("x", &[]);
        header(" ", &[]);
    HEADER_LENGTH: "HEADER", "too-long", characters(1, 60), "the text of a header has <least> to <most> characters", COMPONENTS;
        header(&x(HEADER_LENGTH.most()), &[]);
        header(&x(HEADER_LENGTH.most() + 1), &[]);
    HEADER_LINE: "HEADER", "line-break", NONE, "the text of a header is one line", COMPONENTS;
        header("One line", &[]);
        header("Two\nlines", &[]);
    HEADER_VARIABLES: "HEADER", "too-many-variables", pieces(0, 1), "a header has at most <most> variable", COMPONENTS;
        header("For {{1}}", &["Ada"]);
        header("For {{1}} and {{2}}", &["Ada", "Eve"]);
    HEADER_PLAIN: "HEADER", "markdown", Limit::OneOf(&["*", "_", "~", "`"]),
        "the text of a header has no formatting characters: none of <words>", COMPONENTS;
        header("Big sale", &[]);
        header("*Big* sale", &[]);
    MEDIA_SAMPLE: "HEADER", "sample-missing", pieces(1, 1), "a media header has the handle of exactly <most> uploaded sample", COMPONENTS;
        with(media("IMAGE", &["4::aW"]));
        with(media("IMAGE", &[]));

    BODY_TEXT: "BODY", "missing", NONE, "a body has a text", COMPONENTS;
        body("x", &[]);
        body("\n", &[]);
    BODY_LENGTH: "BODY", "too-long", characters(1, 1_024), "the text of a body has <least> to <most> characters", COMPONENTS;
        body(&x(BODY_LENGTH.most()), &[]);
        body(&x(BODY_LENGTH.most() + 1), &[]);
    BODY_EDGE: "BODY", "edge-variable", NONE, "a body does not begin or end with a variable", "error code 2388299";
        body("Hello {{1}}!", &["Ada"]);
        body("Hello {{1}}", &["Ada"]);
    BODY_ADJACENT: "BODY", "adjacent-variables", NONE, "there is text between two variables", REVIEW;
        body("Hello {{1}} and {{2}}!", &["Ada", "Eve"]);
        body("Hello there {{1}} {{2}}!", &["Ada", "Eve"]);
    BODY_WORDS: "BODY", "too-many-variables", NONE, "the text has at least as many words as variables", "error code 2388293";
        body("Hi {{1}}, and {{2}}, and {{3}}.", &["a", "b", "c"]);
        body("Hi {{1}}, {{2}}, {{3}}.", &["a", "b", "c"]);

    FOOTER_TEXT: "FOOTER", "missing", NONE, "a footer has a text", COMPONENTS;
        footer("x");
        footer(" ");
    FOOTER_LENGTH: "FOOTER", "too-long", characters(1, 60), "the text of a footer has <least> to <most> characters", COMPONENTS;
        footer(&x(FOOTER_LENGTH.most()));
        footer(&x(FOOTER_LENGTH.most() + 1));
    FOOTER_LINE: "FOOTER", "line-break", NONE, "the text of a footer is one line", COMPONENTS;
        footer("One line");
        footer("Two\nlines");
    FOOTER_VARIABLES: "FOOTER", "too-many-variables", pieces(0, 0), "a footer has no variables", COMPONENTS;
        footer("By Ada");
        footer("By {{1}}");
}
