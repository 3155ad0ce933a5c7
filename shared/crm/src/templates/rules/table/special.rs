//! Rules of limited-time offers, carousels and templates for one-time codes.

use serde_json::json;

use super::{
    AUTOFILL, CALL_PERMISSIONS, CODES, Limit, MEDIA_CARDS, NONE, OFFERS, PRODUCT_CARDS, Rule, Unit, ZERO_TAP, characters, pieces, range,
    rules,
};
use crate::templates::{
    model::Category::{Authentication, Utility},
    rules::examples::{
        app, autofill, card, card_of, carousel, code, coupon, link, marketing, media, offer, offer_beside, pair, phone, picture, plain,
        product, reply, times, with, x, zero_tap,
    },
};

rules! {
    OFFER_CATEGORY: "LIMITED_TIME_OFFER", "not-allowed", Limit::OneOf(&["MARKETING"]),
        "only in templates of the category <words>", OFFERS;
        offer(json!({ "text": "20 % off" }), json!([link()]));
        offer(json!({ "text": "20 % off" }), json!([link()])).of(Utility);
    OFFER_TEXT: "LIMITED_TIME_OFFER", "missing", NONE, "an offer has a text", OFFERS;
        offer(json!({ "text": "x" }), json!([link()]));
        offer(json!({ "text": " " }), json!([link()]));
    OFFER_LENGTH: "LIMITED_TIME_OFFER", "too-long", characters(1, 16), "the text of an offer has <least> to <most> characters", OFFERS;
        offer(json!({ "text": x(OFFER_LENGTH.most()) }), json!([link()]));
        offer(json!({ "text": x(OFFER_LENGTH.most() + 1) }), json!([link()]));
    OFFER_BRACES: "LIMITED_TIME_OFFER", "braces", NONE, "the text of an offer has no variables and no braces", OFFERS;
        offer(json!({ "text": "20 % off" }), json!([link()]));
        offer(json!({ "text": "{{1}} off" }), json!([link()]));
    OFFER_EXPIRATION: "LIMITED_TIME_OFFER", "invalid", NONE, "whether an offer shows when it ends is true or false", OFFERS;
        offer(json!({ "text": "20 % off", "has_expiration": true }), json!([coupon("SAVE20"), link()]));
        offer(json!({ "text": "20 % off", "has_expiration": "yes" }), json!([coupon("SAVE20"), link()]));
    OFFER_FOOTER: "LIMITED_TIME_OFFER", "not-allowed", NONE, "a template with an offer has no footer", OFFERS;
        offer(json!({ "text": "20 % off" }), json!([link()]));
        offer_beside(json!({ "type": "FOOTER", "text": "x" }), "Hello.");
    OFFER_HEADER: "LIMITED_TIME_OFFER", "not-allowed", Limit::OneOf(&["IMAGE", "VIDEO"]),
        "the header above an offer is one of <words>", OFFERS;
        offer_beside(media("VIDEO", &["4::aW"]), "Hello.");
        offer_beside(media("DOCUMENT", &["4::aW"]), "Hello.");
    OFFER_BODY_LENGTH: "LIMITED_TIME_OFFER", "too-long", characters(1, 600),
        "the body beside an offer has at most <most> characters", OFFERS;
        offer_beside(picture(), &x(OFFER_BODY_LENGTH.most()));
        offer_beside(picture(), &x(OFFER_BODY_LENGTH.most() + 1));
    OFFER_LINK: "LIMITED_TIME_OFFER", "button-missing", NONE, "a template with an offer has a link", OFFERS;
        offer(json!({ "text": "20 % off" }), json!([link()]));
        offer(json!({ "text": "20 % off" }), json!([coupon("SAVE20")]));
    OFFER_LINKS: "LIMITED_TIME_OFFER", "too-many", pieces(1, 1), "a template with an offer has exactly <most> link", OFFERS;
        offer(json!({ "text": "20 % off" }), json!([link()]));
        offer(json!({ "text": "20 % off" }), json!([link(), link()]));
    OFFER_BUTTON: "LIMITED_TIME_OFFER", "not-allowed", Limit::OneOf(&["COPY_CODE", "URL"]),
        "the buttons beside an offer are <words>", OFFERS;
        offer(json!({ "text": "20 % off" }), json!([coupon("SAVE20"), link()]));
        offer(json!({ "text": "20 % off" }), json!([link(), phone("123")]));
    OFFER_CODE_FIRST: "LIMITED_TIME_OFFER", "order", NONE, "beside an offer, the button that copies its code is the first", OFFERS;
        offer(json!({ "text": "20 % off" }), json!([coupon("SAVE20"), link()]));
        offer(json!({ "text": "20 % off" }), json!([link(), coupon("SAVE20")]));
    OFFER_CODE: "LIMITED_TIME_OFFER", "button-missing", NONE, "an offer that shows when it ends has a button that copies its code", OFFERS;
        offer(json!({ "text": "20 % off", "has_expiration": false }), json!([link()]));
        offer(json!({ "text": "20 % off", "has_expiration": true }), json!([link()]));

    CALL_PERMISSION_ALONE: "CALL_PERMISSION_REQUEST", "not-alone", Limit::OneOf(&["BUTTONS", "LIMITED_TIME_OFFER", "CAROUSEL"]),
        "a template that asks for the permission to call has none of <words>", CALL_PERMISSIONS;
        with(json!({ "type": "CALL_PERMISSION_REQUEST" }));
        marketing(json!([{ "type": "CALL_PERMISSION_REQUEST" }, plain(), { "type": "BUTTONS", "buttons": [reply()] }]));

    CAROUSEL_CATEGORY: "CAROUSEL", "not-allowed", Limit::OneOf(&["MARKETING"]), "only in templates of the category <words>", MEDIA_CARDS;
        pair(card("x", json!([reply()])));
        pair(card("x", json!([reply()]))).of(Utility);
    CAROUSEL_ALONE: "CAROUSEL", "not-allowed", Limit::OneOf(&["BODY"]), "beside a carousel stands nothing but <words>", MEDIA_CARDS;
        pair(card("x", json!([reply()])));
        marketing(json!([
            plain(), { "type": "FOOTER", "text": "x" }, { "type": "CAROUSEL", "cards": times(2, &card("x", json!([reply()]))) },
        ]));
    CARDS_LIST: "CAROUSEL", "missing", NONE, "a carousel has a list of cards", MEDIA_CARDS;
        pair(card("x", json!([reply()])));
        carousel(json!("cards"));
    CARDS_LEAST: "CAROUSEL", "too-few", pieces(2, usize::MAX), "a carousel has at least <least> cards", MEDIA_CARDS;
        carousel(times(CARDS_LEAST.least(), &card("x", json!([reply()]))));
        carousel(times(CARDS_LEAST.least() - 1, &card("x", json!([reply()]))));
    CARDS_MOST: "CAROUSEL", "too-many", pieces(0, 10), "a carousel has at most <most> cards", MEDIA_CARDS;
        carousel(times(CARDS_MOST.most(), &card("x", json!([reply()]))));
        carousel(times(CARDS_MOST.most() + 1, &card("x", json!([reply()]))));
    CARD_LIST: "CAROUSEL cards", "missing", NONE, "a card has a list of components", MEDIA_CARDS;
        pair(card("x", json!([reply()])));
        carousel(json!([card("x", json!([reply()])), {}]));
    CARD_KIND: "CAROUSEL cards", "unsupported", Limit::OneOf(&["HEADER", "BODY", "BUTTONS"]),
        "a component of a card is one of <words>", MEDIA_CARDS;
        pair(card("x", json!([reply()])));
        pair(card_of(picture(), json!([{ "type": "FOOTER", "text": "x" }])));
    CARD_ONCE: "CAROUSEL cards", "duplicate", pieces(0, 1), "each kind of component stands at most once in a card", MEDIA_CARDS;
        pair(card("x", json!([reply()])));
        pair(card_of(picture(), json!([plain(), plain()])));
    CARD_HEADER: "CAROUSEL cards", "header-missing", NONE, "a card has a header", MEDIA_CARDS;
        pair(card_of(picture(), json!([])));
        pair(card_of(plain(), json!([])));
    CARD_FORMAT: "CAROUSEL cards", "unsupported", Limit::OneOf(&["IMAGE", "VIDEO", "PRODUCT"]),
        "the format of a card's header is one of <words>", PRODUCT_CARDS;
        pair(product(json!([{ "type": "SPM", "text": "See" }])));
        pair(card_of(media("DOCUMENT", &["4::aW"]), json!([])));
    CARD_BODY_LENGTH: "CAROUSEL cards", "too-long", characters(1, 160), "the text of a card has <least> to <most> characters", MEDIA_CARDS;
        pair(card(&x(CARD_BODY_LENGTH.most()), json!([reply()])));
        pair(card(&x(CARD_BODY_LENGTH.most() + 1), json!([reply()])));
    CARD_BODY_LINES: "CAROUSEL cards", "line-break", pieces(0, 2), "the text of a card has at most <most> line breaks", MEDIA_CARDS;
        pair(card("a\nb\nc", json!([reply()])));
        pair(card("a\nb\nc\nd", json!([reply()])));
    CARD_BUTTONS: "CAROUSEL cards", "button-missing", NONE, "a card has BUTTONS", MEDIA_CARDS;
        pair(card("x", json!([reply()])));
        pair(json!({ "components": [picture(), plain()] }));
    CARD_BUTTON_COUNT: "CAROUSEL cards", "too-many", pieces(1, 2), "a card has at most <most> buttons", MEDIA_CARDS;
        pair(card("x", times(CARD_BUTTON_COUNT.most(), &reply())));
        pair(card("x", times(CARD_BUTTON_COUNT.most() + 1, &reply())));
    CARD_BUTTON: "CAROUSEL cards", "unsupported", Limit::OneOf(&["QUICK_REPLY", "URL", "PHONE_NUMBER"]),
        "a button of a card with a picture or film is one of <words>", MEDIA_CARDS;
        pair(card("x", json!([phone("123")])));
        pair(card("x", json!([coupon("SAVE20")])));
    PRODUCT_BUTTON: "CAROUSEL cards", "unsupported", Limit::OneOf(&["SPM", "URL"]),
        "the button of a card with a product is one of <words>", PRODUCT_CARDS;
        pair(product(json!([link()])));
        pair(product(json!([reply()])));
    PRODUCT_BUTTON_COUNT: "CAROUSEL cards", "too-many", pieces(1, 1), "a card with a product has exactly <most> button", PRODUCT_CARDS;
        pair(product(json!([link()])));
        pair(product(json!([link(), link()])));
    CARDS_ALIKE: "CAROUSEL cards", "card-differs", NONE, "all cards have the same kinds of components", MEDIA_CARDS;
        carousel(json!([card("x", json!([reply()])), card("y", json!([reply()]))]));
        carousel(json!([card("x", json!([reply()])), card_of(picture(), json!([]))]));
    CARD_HEADERS_ALIKE: "CAROUSEL cards", "card-differs", NONE, "the headers of all cards have the same format", MEDIA_CARDS;
        carousel(json!([card("x", json!([reply()])), card_of(media("IMAGE", &["4::bW"]), json!([plain()]))]));
        carousel(json!([card("x", json!([reply()])), card_of(media("VIDEO", &["4::bW"]), json!([plain()]))]));
    CARD_BUTTONS_ALIKE: "CAROUSEL cards", "card-differs", NONE, "all cards have the same kinds of buttons in the same order", MEDIA_CARDS;
        carousel(json!([card("x", json!([reply(), link()])), card("y", json!([reply(), link()]))]));
        carousel(json!([card("x", json!([reply(), link()])), card("y", json!([link(), reply()]))]));

    CODE_COMPONENT: "AUTHENTICATION", "not-allowed", Limit::OneOf(&["BODY", "FOOTER", "BUTTONS"]),
        "a template for codes has no components but <words>", CODES;
        code(json!({}), json!({}), json!({}));
        code(json!({}), json!({ "type": "HEADER", "format": "LOCATION" }), json!({}));
    CODE_BUTTONS: "AUTHENTICATION", "button-missing", NONE, "a template for codes has BUTTONS with one OTP button", CODES;
        code(json!({}), json!({}), json!({}));
        marketing(json!([{ "type": "BODY" }])).of(Authentication);
    CODE_BODY: "AUTHENTICATION", "not-allowed", NONE, "the body of a template for codes has no text: it is the provider's", CODES;
        code(json!({}), json!({}), json!({}));
        code(json!({ "text": "Your code" }), json!({}), json!({}));
    CODE_ADVICE: "AUTHENTICATION", "invalid", NONE, "whether the advice not to share the code is shown is true or false", CODES;
        code(json!({ "add_security_recommendation": true }), json!({}), json!({}));
        code(json!({ "add_security_recommendation": "yes" }), json!({}), json!({}));
    CODE_FOOTER: "AUTHENTICATION", "not-allowed", NONE, "the footer of a template for codes has no text: it is the provider's", CODES;
        code(json!({}), json!({}), json!({}));
        code(json!({}), json!({ "text": "Soon" }), json!({}));
    CODE_MINUTES: "AUTHENTICATION", "out-of-range", range(1, 90, Unit::Minutes), "a code is good for <least> to <most> minutes", CODES;
        code(json!({}), json!({ "code_expiration_minutes": CODE_MINUTES.most() }), json!({}));
        code(json!({}), json!({ "code_expiration_minutes": CODE_MINUTES.most() + 1 }), json!({}));
    CODE_BUTTON: "AUTHENTICATION", "otp-missing", pieces(1, 1), "a template for codes has exactly <most> button, of the type OTP", CODES;
        code(json!({}), json!({}), json!({}));
        code(json!({}), json!({}), json!({ "type": "URL" }));
    CODE_TYPE: "AUTHENTICATION", "unknown-value", Limit::OneOf(&["COPY_CODE", "ONE_TAP", "ZERO_TAP"]),
        "the OTP button is one of <words>", CODES;
        code(json!({}), json!({}), json!({ "otp_type": "COPY_CODE", "text": "Copy" }));
        code(json!({}), json!({}), json!({ "otp_type": "TWO_TAP" }));
    APPS_LIST: "AUTHENTICATION", "missing", NONE, "a button that fills the code in names the apps that take it", AUTOFILL;
        autofill(json!([app("com.example", "0123456789a")]));
        autofill(json!([]));
    APPS_COUNT: "AUTHENTICATION", "too-many", pieces(1, 5), "at most <most> apps", AUTOFILL;
        autofill(times(APPS_COUNT.most(), &app("com.example", "0123456789a")));
        autofill(times(APPS_COUNT.most() + 1, &app("com.example", "0123456789a")));
    APP_PACKAGE: "AUTHENTICATION", "invalid", pieces(2, usize::MAX),
        "an Android package: at least <least> parts with dots between them, each a letter and then letters, digits and _", AUTOFILL;
        autofill(json!([app("com.example.shop_2", "0123456789a")]));
        autofill(json!([app("com.2example", "0123456789a")]));
    APP_PACKAGE_LENGTH: "AUTHENTICATION", "too-long", characters(1, 224), "the name of a package has at most <most> characters", AUTOFILL;
        autofill(json!([app(&format!("a.{}", x(APP_PACKAGE_LENGTH.most() - 2)), "0123456789a")]));
        autofill(json!([app(&format!("a.{}", x(APP_PACKAGE_LENGTH.most() - 1)), "0123456789a")]));
    APP_SIGNATURE: "AUTHENTICATION", "invalid", characters(11, 11),
        "the hash of an app's signing key: <most> characters of Base64", AUTOFILL;
        autofill(json!([app("com.example", "K8a/AINcGX7")]));
        autofill(json!([app("com.example", "K8a/AINcGX")]));
    ZERO_TAP_TERMS: "AUTHENTICATION", "not-accepted", NONE, "zero-tap needs its terms accepted: true", ZERO_TAP;
        zero_tap(json!(true));
        zero_tap(json!(false));
}
