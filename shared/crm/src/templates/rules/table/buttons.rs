//! Rules of buttons.

use serde_json::json;

use super::{CALLING, CATALOGS, COMPONENTS, FLOWS, Limit, NONE, PRODUCTS, Rule, Unit, characters, pieces, range, rules};
use crate::templates::{
    model::Category::Utility,
    rules::examples::{button, buttons, coupon, flow, link, link_to, media, phone, products, reply, times, x},
};

/// A kind of button.
pub(in crate::templates::rules) struct Kind {
    /// The provider's word.
    pub(in crate::templates::rules) word: &'static str,
    /// Whether its label is ours to write.
    pub(in crate::templates::rules) has_label: bool,
    /// How often it may stand in a template, if less often than buttons may at all.
    pub(in crate::templates::rules) count: Option<&'static Rule>,
}

const fn kind(word: &'static str, has_label: bool, count: Option<&'static Rule>) -> Kind {
    Kind { word, has_label, count }
}

/// All kinds, also those of cards.
pub(in crate::templates::rules) static KINDS: &[Kind] = &[
    kind("QUICK_REPLY", true, None),
    kind("URL", true, Some(&URL_COUNT)),
    kind("PHONE_NUMBER", true, Some(&PHONE_COUNT)),
    kind("COPY_CODE", false, Some(&COUPON_COUNT)),
    kind("FLOW", true, Some(&FLOW_COUNT)),
    kind("CATALOG", true, None),
    kind("MPM", true, None),
    kind("SPM", true, None),
    kind("VOICE_CALL", true, Some(&CALL_COUNT)),
    kind("REQUEST_CONTACT_INFO", false, Some(&CONTACT_COUNT)),
];

rules! {
    BUTTONS_LIST: "BUTTONS", "missing", NONE, "a list of buttons", COMPONENTS;
        button(reply());
        buttons(json!([]));
    BUTTONS_COUNT: "BUTTONS", "too-many", pieces(1, 10), "a template has at most <most> buttons", COMPONENTS;
        buttons(times(BUTTONS_COUNT.most(), &reply()));
        buttons(times(BUTTONS_COUNT.most() + 1, &reply()));
    BUTTON_KIND: "BUTTONS", "unsupported", Limit::OneOf(&[
            "QUICK_REPLY", "URL", "PHONE_NUMBER", "COPY_CODE", "FLOW", "CATALOG", "MPM", "VOICE_CALL", "REQUEST_CONTACT_INFO",
        ]), "a button is one of <words>", COMPONENTS;
        button(json!({ "type": "REQUEST_CONTACT_INFO" }));
        button(json!({ "type": "APP", "text": "Open" }));
    BUTTONS_GROUPED: "BUTTONS", "mixed", NONE, "quick replies stand together, before or behind the other buttons", COMPONENTS;
        buttons(json!([reply(), reply(), link(), link()]));
        buttons(json!([reply(), link(), reply()]));
    BUTTON_ALONE: "BUTTONS", "not-alone", Limit::OneOf(&["CATALOG", "MPM"]),
        "each of these buttons is the only one: <words>", CATALOGS;
        button(json!({ "type": "CATALOG", "text": "Shop" }));
        buttons(json!([{ "type": "CATALOG", "text": "Shop" }, reply()]));
    BUTTON_MARKETING: "BUTTONS", "not-allowed", Limit::OneOf(&["CATALOG", "MPM"]), "only in marketing templates: <words>", CATALOGS;
        button(json!({ "type": "CATALOG", "text": "Shop" }));
        button(json!({ "type": "CATALOG", "text": "Shop" })).of(Utility);
    MPM_HEADER: "BUTTONS MPM", "header-missing", NONE, "a template that shows several products has a text header", PRODUCTS;
        products(json!({ "type": "HEADER", "format": "TEXT", "text": "New" }));
        products(media("IMAGE", &["4::aW"]));

    LABEL: "BUTTONS", "missing", NONE, "a button has a label", COMPONENTS;
        button(json!({ "type": "QUICK_REPLY", "text": "x" }));
        button(json!({ "type": "QUICK_REPLY" }));
    LABEL_LENGTH: "BUTTONS", "too-long", characters(1, 25), "a label has <least> to <most> characters", COMPONENTS;
        button(json!({ "type": "QUICK_REPLY", "text": x(LABEL_LENGTH.most()) }));
        button(json!({ "type": "QUICK_REPLY", "text": x(LABEL_LENGTH.most() + 1) }));
    LABEL_LINE: "BUTTONS", "line-break", NONE, "a label is one line", COMPONENTS;
        button(json!({ "type": "QUICK_REPLY", "text": "One line" }));
        button(json!({ "type": "QUICK_REPLY", "text": "Two\nlines" }));
    LABEL_BRACES: "BUTTONS", "braces", NONE, "a label has no variables and no braces", COMPONENTS;
        button(json!({ "type": "QUICK_REPLY", "text": "Yes (really)" }));
        button(json!({ "type": "QUICK_REPLY", "text": "Yes {really}" }));

    URL_COUNT: "BUTTONS URL", "too-many", pieces(0, 2), "at most <most> buttons are links", COMPONENTS;
        buttons(times(URL_COUNT.most(), &link()));
        buttons(times(URL_COUNT.most() + 1, &link()));
    LINK: "BUTTONS URL", "invalid", NONE, "a link begins with http:// or https://, goes on, and has no blanks", COMPONENTS;
        link_to("http://shop.example", &[]);
        link_to("shop.example", &[]);
    LINK_LENGTH: "BUTTONS URL", "too-long", characters(1, 2_000), "a link has at most <most> characters", COMPONENTS;
        link_to(&format!("https://{}", x(LINK_LENGTH.most() - 8)), &[]);
        link_to(&format!("https://{}", x(LINK_LENGTH.most() - 7)), &[]);
    LINK_VARIABLE: "BUTTONS URL", "too-many-variables", pieces(0, 1),
        "a link has at most <most> variable, {{1}}, at its very end", COMPONENTS;
        link_to("https://shop.example/{{1}}", &["https://shop.example/x"]);
        link_to("https://shop.example/{{1}}/x", &["https://shop.example/x/x"]);
    LINK_SAMPLE: "BUTTONS URL", "sample-missing", pieces(1, 1), "a link with a variable has exactly <most> sample", COMPONENTS;
        link_to("https://shop.example/{{1}}", &["https://shop.example/x"]);
        link_to("https://shop.example/{{1}}", &[]);

    PHONE_COUNT: "BUTTONS PHONE_NUMBER", "too-many", pieces(0, 1), "at most <most> button calls a number", COMPONENTS;
        button(phone("+49 30 123456"));
        buttons(times(PHONE_COUNT.most() + 1, &phone("+49 30 123456")));
    PHONE: "BUTTONS PHONE_NUMBER", "invalid", NONE, "a telephone number has digits, blanks and + - ( ), and at least one digit", COMPONENTS;
        button(phone("+49 (30) 12-34"));
        button(phone("030/1234"));
    PHONE_LENGTH: "BUTTONS PHONE_NUMBER", "too-long", characters(1, 20), "a telephone number has at most <most> characters", COMPONENTS;
        button(phone(&"4".repeat(PHONE_LENGTH.most())));
        button(phone(&"4".repeat(PHONE_LENGTH.most() + 1)));

    COUPON_COUNT: "BUTTONS COPY_CODE", "too-many", pieces(0, 1), "at most <most> button copies a code", COMPONENTS;
        button(coupon("SAVE20"));
        buttons(times(COUPON_COUNT.most() + 1, &coupon("SAVE20")));
    COUPON: "BUTTONS COPY_CODE", "sample-missing", pieces(1, 1), "a button that copies a code has exactly <most> sample of it", COMPONENTS;
        button(coupon("SAVE20"));
        button(json!({ "type": "COPY_CODE" }));
    COUPON_LENGTH: "BUTTONS COPY_CODE", "too-long", characters(1, 15), "a code has at most <most> characters", COMPONENTS;
        button(coupon(&x(COUPON_LENGTH.most())));
        button(coupon(&x(COUPON_LENGTH.most() + 1)));

    FLOW_COUNT: "BUTTONS FLOW", "too-many", pieces(0, 1), "at most <most> button opens a flow", FLOWS;
        flow(json!({ "flow_id": "123" }));
        buttons(times(FLOW_COUNT.most() + 1, &json!({ "type": "FLOW", "text": "Book", "flow_id": "123" })));
    FLOW_TARGET: "BUTTONS FLOW", "one-of", Limit::OneOf(&["flow_id", "flow_name"]), "a flow is named by exactly one of <words>", FLOWS;
        flow(json!({ "flow_name": "Booking" }));
        flow(json!({ "flow_id": "123", "flow_name": "Booking" }));
    FLOW_ID: "BUTTONS FLOW", "invalid", NONE, "the id of a flow is a text of digits", FLOWS;
        flow(json!({ "flow_id": "123" }));
        flow(json!({ "flow_id": 123 }));
    FLOW_NAME: "BUTTONS FLOW", "invalid", NONE, "the name of a flow is a text that is not blank", FLOWS;
        flow(json!({ "flow_name": "x" }));
        flow(json!({ "flow_name": " " }));
    FLOW_ACTION: "BUTTONS FLOW", "unknown-value", Limit::OneOf(&["NAVIGATE", "DATA_EXCHANGE"]),
        "what a flow begins with is one of <words>", FLOWS;
        flow(json!({ "flow_id": "123", "flow_action": "DATA_EXCHANGE" }));
        flow(json!({ "flow_id": "123", "flow_action": "EXCHANGE" }));
    FLOW_SCREEN: "BUTTONS FLOW", "invalid", NONE, "the first screen of a flow is a text that is not blank", FLOWS;
        flow(json!({ "flow_id": "123", "navigate_screen": "START" }));
        flow(json!({ "flow_id": "123", "navigate_screen": "" }));

    CALL_COUNT: "BUTTONS VOICE_CALL", "too-many", pieces(0, 1), "at most <most> button calls by WhatsApp", CALLING;
        button(json!({ "type": "VOICE_CALL", "text": "Call" }));
        buttons(times(CALL_COUNT.most() + 1, &json!({ "type": "VOICE_CALL", "text": "Call" })));
    CALL_MINUTES: "BUTTONS VOICE_CALL", "out-of-range", range(1_440, 43_200, Unit::Minutes),
        "the button can be used for <least> to <most> minutes", CALLING;
        button(json!({ "type": "VOICE_CALL", "text": "Call", "ttl_minutes": CALL_MINUTES.least() }));
        button(json!({ "type": "VOICE_CALL", "text": "Call", "ttl_minutes": CALL_MINUTES.least() - 1 }));
    CONTACT_COUNT: "BUTTONS REQUEST_CONTACT_INFO", "too-many", pieces(0, 1), "at most <most> button asks for the contact", COMPONENTS;
        button(json!({ "type": "REQUEST_CONTACT_INFO" }));
        buttons(times(CONTACT_COUNT.most() + 1, &json!({ "type": "REQUEST_CONTACT_INFO" })));
}
